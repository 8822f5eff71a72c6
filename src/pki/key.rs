//! Private keys, and what can sign.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use der::{Reader, SliceReader};

use super::algorithm::{self, KeyAlgorithm, PublicKey};
use super::pem;
use crate::ground::secret::SecretBytes;

/// Something that signs: a private key in memory, or one the vault keeps.
pub trait Signer {
    /// The algorithm of its key.
    fn algorithm(&self) -> KeyAlgorithm;

    /// Its public key, as a DER SubjectPublicKeyInfo.
    fn subject_public_key_info(&self) -> &[u8];

    /// The signature over a message, in the form certificates carry it.
    ///
    /// # Errors
    /// The key could not be used; there is no signature then.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError>;
}

/// The key could not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningError;

/// A private key. No `Clone`; `Debug` shows only its algorithm; wiped when dropped (by aws-lc).
pub struct PrivateKey {
    pair: Pair,
    algorithm: KeyAlgorithm,
    subject_public_key_info: Vec<u8>,
}

/// Why there is no private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes are no private key in a form we read, or its parts contradict each other.
    Malformed,
    /// A private key of an algorithm, curve or size that is not in the table.
    UnsupportedAlgorithm,
    /// The key is encrypted; it must be decrypted first.
    Encrypted,
    /// The random number generator or the library failed.
    Unavailable,
}

/// The key identifier of a public key in a DER SubjectPublicKeyInfo: the leftmost 160 bits of the
/// SHA-256 of the BIT STRING's value (RFC 7093 section 2, method 1). `None` for other bytes.
#[must_use]
pub fn key_identifier(subject_public_key_info: &[u8]) -> Option<[u8; 20]> {
    let key = PublicKey::from_der(subject_public_key_info).ok()?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.bits);
    digest.as_ref().first_chunk().copied()
}

impl PrivateKey {
    /// A new key. RSA keys take up to some seconds.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            KeyAlgorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ecdsa)
            }
            KeyAlgorithm::EcdsaP384 => {
                EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Pair::Ecdsa)
            }
            KeyAlgorithm::Rsa2048 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            KeyAlgorithm::Rsa3072 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
            KeyAlgorithm::Rsa4096 => RsaKeyPair::generate(KeySize::Rsa4096).map(Pair::Rsa),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::of_pair(pair.map_err(|_| KeyError::Unavailable)?)
    }

    /// A key from an unencrypted DER `PrivateKeyInfo` (PKCS#8, RFC 5958).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] or [`KeyError::UnsupportedAlgorithm`].
    pub fn from_pkcs8(bytes: &SecretBytes) -> Result<Self, KeyError> {
        let bytes = bytes.expose();
        Self::of_first([
            ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes),
            ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, bytes),
            RsaKeyPair::from_pkcs8(bytes).ok().map(Pair::Rsa),
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).ok().map(Pair::Ed25519),
        ])
        .map_err(|error| match error {
            KeyError::Malformed if is_of_another_algorithm(bytes) => KeyError::UnsupportedAlgorithm,
            error => error,
        })
    }

    /// A key from a DER `ECPrivateKey` (SEC 1, RFC 5915) or `RSAPrivateKey` (PKCS#1, RFC 8017), the
    /// forms older tools write.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] or [`KeyError::UnsupportedAlgorithm`].
    pub fn from_traditional(bytes: &SecretBytes) -> Result<Self, KeyError> {
        let bytes = bytes.expose();
        Self::of_first([
            ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes),
            ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, bytes),
            RsaKeyPair::from_der(bytes).ok().map(Pair::Rsa),
            None,
        ])
    }

    /// The key as a DER `PrivateKeyInfo` (PKCS#8). Always version 1: OpenSSL 3.0 refuses the
    /// version 2 that Ed25519 keys often have.
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    pub fn pkcs8(&self) -> Result<SecretBytes, KeyError> {
        let bytes = match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.to_pkcs8v1().map(|document| SecretBytes::copy_of(document.as_ref()))
            }
            Pair::Rsa(pair) => pair.as_der().map(|der| SecretBytes::copy_of(der.as_ref())),
            Pair::Ed25519(pair) => {
                pair.to_pkcs8v1().map(|document| SecretBytes::copy_of(document.as_ref()))
            }
        };
        bytes.map_err(|_| KeyError::Unavailable)
    }

    /// The key in the clear, as PEM (`PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError::Unavailable`].
    pub fn pkcs8_pem(&self) -> Result<SecretBytes, KeyError> {
        let text = pem::encode(pem::PRIVATE_KEY, self.pkcs8()?.expose());
        text.map(|text| SecretBytes::new(text.into_bytes())).map_err(|_| KeyError::Unavailable)
    }

    fn of_first(candidates: [Option<Pair>; 4]) -> Result<Self, KeyError> {
        let pair = candidates.into_iter().flatten().next().ok_or(KeyError::Malformed)?;
        Self::of_pair(pair)
    }

    fn of_pair(pair: Pair) -> Result<Self, KeyError> {
        let subject_public_key_info = match &pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
        };
        let subject_public_key_info =
            subject_public_key_info.map_err(|_| KeyError::Unavailable)?.as_ref().to_vec();
        let algorithm = KeyAlgorithm::of_subject_public_key_info(&subject_public_key_info)
            .ok_or(KeyError::UnsupportedAlgorithm)?;
        Ok(Self { pair, algorithm, subject_public_key_info })
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningError),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| SigningError)?;
                Ok(signature)
            }
            Pair::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningError),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.algorithm.name())
    }
}

