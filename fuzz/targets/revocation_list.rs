#![no_main]
//! Revocation lists. A stranger's bytes are parsed up to the signature, so the input is read as it
//! is, and then again as the body of a list that the issuer did sign. rustls-webpki reads the same:
//! what we take it takes as well, with the same entries, and what we alone refuse has a name. What
//! we take, written down by us, is read as the same.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::ground::clock::Timestamp;
use sekisho::pki::revocation_list::{
    RevocationListError, RevocationListToBeSigned, RevokedCertificate,
};
use sekisho::pki::{Certificate, PrivateKey, RevocationList, Signer};
use sekisho_fuzz::stage;
use webpki::BorrowedCertRevocationList;

static ISSUER: LazyLock<(Certificate, PrivateKey)> = LazyLock::new(stage::issuer);

fuzz_target!(|body: &[u8]| {
    let (issuer, key) = &*ISSUER;
    let now = Timestamp::from_unix(2_000_000_000);
    let _ = RevocationList::verify(body, issuer, now);
    let list = signed(body, key);
    let theirs = BorrowedCertRevocationList::from_der(&list);
    match (RevocationList::verify(&list, issuer, now), theirs) {
        (Ok(ours), theirs) => {
            assert!(ours.entries().count() <= body.len());
            assert!(ours.this_update().unix() <= now.unix() + 300);
            assert_same(&ours, &theirs.unwrap());
            assert_survives(&ours, now);
        }
        (Err(refusal), Ok(_)) => assert_named(refusal),
        (Err(_), Err(_)) => {}
    }
});

fn assert_same(ours: &RevocationList, theirs: &BorrowedCertRevocationList<'_>) {
    let mut others = theirs.into_iter();
    for entry in ours.entries() {
        let other = others.next().unwrap().unwrap();
        assert_eq!(entry.serial.as_bytes(), other.serial_number);
        let seconds = |time: Timestamp| u64::try_from(time.unix()).unwrap();
        assert_eq!(seconds(entry.revoked_at), other.revocation_date.as_secs());
        let since = other.invalidity_date.map(|time| time.as_secs());
        assert_eq!(entry.invalid_since.map(seconds), since);
        assert_eq!(entry.reason.code(), other.reason_code.map_or(0, |reason| reason as u8));
    }
    assert!(others.next().is_none());
}

/// Why we refuse what they take: they leave it to the caller, or do not look at those octets. What
/// is critical and unknown, they refuse as well.
fn assert_named(refusal: RevocationListError) {
    use RevocationListError as Error;
    let named = matches!(
        refusal,
        Error::OtherIssuer
            | Error::Number
            | Error::Delta
            | Error::Partial
            | Error::FromTheFuture { .. }
            | Error::Malformed
    );
    assert!(named, "{refusal:?}");
}

fn assert_survives(list: &RevocationList, now: Timestamp) {
    let (issuer, key) = &*ISSUER;
    let (this, next) = (list.this_update(), list.next_update());
    let mut entries: Vec<RevokedCertificate> = list.entries().collect();
    let Ok(ours) = RevocationListToBeSigned::build(issuer, 7, this, next, entries.clone()) else {
        return;
    };
    let again = RevocationList::verify(&ours.sign(key).unwrap(), issuer, now).unwrap();
    assert_eq!((again.this_update(), again.next_update()), (this, next));
    entries.sort_by_key(|entry| entry.serial);
    assert_eq!(again.entries().collect::<Vec<_>>(), entries);
}

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
