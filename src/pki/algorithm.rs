//! The one table of key and signature algorithms.
//!
//! A further algorithm (ML-DSA, RFC 9881) is a further row here and an arm in [`super::key`].

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{ErrorKind, Reader, SliceReader, Tag, Tagged};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

/// An algorithm keys are made for. The signature algorithm follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256: small, fast, and read by everything since 2010.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// RSA of 2048 bits, PKCS#1 v1.5 with SHA-256.
    Rsa2048,
    /// RSA of 3072 bits, PKCS#1 v1.5 with SHA-256.
    Rsa3072,
    /// RSA of 4096 bits, PKCS#1 v1.5 with SHA-256.
    Rsa4096,
    /// Ed25519. Browsers and NSS do not take it; for programs only.
    Ed25519,
}

/// One row of the table.
struct Row {
    name: &'static str,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    /// Bits of the modulus, for RSA.
    modulus_bits: Option<usize>,
}

fn row(algorithm: KeyAlgorithm) -> &'static Row {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => &Row {
            name: "p256",
            key: alg_id::ECDSA_P256,
            signature: alg_id::ECDSA_SHA256,
            modulus_bits: None,
        },
        KeyAlgorithm::EcdsaP384 => &Row {
            name: "p384",
            key: alg_id::ECDSA_P384,
            signature: alg_id::ECDSA_SHA384,
            modulus_bits: None,
        },
        KeyAlgorithm::Rsa2048 => &Row {
            name: "rsa2048",
            key: alg_id::RSA_ENCRYPTION,
            signature: alg_id::RSA_PKCS1_SHA256,
            modulus_bits: Some(2048),
        },
        KeyAlgorithm::Rsa3072 => &Row {
            name: "rsa3072",
            key: alg_id::RSA_ENCRYPTION,
            signature: alg_id::RSA_PKCS1_SHA256,
            modulus_bits: Some(3072),
        },
        KeyAlgorithm::Rsa4096 => &Row {
            name: "rsa4096",
            key: alg_id::RSA_ENCRYPTION,
            signature: alg_id::RSA_PKCS1_SHA256,
            modulus_bits: Some(4096),
        },
        KeyAlgorithm::Ed25519 => &Row {
            name: "ed25519",
            key: alg_id::ED25519,
            signature: alg_id::ED25519,
            modulus_bits: None,
        },
    }
}

/// What signatures are verified with: identifier of the key, of the signature, and the verifier.
/// Wider than the table by what other CAs and requesters sign with. SHA-1 is not in it.
static VERIFIERS: [(AlgorithmIdentifier, AlgorithmIdentifier, &dyn VerificationAlgorithm); 8] = [
    (alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, &signature::ECDSA_P256_SHA256_ASN1),
    (alg_id::ECDSA_P384, alg_id::ECDSA_SHA384, &signature::ECDSA_P384_SHA384_ASN1),
    // OpenSSL signs requests with SHA-256 whatever the curve.
    (alg_id::ECDSA_P384, alg_id::ECDSA_SHA256, &signature::ECDSA_P384_SHA256_ASN1),
    (alg_id::ECDSA_P256, alg_id::ECDSA_SHA384, &signature::ECDSA_P256_SHA384_ASN1),
    (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
    (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
    (alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
    (alg_id::ED25519, alg_id::ED25519, &signature::ED25519),
];

impl KeyAlgorithm {
    /// Every algorithm, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::Ed25519,
    ];

    /// The algorithm of a name in configuration or on the command line, such as `p256`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name: `p256`, `p384`, `rsa2048`, `rsa3072`, `rsa4096` or `ed25519`.
    #[must_use]
    pub fn name(self) -> &'static str {
        row(self).name
    }

    /// Whether it is RSA, of any size.
    #[must_use]
    pub fn is_rsa(self) -> bool {
        row(self).modulus_bits.is_some()
    }

    /// The algorithm of the public key in a DER SubjectPublicKeyInfo; `None` when it is none of
    /// the table (another curve, another RSA size) or the key is not well formed.
    #[must_use]
    pub fn of_subject_public_key_info(bytes: &[u8]) -> Option<Self> {
        PublicKey::from_der(bytes).ok()?.algorithm()
    }

    /// The signature's `AlgorithmIdentifier` (RFC 5280 section 4.1.1.2).
    pub(super) fn signature_identifier(self) -> der::Result<AnyRef<'static>> {
        AnyRef::new(Tag::Sequence, signature_content(self))
    }
}

