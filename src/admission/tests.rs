use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::ground::clock::{DAY, Timestamp};
use crate::pki::{Certificate, RevocationList, SerialNumber};

const NOON: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOON + seconds)
}

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: Certificate,
}

fn params(name: &str, serial: u64, from: i64, until: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial.into());
    params.not_before = time::OffsetDateTime::from_unix_timestamp(NOON + from).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(NOON + until).unwrap();
    params
}

fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = params(name, 1, -DAY, 10 * DAY);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let der = params.self_signed(&key).unwrap();
    let certificate = Certificate::from_der(der.der()).unwrap();
    Authority { params, key, certificate }
}

impl Authority {
    fn issue(&self, serial: u64, until: i64) -> Vec<CertificateDer<'static>> {
        let mut params = params("user", serial, -60, until);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let issuer = Issuer::from_params(&self.params, &self.key);
        let key = KeyPair::generate().unwrap();
        vec![params.signed_by(&key, &issuer).unwrap().der().clone()]
    }

    fn list(&self, revoked: &[u64], next_update: i64) -> RevocationList {
        let unix = |s| time::OffsetDateTime::from_unix_timestamp(NOON + s).unwrap();
        let params = rcgen::CertificateRevocationListParams {
            this_update: unix(-60),
            next_update: unix(next_update),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| rcgen::RevokedCertParams {
                    serial_number: (*serial).into(),
                    revocation_time: unix(-60),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        let list = params.signed_by(&issuer).unwrap();
        RevocationList::verify(list.der(), &self.certificate, at(0)).unwrap()
    }

    fn anchors(&self) -> Arc<TrustAnchors> {
        Arc::new(TrustAnchors::new(vec![self.certificate.clone()]).unwrap())
    }
}

fn judge(chain: &[CertificateDer<'_>], now: i64, policy: &Policy) -> Result<Timestamp, Refusal> {
    admit(chain, at(now), Epoch(1), policy).map(|admitted| admitted.until())
}

// Catches a cache that answers for time and revocation too: the remembered chain would stay good.
#[test]
fn what_is_remembered_is_the_signatures_and_nothing_else() {
    let ours = authority("CA");
    let chain = ours.issue(7, DAY);
    let policy = Policy::new(ours.anchors(), StatusSource::Nothing);
    assert_eq!(judge(&chain, 0, &policy), Ok(at(DAY)));
    assert_eq!(judge(&chain, DAY, &policy), Ok(at(DAY)), "the last second counts");
    assert_eq!(judge(&chain, DAY + 1, &policy), Err(Refusal::Expired { since: at(DAY) }));
    assert_eq!(judge(&chain, -61, &policy), Err(Refusal::NotYetValid { from: at(-60) }));

    let key = ChainKey::of(&chain, policy.anchors()).unwrap();
    assert!(would_admit(&key, at(0), &policy));
    let lists = Revocations::new(7).with(&ours.certificate, &ours.list(&[7], DAY));
    let stricter = policy.with_source(StatusSource::Lists(lists));
    assert_eq!(judge(&chain, 0, &stricter), Err(Refusal::Revoked));
    assert!(!would_admit(&key, at(0), &stricter));
}

#[test]
fn a_first_look_at_an_expired_chain_says_expired_only_to_our_own() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let policy = Policy::new(ours.anchors(), StatusSource::Nothing);
    let expired = ours.issue(7, 60);
    assert_eq!(judge(&expired, 61, &policy), Err(Refusal::Expired { since: at(60) }));
    assert_eq!(judge(&twin.issue(7, 60), 61, &policy), Err(Refusal::UnknownIssuer));
}

#[test]
fn a_list_counts_until_its_grace_ends_and_no_longer() {
    let ours = authority("CA");
    let chain = ours.issue(8, 9 * DAY);
    let lists = Revocations::new(2).with(&ours.certificate, &ours.list(&[7], DAY));
    let policy = Policy::new(ours.anchors(), StatusSource::Lists(lists));
    assert_eq!(judge(&chain, 0, &policy), Ok(at(3 * DAY)));
    assert_eq!(judge(&chain, 3 * DAY, &policy), Ok(at(3 * DAY)));
    let stale = Refusal::StatusStale { since: at(3 * DAY) };
    assert_eq!(judge(&chain, 3 * DAY + 1, &policy), Err(stale));
    // A revocation in a stale list is a revocation still.
    assert_eq!(judge(&ours.issue(7, 9 * DAY), 3 * DAY + 1, &policy), Err(Refusal::Revoked));
}

// Catches an index keyed by the issuer's name or by the serial alone.
#[test]
fn a_list_speaks_of_its_own_issuers_certificates_only() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let both = TrustAnchors::new(vec![ours.certificate.clone(), twin.certificate.clone()]).unwrap();
    let lists = Revocations::new(7)
        .with(&ours.certificate, &ours.list(&[7], DAY))
        .with(&twin.certificate, &twin.list(&[], DAY));
    let policy = Policy::new(Arc::new(both), StatusSource::Lists(lists));
    assert_eq!(judge(&ours.issue(7, DAY), 0, &policy), Err(Refusal::Revoked));
    assert_eq!(judge(&twin.issue(7, DAY), 0, &policy), Ok(at(DAY)));
}

