//! Private keys in PEM: written in the clear by [`super::key`] and encrypted here, read in every
//! unencrypted form that tools write.

use der::asn1::OctetStringRef;
use der::{Encode, Sequence};

use super::key::{KeyError, PrivateKey};
use super::passphrase::Origin;
use super::{pbes2, pem};
use crate::ground::messages::Refusal;
use crate::ground::secret::{Passphrase, SecretBytes};

/// The key under a passphrase, as PEM (`ENCRYPTED PRIVATE KEY`, RFC 5958 section 3): PBES2 with
/// AES-256-CBC and PBKDF2-HMAC-SHA256, a random salt of 16 octets.
///
/// # Errors
/// [`KeyError::Unavailable`].
pub fn encrypted_pem(
    key: &PrivateKey,
    passphrase: &Passphrase,
    origin: Origin,
) -> Result<String, KeyError> {
    let encrypted = encrypted_der(key, passphrase, origin)?;
    pem::encode(pem::ENCRYPTED_PRIVATE_KEY, &encrypted).map_err(|_| KeyError::Unavailable)
}

/// Whether a PEM text holds an encrypted private key, in PKCS#8 or in OpenSSL's older form.
#[must_use]
pub fn is_encrypted_pem(text: &[u8]) -> bool {
    pem::blocks(text).any(|block| {
        block.label == pem::ENCRYPTED_PRIVATE_KEY || block.is_encrypted_in_the_old_way()
    })
}

/// The first private key of a PEM text, unencrypted: PKCS#8 (`PRIVATE KEY`), SEC 1
/// (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`). Other blocks are skipped.
///
/// # Errors
/// [`KeyError::Encrypted`], [`KeyError::Malformed`] or [`KeyError::UnsupportedAlgorithm`].
pub fn read_pem(text: &SecretBytes) -> Result<PrivateKey, KeyError> {
    let text = text.expose();
    if is_encrypted_pem(text) {
        return Err(KeyError::Encrypted);
    }
    let block = pem::blocks(text).find(|block| block.label.ends_with(pem::PRIVATE_KEY));
    let block = block.ok_or(KeyError::Malformed)?;
    let bytes = SecretBytes::new(block.decode().ok_or(KeyError::Malformed)?);
    match block.label {
        pem::PRIVATE_KEY => PrivateKey::from_pkcs8(&bytes),
        "EC PRIVATE KEY" | "RSA PRIVATE KEY" => PrivateKey::from_traditional(&bytes),
        _ => Err(KeyError::UnsupportedAlgorithm),
    }
}

/// `EncryptedPrivateKeyInfo` (RFC 5958 section 3).
pub(super) fn encrypted_der(
    key: &PrivateKey,
    passphrase: &Passphrase,
    origin: Origin,
) -> Result<Vec<u8>, KeyError> {
    let encrypted = pbes2::encrypt(key.pkcs8()?.expose(), passphrase.expose(), origin.iterations())
        .map_err(|_| KeyError::Unavailable)?;
    let scheme = encrypted.scheme.to_der().map_err(|_| KeyError::Unavailable)?;
    encrypted_private_key_info(&scheme, &encrypted.ciphertext).map_err(|_| KeyError::Unavailable)
}

/// `EncryptedPrivateKeyInfo` of an `AlgorithmIdentifier` in DER and a ciphertext.
pub(super) fn encrypted_private_key_info(scheme: &[u8], ciphertext: &[u8]) -> der::Result<Vec<u8>> {
    EncryptedPrivateKeyInfo {
        algorithm: der::Decode::from_der(scheme)?,
        encrypted_data: OctetStringRef::new(ciphertext)?,
    }
    .to_der()
}

#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    algorithm: der::asn1::AnyRef<'a>,
    encrypted_data: &'a OctetStringRef,
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Malformed => Self::KeyMalformed {},
            KeyError::UnsupportedAlgorithm => Self::KeyUnsupportedAlgorithm {},
            KeyError::Encrypted => Self::KeyEncrypted {},
            KeyError::Unavailable => Self::KeyUnavailable {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::algorithm::KeyAlgorithm;
    use crate::pki::key::Signer;
    use proptest::prelude::*;

    fn passphrase() -> Passphrase {
        Passphrase::new("6RYv24bqgpyu6tn8".to_owned())
    }

    #[test]
    fn a_plain_key_survives_pem() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let again = read_pem(&key.pkcs8_pem().unwrap()).unwrap();
        assert_eq!(again.subject_public_key_info(), key.subject_public_key_info());
    }

    // The manual's fault "サーバ証明書にパスワードが設定されている": it must be named, not called broken.
    #[test]
    fn an_encrypted_key_is_named_as_such() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let text = encrypted_pem(&key, &passphrase(), Origin::Generated).unwrap();
        assert!(is_encrypted_pem(text.as_bytes()));
        let old = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for text in [text.as_bytes(), old] {
            assert_eq!(read_pem(&SecretBytes::copy_of(text)).err(), Some(KeyError::Encrypted));
        }
        assert!(!is_encrypted_pem(key.pkcs8_pem().unwrap().expose()));
    }

    // I19: a repeated salt would give the same key for the same passphrase.
    #[test]
    fn salts_are_16_random_octets() {
        let salt_of = || {
            let encrypted = pbes2::encrypt(b"key", "pass", 1).unwrap();
            let kdf = encrypted.scheme.pbes2().unwrap().kdf.pbkdf2().unwrap();
            kdf.salt.as_ref().to_vec()
        };
        let (one, two) = (salt_of(), salt_of());
        assert!(one.len() == 16 && one != two);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            label in "(EC |RSA |DSA |ENCRYPTED |)PRIVATE KEY", content in "[A-Za-z0-9+/=\n]{0,200}"
        ) {
            let text = format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n");
            prop_assert!(read_pem(&SecretBytes::new(text.into_bytes())).is_err());
        }
    }
}