/// A public key, borrowed from its SubjectPublicKeyInfo.
pub(super) struct PublicKey<'a> {
    /// The content of the algorithm identifier.
    identifier: &'a [u8],
    /// The value of the BIT STRING.
    pub(super) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    pub(super) fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(bytes)?;
        let key = reader.sequence(|inner| {
            let identifier = read_identifier(inner)?;
            let bits: BitStringRef<'a> = inner.decode()?;
            let bits = bits.as_bytes().ok_or(ErrorKind::Failed)?;
            Ok::<_, der::Error>(Self { identifier, bits })
        })?;
        reader.finish()?;
        Ok(key)
    }

    /// The row of the table this key belongs to.
    pub(super) fn algorithm(&self) -> Option<KeyAlgorithm> {
        let modulus_bits = modulus_bits(self.bits).ok();
        let algorithm = KeyAlgorithm::ALL.into_iter().find(|algorithm| {
            let row = row(*algorithm);
            *row.key == *self.identifier
                && (row.modulus_bits.is_none() || row.modulus_bits == modulus_bits)
        })?;
        // A point off its curve or an even modulus is no key.
        let verifier = self.verifier(signature_content(algorithm))?;
        UnparsedPublicKey::new(verifier, self.bits).parse().ok().map(|_| algorithm)
    }

    /// Whether a signature over a message is this key's.
    pub(super) fn verifies(&self, identifier: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.verifier(identifier).is_some_and(|verifier| {
            UnparsedPublicKey::new(verifier, self.bits).verify(message, signature).is_ok()
        })
    }

    fn verifier(&self, signature: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
        VERIFIERS
            .iter()
            .find(|(key, identifier, _)| **key == *self.identifier && **identifier == *signature)
            .map(|(_, _, verifier)| *verifier)
    }
}

/// Reads an `AlgorithmIdentifier`: the content of its SEQUENCE.
pub(super) fn read_identifier<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let identifier: AnyRef<'a> = reader.decode()?;
    identifier.tag().assert_eq(Tag::Sequence)?;
    Ok(identifier.value())
}

/// Whether the content of an `AlgorithmIdentifier` is that of a key of the table.
pub(super) fn is_key_identifier(content: &[u8]) -> bool {
    KeyAlgorithm::ALL.into_iter().any(|algorithm| *row(algorithm).key == *content)
}

/// Whether the content of an `AlgorithmIdentifier` is that of a signature we verify.
pub(super) fn is_signature_identifier(content: &[u8]) -> bool {
    VERIFIERS.iter().any(|(_, signature, _)| **signature == *content)
}

fn signature_content(algorithm: KeyAlgorithm) -> &'static [u8] {
    row(algorithm).signature.as_ref()
}

/// Bits of the modulus of an `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn modulus_bits(public_key: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(public_key)?;
    let bits = reader.sequence(|inner| {
        let modulus: UintRef<'_> = inner.decode()?;
        let _exponent: UintRef<'_> = inner.decode()?;
        let octets = modulus.as_bytes();
        let unused = octets.first().map_or(0, |octet| octet.leading_zeros());
        Ok::<_, der::Error>((octets.len() * 8).saturating_sub(unused.try_into().unwrap_or(8)))
    })?;
    reader.finish()?;
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::{PrivateKey, Signer};

    #[test]
    fn names_and_algorithms_are_one_to_one() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(KeyAlgorithm::parse(algorithm.name()), Some(algorithm));
        }
        assert_eq!(KeyAlgorithm::parse("rsa1024"), None);
        assert_eq!(KeyAlgorithm::default().name(), "p256");
    }

    // A point that is not on the curve reaches the signer's arithmetic if only lengths are checked.
    #[test]
    fn a_public_key_that_is_no_point_is_no_key() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let mut bytes = key.subject_public_key_info().to_vec();
        let of = KeyAlgorithm::of_subject_public_key_info;
        assert_eq!(of(&bytes), Some(KeyAlgorithm::EcdsaP256));
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(of(&bytes), None);
    }
}