#[test]
fn who_is_inside_is_judged_by_todays_anchors_and_todays_status() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let policy = by(&ours, &ledger(&ours, &[7], &[]));
    let admitted = admit(&ours.issue(7, DAY), at(0), Epoch(1), &policy).ok().unwrap();
    let again = |now, policy: &Policy| {
        admit_again(admitted.chain(), at(now), Epoch(2), policy).map(|again| again.until())
    };
    assert_eq!(again(0, &policy), Ok(at(DAY)));
    assert_eq!(again(DAY + 1, &policy), Err(Refusal::Expired { since: at(DAY) }));
    assert_eq!(again(0, &by(&ours, &ledger(&ours, &[], &[7]))), Err(Refusal::Revoked));
    let late =
        policy.with_source(StatusSource::Ledger(ledger(&ours, &[7], &[]).with_floor(at(DAY + 1))));
    assert_eq!(again(0, &late), Err(Refusal::Expired { since: at(DAY) }), "a clock set back");
    assert_eq!(again(0, &by(&twin, &ledger(&twin, &[7], &[]))), Err(Refusal::UnknownIssuer));
}

#[test]
fn other_anchors_know_no_chain_of_before() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let chain = ours.issue(7, DAY);
    let keys = [&ours, &twin].map(|a| ChainKey::of(&chain, &a.anchors()).unwrap());
    assert_ne!(keys[0], keys[1]);
    assert_eq!(
        judge(&chain, 0, &Policy::new(twin.anchors(), StatusSource::Nothing)),
        Err(Refusal::UnknownIssuer)
    );
}

#[test]
fn an_expired_authority_has_no_valid_certificates() {
    let ours = authority("CA");
    let chain = ours.issue(7, 20 * DAY);
    let policy = Policy::new(ours.anchors(), StatusSource::Nothing);
    assert_eq!(judge(&chain, 0, &policy), Ok(at(10 * DAY)));
    let expired = Refusal::Expired { since: at(10 * DAY) };
    assert_eq!(judge(&chain, 10 * DAY + 1, &policy), Err(expired));
}

#[test]
fn what_is_no_chain_is_refused_by_name() {
    let ours = authority("CA");
    let policy = Policy::new(ours.anchors(), StatusSource::Nothing);
    let chain = ours.issue(7, DAY);
    assert_eq!(judge(&[], 0, &policy), Err(Refusal::NoCertificate));
    let many = vec![chain[0].clone(); 5];
    assert!(matches!(judge(&many, 0, &policy), Err(Refusal::ChainTooLong { certificates: 5, .. })));
    let large = [CertificateDer::from(vec![0; 17_000])];
    assert!(matches!(judge(&large, 0, &policy), Err(Refusal::ChainTooLong { octets: 17_000, .. })));
    let garbage = [CertificateDer::from(vec![0x30, 0x00])];
    assert_eq!(judge(&garbage, 0, &policy), Err(Refusal::Malformed));
    let own = [CertificateDer::from(ours.certificate.der().to_vec())];
    assert_eq!(judge(&own, 0, &policy), Err(Refusal::NotForClients), "the CA itself is no client");
}

