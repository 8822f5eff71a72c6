#![no_main]
//! PKCS#12 bundles: what we write, another reader opens with that passphrase alone, and finds the key,
//! the chain and the name in it. The input is the passphrase's line and the name after it.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use sekisho::ground::clock::Timestamp;
use sekisho::ground::secret::Passphrase;
use sekisho::pki::issue::Profile;
use sekisho::pki::passphrase::Origin;
use sekisho::pki::pkcs12::{Contents, Encryption, Pkcs12Error, build};
use sekisho_fuzz::stage::{self, Holder, THEN};

static HOLDERS: LazyLock<(Holder, Holder)> = LazyLock::new(|| {
    let begin = Timestamp::from_unix(THEN);
    let root = stage::root("orca CA", begin);
    let client = stage::issued((&root.certificate, &root.key), "受付1", begin, &Profile::Client);
    (root, client)
});

fuzz_target!(|text: &str| {
    let (root, client) = &*HOLDERS;
    let (passphrase, friendly_name) = text.split_once('\n').unwrap_or((text, ""));
    for encryption in [Encryption::Modern, Encryption::Legacy] {
        let contents = Contents {
            key: &client.key,
            certificate: &client.certificate,
            chain: std::slice::from_ref(&root.certificate),
            friendly_name,
        };
        let secret = Passphrase::new(passphrase.to_owned());
        let bundle = match build(&contents, &secret, Origin::Generated, encryption) {
            Ok(bundle) => bundle,
            Err(error) => {
                assert_eq!(error, Pkcs12Error::Passphrase);
                assert!(passphrase.is_empty() || !passphrase.is_ascii());
                continue;
            }
        };
        let wrong = format!("{passphrase} ");
        assert!(KeyStore::from_pkcs12(&bundle, &wrong, Pkcs12ImportPolicy::Strict).is_err());
        let read = KeyStore::from_pkcs12(&bundle, passphrase, Pkcs12ImportPolicy::Strict).unwrap();
        let (name, chain) = read.private_key_chain().unwrap();
        // A surrogate pair (𠮷) is none of this reader's characters; it then takes the subject.
        if friendly_name.chars().all(|character| u32::from(character) <= 0xFFFF) {
            assert_eq!(name, friendly_name);
        }
        assert_eq!(chain.key().as_der(), client.key.pkcs8().unwrap().expose());
        let ders: Vec<&[u8]> = chain.certs().iter().map(|one| one.as_der()).collect();
        assert_eq!(ders[0], client.certificate.der());
        let of_root = |entry: &KeyStoreEntry| matches!(entry, KeyStoreEntry::Certificate(one) if one.as_der() == root.certificate.der());
        let in_chain = ders[1..].contains(&root.certificate.der());
        assert!(in_chain || read.entries().any(|(_, entry)| of_root(entry)));
    }
});
