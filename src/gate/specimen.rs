//! A state in which one certificate is good, for the tests of this room.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use super::material::ServerIdentity;
use super::state::State;
use crate::admission::{LedgerStatus, StatusSource, TrustAnchors};
use crate::ground::clock::Timestamp;
use crate::ground::secret::SecretBytes;
use crate::pki::{Certificate, SerialNumber};

pub(super) const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);

/// Characters of the certificate's common name: another CA than ours may write what it likes.
const LONG: usize = 1000;

/// What is in force: one authority, one certificate of it that stands.
pub(super) struct Stage {
    pub(super) state: State,
    /// The chain of the certificate.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) serials: [SerialNumber; 1],
    /// SHA-256 of the authority's certificate.
    pub(super) issuer: [u8; 32],
    pub(super) good: LedgerStatus,
}

impl Stage {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = Certificate::from_der(ca.self_signed(&key).unwrap().der()).unwrap();
        let issuer = Issuer::from_params(&ca, &key);
        let leaf_key = KeyPair::generate().unwrap();
        let issue = |serial: u64, purpose| {
            let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            leaf.serial_number = Some(serial.into());
            leaf.extended_key_usages = vec![purpose];
            leaf.distinguished_name.push(DnType::CommonName, "関".repeat(LONG));
            leaf.signed_by(&leaf_key, &issuer).unwrap().der().clone()
        };
        let server = issue(2, ExtendedKeyUsagePurpose::ServerAuth).to_vec();
        let pkcs8 = SecretBytes::copy_of(leaf_key.serialized_der());
        let server = ServerIdentity::of_authority(&[server], &pkcs8).unwrap();
        let serials = [SerialNumber::from_der_integer(&[3]).unwrap()];
        let (standing, revoked) = (serials.into_iter(), std::iter::empty());
        let good = LedgerStatus::new(Timestamp::from_unix(0)).with_issuer(&root, standing, revoked);
        let issuer = root.sha256();
        let state = State::new(true);
        state.change(|parts| {
            parts.set_server(Arc::new(server));
            let anchors = Arc::new(TrustAnchors::new(vec![root]).unwrap());
            parts.set_trust(anchors, StatusSource::Ledger(good.clone()));
        });
        let chain = vec![issue(3, ExtendedKeyUsagePurpose::ClientAuth)];
        Self { state, chain, serials, issuer, good }
    }
}