#[test]
fn only_authorities_are_trust_anchors() {
    let ours = authority("CA");
    let leaf = Certificate::from_der(&ours.issue(7, DAY)[0]).unwrap();
    let of = |certificates| TrustAnchors::new(certificates).err();
    assert_eq!(of(vec![]), Some(TrustAnchorError::Empty));
    assert_eq!(
        of(vec![ours.certificate.clone(), leaf]),
        Some(TrustAnchorError::NotAnAuthority { position: 2 })
    );
}

fn serials(numbers: impl IntoIterator<Item = u64>) -> Vec<SerialNumber> {
    let serial = |number: u64| {
        let octets = number.to_be_bytes();
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let start =
            if octets.get(zeros).is_none_or(|octet| *octet >= 0x80) { zeros - 1 } else { zeros };
        SerialNumber::from_der_integer(&octets[start..]).unwrap()
    };
    numbers.into_iter().map(serial).collect()
}

fn ledger(of: &Authority, standing: &[u64], revoked: &[u64]) -> LedgerStatus {
    let serials = |numbers: &[u64]| serials(numbers.to_vec()).into_iter();
    LedgerStatus::new(at(-DAY)).with_issuer(&of.certificate, serials(standing), serials(revoked))
}

fn by(of: &Authority, ledger: &LedgerStatus) -> Policy {
    Policy::new(of.anchors(), StatusSource::Ledger(ledger.clone()))
}

// Catches a ledger that is only asked for revocations: what a stolen key signed would come in.
#[test]
fn only_what_stands_in_the_ledger_comes_in() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let first = ledger(&ours, &[7], &[8]);
    let policy = by(&ours, &first);
    assert_eq!(judge(&ours.issue(7, DAY), 0, &policy), Ok(at(DAY)));
    assert_eq!(judge(&ours.issue(8, DAY), 0, &policy), Err(Refusal::Revoked));
    assert_eq!(judge(&ours.issue(9, DAY), 0, &policy), Err(Refusal::NotInLedger));
    assert_eq!(judge(&twin.issue(7, DAY), 0, &policy), Err(Refusal::UnknownIssuer));
    // The end of a certificate is told first, whatever the ledger still knows.
    let expired = Refusal::Expired { since: at(-1) };
    assert_eq!(judge(&ours.issue(9, -1), 0, &policy), Err(expired));
    assert_eq!(judge(&ours.issue(8, -1), 0, &policy), Err(expired));
    // A twin's ledger says nothing of our certificates.
    let theirs = ledger(&twin, &[7], &[]);
    assert_eq!(judge(&ours.issue(7, DAY), 0, &by(&ours, &theirs)), Err(Refusal::NotInLedger));
}

#[test]
fn a_change_of_the_ledger_counts_at_once_and_a_revocation_for_ever() {
    let ours = authority("CA");
    let (id, chain) = (ours.certificate.sha256(), ours.issue(7, DAY));
    let empty = ledger(&ours, &[], &[]);
    let issued = empty.issued(&id, &serials([7])).unwrap();
    let policy = by(&ours, &empty).with_source(StatusSource::Ledger(issued.clone()));
    assert_eq!(judge(&chain, 0, &policy), Ok(at(DAY)));
    let revoked = issued.revoked(&id, &serials([7])).unwrap();
    let again = revoked.issued(&id, &serials([7])).unwrap();
    for ledger in [&revoked, &again] {
        let policy = policy.with_source(StatusSource::Ledger(ledger.clone()));
        assert_eq!(judge(&chain, 0, &policy), Err(Refusal::Revoked));
        let key = ChainKey::of(&chain, policy.anchors()).unwrap();
        assert!(!would_admit(&key, at(0), &policy), "its tickets do not open");
    }
    assert!(empty.issued(&[0; 32], &serials([7])).is_err(), "another authority's");
    let id = revoked.identify(&id, &serials([7])).unwrap();
    let admitted = admit(&chain, at(0), Epoch(1), &policy).ok().unwrap();
    assert_eq!(admitted.chain().path(), id, "the registry finds who is concerned");
}