/// The pair as aws-lc holds it, on its own heap, wiped when freed.
enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Whether bytes are a `PrivateKeyInfo` of an algorithm or curve that is not in the table.
fn is_of_another_algorithm(bytes: &[u8]) -> bool {
    let identifier = SliceReader::new(bytes).and_then(|mut reader| {
        reader.sequence(|info| {
            let _version: u8 = info.decode()?;
            let identifier = algorithm::read_identifier(info)?;
            info.drain(info.remaining_len())?;
            Ok(identifier)
        })
    });
    identifier.is_ok_and(|identifier| !algorithm::is_key_identifier(identifier))
}

/// An ECDSA pair from PKCS#8 or SEC 1, if the bytes are one on this curve.
fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, bytes: &[u8]) -> Option<Pair> {
    EcdsaKeyPair::from_private_key_der(algorithm, bytes).ok().map(Pair::Ecdsa)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_algorithm_survives_pkcs8_and_still_signs() {
        for algorithm in KeyAlgorithm::ALL {
            let key = PrivateKey::generate(algorithm).unwrap();
            let again = PrivateKey::from_pkcs8(&key.pkcs8().unwrap()).unwrap();
            assert_eq!(again.algorithm(), algorithm);
            assert_eq!(again.subject_public_key_info(), key.subject_public_key_info());
            assert_eq!(again.pkcs8().unwrap().expose(), key.pkcs8().unwrap().expose());
            let signature = again.sign(b"message").unwrap();
            let public = PublicKey::from_der(key.subject_public_key_info()).unwrap();
            let identifier = algorithm.signature_identifier().unwrap();
            assert!(public.verifies(identifier.value(), b"message", &signature));
            assert!(!public.verifies(identifier.value(), b"massage", &signature));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(ed25519, redacted)");
    }

    // "Not readable" would send a person looking for a broken file.
    #[test]
    fn a_key_on_another_curve_is_named_as_such() {
        let algorithm = &aws_lc_rs::signature::ECDSA_P521_SHA512_ASN1_SIGNING;
        let bytes = EcdsaKeyPair::generate(algorithm).unwrap().to_pkcs8v1().unwrap();
        let refused = PrivateKey::from_pkcs8(&SecretBytes::copy_of(bytes.as_ref())).err();
        assert_eq!(refused, Some(KeyError::UnsupportedAlgorithm));
    }

    #[test]
    fn an_rsa_key_outside_the_table_is_named_as_such() {
        let key = RsaKeyPair::generate(KeySize::Rsa8192).unwrap();
        let bytes = SecretBytes::copy_of(key.as_der().unwrap().as_ref());
        assert_eq!(PrivateKey::from_pkcs8(&bytes).err(), Some(KeyError::UnsupportedAlgorithm));
    }

    // RFC 7093: the hash is over the BIT STRING's value, not over the whole SubjectPublicKeyInfo.
    #[test]
    fn the_key_identifier_is_of_the_key_alone() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let spki = key.subject_public_key_info();
        let raw = &spki[spki.len() - 32..];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, raw);
        assert_eq!(key_identifier(spki).unwrap(), digest.as_ref()[..20]);
        assert_eq!(key_identifier(raw), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let secret = SecretBytes::new(bytes);
            prop_assert!(PrivateKey::from_pkcs8(&secret).is_err());
            prop_assert!(PrivateKey::from_traditional(&secret).is_err());
        }
    }
}
