use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::ground::clock::{DAY, Timestamp};
use crate::pki::{Certificate, RevocationList};

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
    let policy = Policy::new(ours.anchors(), None);
    assert_eq!(judge(&chain, 0, &policy), Ok(at(DAY)));
    assert_eq!(judge(&chain, DAY, &policy), Ok(at(DAY)), "the last second counts");
    assert_eq!(judge(&chain, DAY + 1, &policy), Err(Refusal::Expired { since: at(DAY) }));
    assert_eq!(judge(&chain, -61, &policy), Err(Refusal::NotYetValid { from: at(-60) }));

    let key = ChainKey::of(&chain, policy.anchors()).unwrap();
    assert!(would_admit(&key, at(0), &policy));
    let lists = Revocations::new(7).with(&ours.certificate, &ours.list(&[7], DAY));
    let stricter = policy.with_revocations(Some(lists));
    assert_eq!(judge(&chain, 0, &stricter), Err(Refusal::Revoked));
    assert!(!would_admit(&key, at(0), &stricter));
}

#[test]
fn a_first_look_at_an_expired_chain_says_expired_only_to_our_own() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let policy = Policy::new(ours.anchors(), None);
    let expired = ours.issue(7, 60);
    assert_eq!(judge(&expired, 61, &policy), Err(Refusal::Expired { since: at(60) }));
    assert_eq!(judge(&twin.issue(7, 60), 61, &policy), Err(Refusal::UnknownIssuer));
}

#[test]
fn a_list_counts_until_its_grace_ends_and_no_longer() {
    let ours = authority("CA");
    let chain = ours.issue(8, 9 * DAY);
    let lists = Revocations::new(2).with(&ours.certificate, &ours.list(&[7], DAY));
    let policy = Policy::new(ours.anchors(), Some(lists));
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
    let policy = Policy::new(Arc::new(both), Some(lists));
    assert_eq!(judge(&ours.issue(7, DAY), 0, &policy), Err(Refusal::Revoked));
    assert_eq!(judge(&twin.issue(7, DAY), 0, &policy), Ok(at(DAY)));
}

#[test]
fn other_anchors_know_no_chain_of_before() {
    let (ours, twin) = (authority("CA"), authority("CA"));
    let chain = ours.issue(7, DAY);
    let keys = [&ours, &twin].map(|a| ChainKey::of(&chain, &a.anchors()).unwrap());
    assert_ne!(keys[0], keys[1]);
    assert_eq!(judge(&chain, 0, &Policy::new(twin.anchors(), None)), Err(Refusal::UnknownIssuer));
}

#[test]
fn an_expired_authority_has_no_valid_certificates() {
    let ours = authority("CA");
    let chain = ours.issue(7, 20 * DAY);
    let policy = Policy::new(ours.anchors(), None);
    assert_eq!(judge(&chain, 0, &policy), Ok(at(10 * DAY)));
    let expired = Refusal::Expired { since: at(10 * DAY) };
    assert_eq!(judge(&chain, 10 * DAY + 1, &policy), Err(expired));
}

#[test]
fn what_is_no_chain_is_refused_by_name() {
    let ours = authority("CA");
    let policy = Policy::new(ours.anchors(), None);
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