// Catches a packed set made from stale parts, or a share of changes that never becomes packed.
#[test]
fn many_changes_are_packed_and_none_is_lost() {
    let ours = authority("CA");
    let id = ours.certificate.sha256();
    let mut ledger = ledger(&ours, &[7, 8], &[9]);
    for batch in 0..30 {
        let from = 1000 + batch * 100;
        ledger = ledger.issued(&id, &serials(from..from + 100)).unwrap();
        ledger = ledger.revoked(&id, &serials(from..from + 50)).unwrap();
    }
    ledger = ledger.revoked(&id, &serials([8])).unwrap();
    let policy = by(&ours, &ledger);
    for (serial, expected) in [
        (7, Ok(at(DAY))),
        (8, Err(Refusal::Revoked)),
        (9, Err(Refusal::Revoked)),
        (999, Err(Refusal::NotInLedger)),
        (1000, Err(Refusal::Revoked)),
        (1050, Ok(at(DAY))),
        (3949, Err(Refusal::Revoked)),
        (3999, Ok(at(DAY))),
    ] {
        assert_eq!(judge(&ours.issue(serial, DAY), 0, &policy), expected, "{serial}");
    }
}

#[test]
fn a_ledger_that_has_lost_a_revocation_does_not_take_it_back() {
    let ours = authority("CA");
    let id = ours.certificate.sha256();
    let earlier = ledger(&ours, &[7, 8], &[9]).revoked(&id, &serials([8])).unwrap();
    let (whole, kept) = ledger(&ours, &[7], &[8, 9]).keeping_revocations_of(&earlier);
    assert_eq!(kept, 0);
    assert_eq!(judge(&ours.issue(7, DAY), 0, &by(&ours, &whole)), Ok(at(DAY)));
    let (rolled_back, kept) = ledger(&ours, &[7, 8, 9], &[]).keeping_revocations_of(&earlier);
    assert_eq!(kept, 2);
    let policy = by(&ours, &rolled_back);
    assert_eq!(judge(&ours.issue(8, DAY), 0, &policy), Err(Refusal::Revoked));
    assert_eq!(judge(&ours.issue(9, DAY), 0, &policy), Err(Refusal::Revoked));
    // Also when the authority was away in between.
    let (away, _) = LedgerStatus::new(at(0)).keeping_revocations_of(&earlier);
    let (back, kept) = ledger(&ours, &[8], &[]).keeping_revocations_of(&away);
    assert_eq!(kept, 2);
    assert_eq!(judge(&ours.issue(8, DAY), 0, &by(&ours, &back)), Err(Refusal::Revoked));
}

#[test]
fn a_silent_authority_lets_nobody_in_and_still_says_who_is_revoked() {
    let ours = authority("CA");
    let silent = ledger(&ours, &[7], &[8]).silent_since(Some(at(5)));
    let policy = by(&ours, &silent);
    let stale = Refusal::StatusStale { since: at(5) };
    assert_eq!(judge(&ours.issue(7, DAY), 6, &policy), Err(stale));
    assert_eq!(judge(&ours.issue(8, DAY), 6, &policy), Err(Refusal::Revoked));
    assert_eq!(judge(&ours.issue(9, DAY), 6, &policy), Err(Refusal::NotInLedger));
    let speaks = policy.with_source(StatusSource::Ledger(silent.silent_since(None)));
    assert_eq!(judge(&ours.issue(7, DAY), 6, &speaks), Ok(at(DAY)));
}

// Catches a clock set back, which would revive the expired (I30).
#[test]
fn no_time_before_the_floor_counts() {
    let ours = authority("CA");
    let chain = ours.issue(7, 60);
    let ledger = ledger(&ours, &[7], &[]);
    assert_eq!(judge(&chain, 0, &by(&ours, &ledger)), Ok(at(60)));
    let later = ledger.with_floor(at(61));
    let policy = by(&ours, &later);
    assert_eq!(judge(&chain, 0, &policy), Err(Refusal::Expired { since: at(60) }));
    assert!(!would_admit(&ChainKey::of(&chain, policy.anchors()).unwrap(), at(0), &policy));
}
