#![no_main]
//! Revocation lists. A stranger's bytes are parsed up to the signature, so the input is read as it
//! is, and then again as the body of a list that the issuer did sign.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::ground::clock::Timestamp;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::{Certificate, PrivateKey, RevocationList, Signer, pkcs8};

static ISSUER: LazyLock<(Certificate, PrivateKey)> = LazyLock::new(|| {
    let key = SecretBytes::copy_of(include_bytes!("../fixtures/issuer.pem"));
    let certificate = Certificate::from_pem(include_bytes!("../fixtures/issuer.crt")).unwrap();
    (certificate, pkcs8::read_pem(&key).unwrap())
});

fuzz_target!(|body: &[u8]| {
    let (issuer, key) = &*ISSUER;
    let now = Timestamp::from_unix(2_000_000_000);
    let _ = RevocationList::verify(body, issuer, now);
    if let Ok(list) = RevocationList::verify(&signed(body, key), issuer, now) {
        assert!(list.entries().count() <= body.len());
        assert!(list.this_update().unix() <= now.unix() + 300);
    }
});

/// `CertificateList` (RFC 5280 section 5.1) with an Ed25519 signature (RFC 8410).
fn signed(body: &[u8], key: &PrivateKey) -> Vec<u8> {
    const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    let signature = key.sign(body).unwrap();
    let bit_string = [&[0x03, 0x41, 0x00], signature.as_slice()].concat();
    let content = [body, ED25519, &bit_string].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let significant = length.iter().position(|octet| *octet != 0).unwrap_or(3);
    let length = &length[significant..];
    let head = match content.len() {
        short @ ..128 => vec![0x30, u8::try_from(short).unwrap()],
        _ => [&[0x30, 0x80 | u8::try_from(length.len()).unwrap()], length].concat(),
    };
    [head, content].concat()
}
