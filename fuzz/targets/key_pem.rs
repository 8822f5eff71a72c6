#![no_main]
//! Private keys, PEM or bare DER: what is read can be written and read again as the same key.

use libfuzzer_sys::fuzz_target;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::{PrivateKey, Signer, pkcs8};

fuzz_target!(|bytes: &[u8]| {
    let secret = SecretBytes::copy_of(bytes);
    let _ = PrivateKey::from_traditional(&secret);
    for key in [pkcs8::read_pem(&secret), PrivateKey::from_pkcs8(&secret)].into_iter().flatten() {
        let again = PrivateKey::from_pkcs8(&key.pkcs8().unwrap()).unwrap();
        assert_eq!(again.subject_public_key_info(), key.subject_public_key_info());
    }
});
