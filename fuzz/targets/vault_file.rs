#![no_main]
//! The vault's file. The input is its body: length and digest are put around it, since those stop
//! everything else. Then it is opened with a key file's secret, which takes no key stretching.

use libfuzzer_sys::fuzz_target;
use sekisho::ground::secret::SecretBytes;
use sekisho::ledger::sha256;
use sekisho::vault::{SealedVault, SlotSecret};
use sekisho_fuzz::Scratch;

fuzz_target!(|body: &[u8]| {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let mut file = [b"SEKISHO VAULT 1\n".as_slice(), &length, body].concat();
    file.extend_from_slice(&sha256(&file));
    if let Ok(vault) = SealedVault::read(Scratch::new(&file).path()) {
        assert_eq!(vault.sha256(), sha256(&file));
        let secret = SlotSecret::KeyFile(SecretBytes::new(vec![7; 32]));
        let _ = vault.open(&secret);
    }
});
