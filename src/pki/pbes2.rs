//! Encryption under a passphrase: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018 section 6.2),
//! the strongest that OpenSSL, Java, GnuTLS, NSS, Windows and Apple all read.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::Parameters;
use zeroize::Zeroizing;

/// Octets of a salt.
const SALT: usize = 16;
/// Octets of an AES block and initialization vector.
const BLOCK: usize = 16;

/// Ciphertext, and the `AlgorithmIdentifier` that says how it was made.
pub(super) struct Encrypted {
    pub(super) scheme: EncryptionScheme,
    pub(super) ciphertext: Vec<u8>,
}

/// The random number generator or the cipher failed.
#[derive(Debug)]
pub(super) struct EncryptionFailure;

/// Encrypts under the octets of a passphrase, with a fresh salt and initialization vector.
pub(super) fn encrypt(
    plaintext: &[u8],
    passphrase: &str,
    iterations: u32,
) -> Result<Encrypted, EncryptionFailure> {
    let mut salt = [0; SALT];
    let mut vector = [0; BLOCK];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| EncryptionFailure)?;
    aws_lc_rs::rand::fill(&mut vector).map_err(|_| EncryptionFailure)?;
    let rounds = NonZeroU32::new(iterations).ok_or(EncryptionFailure)?;
    let mut key = Zeroizing::new([0; 32]);
    derive(PBKDF2_HMAC_SHA256, rounds, &salt, passphrase.as_bytes(), key.as_mut_slice());
    // Room for the padding: growing would leave a copy of the plaintext behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + BLOCK));
    buffer.extend_from_slice(plaintext);
    let context = EncryptionContext::Iv128(FixedLength::from(vector));
    UnboundCipherKey::new(&AES_256, key.as_slice())
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.less_safe_encrypt(&mut *buffer, context))
        .map_err(|_| EncryptionFailure)?;
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(iterations, &salt, vector)
        .map_err(|_| EncryptionFailure)?;
    let scheme = EncryptionScheme::Pbes2(parameters);
    Ok(Encrypted { scheme, ciphertext: std::mem::take(&mut *buffer) })
}
