//! One TLS configuration per connection: its verifier and its ticket producer share one verdict.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, NamedGroup, ServerConfig,
    SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::owed_alerts::OwedTo;
use super::settings::Mode;
use super::state::Snapshot;
use super::tickets::LIFETIME;
use crate::admission::{ChainKey, Refusal, admit, has_accepted_key, would_admit};
use crate::ground::clock;
use crate::pki::Certificate;

/// What every connection of a listener has in common.
pub(super) struct TlsSettings {
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    storage: Arc<NoServerSessionStorage>,
    /// What may be spoken (RFC 7301); nothing is named where mere octets are carried.
    protocols: &'static [&'static [u8]],
}

/// TLS 1.3 alone, unless 1.2 is asked for.
static MODERN: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
static WITH_TLS12: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

impl TlsSettings {
    pub(super) fn new(tls12: bool, mode: Mode) -> Self {
        Self {
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            versions: if tls12 { WITH_TLS12 } else { MODERN },
            storage: Arc::new(NoServerSessionStorage {}),
            protocols: match mode {
                Mode::Http => &[b"h2", b"http/1.1"],
                Mode::Tcp => &[],
            },
        }
    }

    /// The configuration of one connection, and the verdict its handshake will leave. Where
    /// refusals are explained, the handshake of a visitor who will be refused ends well, but for
    /// those who are owed an alert; without `explained`, every refusal is an alert.
    pub(super) fn for_connection(
        &self,
        snapshot: &Arc<Snapshot>,
        explained: Option<OwedTo>,
    ) -> Result<(Arc<ServerConfig>, Arc<Verdict>), Error> {
        let verdict = Arc::new(Verdict {
            snapshot: Arc::clone(snapshot),
            provider: Arc::clone(&self.provider),
            explained,
            judged: Mutex::new(Judged::default()),
        });
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&snapshot.server).resolver();
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)?
            .with_client_cert_verifier(Arc::new(Verifier(Arc::clone(&verdict))))
            .with_cert_resolver(resolver);
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        config.session_storage = Arc::clone(&self.storage) as Arc<_>;
        config.ticketer = Arc::new(Tickets(Arc::clone(&verdict)));
        // No 0-RTT, ever: what arrives before the handshake ends could be replayed.
        config.max_early_data_size = 0;
        Ok((Arc::new(config), verdict))
    }
}

/// What every gate offers its visitors in a handshake.
#[derive(Debug)]
pub struct Offer {
    /// The cipher suites, of the versions that are spoken.
    pub suites: Vec<SupportedCipherSuite>,
    /// The groups of the key exchange.
    pub groups: Vec<NamedGroup>,
}

impl Offer {
    /// With TLS 1.2, or 1.3 alone.
    #[must_use]
    pub fn of(tls12: bool) -> Self {
        let settings = TlsSettings::new(tls12, Mode::Http);
        let spoken = |suite: &&SupportedCipherSuite| settings.versions.contains(&suite.version());
        let suites = settings.provider.cipher_suites.iter().filter(spoken).copied().collect();
        let groups = settings.provider.kx_groups.iter().map(|group| group.name()).collect();
        Self { suites, groups }
    }
}

/// What one handshake found out.
pub(super) struct Verdict {
    snapshot: Arc<Snapshot>,
    provider: Arc<CryptoProvider>,
    explained: Option<OwedTo>,
    judged: Mutex<Judged>,
}

#[derive(Default)]
struct Judged {
    /// The chain that tickets of this connection are bound to; `None` while nobody is admitted.
    admitted: Option<ChainKey>,
    refused: Option<Refusal>,
    presented: Vec<CertificateDer<'static>>,
}

impl Verdict {
    /// Why the verifier refused, if it did.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.judged().refused
    }

    /// The certificate that a refused visitor showed. Nothing in it is proven.
    pub(super) fn shown(&self) -> Option<Certificate> {
        let judged = self.judged();
        judged.presented.first().and_then(|der| Certificate::from_der(der).ok())
    }

    /// To be told of the alert that ended the handshake.
    pub(super) fn alerted(&self, error: &std::io::Error) {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        if let (Some(Error::NoCertificatesPresented), Some(owed)) = (tls, &self.explained) {
            owed.pay(None);
        }
    }

    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the chain down. It is judged once the visitor has proven to hold its key.
    fn present(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), Refusal> {
        if let Some(owed) = &self.explained {
            owed.let_go();
        }
        let presented: Vec<CertificateDer<'static>> = std::iter::once(leaf)
            .chain(intermediates)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        let key = ChainKey::of(&presented, self.snapshot.policy.anchors())?;
        // The key of a remembered chain was looked at when it was verified.
        let remembered = would_admit(&key, clock::now(), &self.snapshot.policy);
        let accepted = remembered
            || has_accepted_key(&Certificate::from_der(leaf).map_err(|_| Refusal::Malformed)?);
        let mut judged = self.judged();
        judged.admitted = None;
        judged.presented = presented;
        // Before its signature is verified: that would be work for us and none for them.
        if accepted { Ok(()) } else { Err(Refusal::KeyNotAccepted) }
    }

    /// Judges the visitor, who has proven to hold the key. One whose refusal will be explained
    /// passes here without being admitted, which means without a ticket: [`admit`] is asked again
    /// once the handshake is done.
    fn judge(&self) -> Result<(), Error> {
        let mut judged = self.judged();
        let snapshot = &self.snapshot;
        match admit(&judged.presented, clock::now(), snapshot.epoch, &snapshot.policy) {
            Ok(admitted) => judged.admitted = Some(*admitted.chain().key()),
            Err(refusal) if self.explains(refusal, &judged.presented) => {}
            Err(refusal) => {
                judged.refused = Some(refusal);
                return Err(alert_of(refusal));
            }
        }
        Ok(())
    }

    fn explains(&self, refusal: Refusal, presented: &[CertificateDer<'_>]) -> bool {
        let chain = ChainKey::of(presented, self.snapshot.policy.anchors()).ok();
        is_explained(refusal) && self.explained.as_ref().is_some_and(|owed| !owed.pay(chain))
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        self.judged().refused = Some(refusal);
        alert_of(refusal)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verdict")
    }
}

#[derive(Debug)]
struct Verifier(Arc<Verdict>);

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.0.snapshot.authority_names
    }

    /// Asked in every full handshake once the visitor's certificates are there, or their absence.
    fn client_auth_mandatory(&self) -> bool {
        // Who showed a ticket that is not resumed, and then no certificate, is nobody.
        self.0.judged().admitted = None;
        self.0.explained.as_ref().is_none_or(OwedTo::is_owed_without_certificate)
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.present(leaf, intermediates).map_err(|refusal| self.0.refuse(refusal))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.provider.signature_verification_algorithms;
        let valid = verify_tls12_signature(message, leaf, signature, algorithms)?;
        self.0.judge()?;
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.provider.signature_verification_algorithms;
        let valid = verify_tls13_signature(message, leaf, signature, algorithms)?;
        self.0.judge()?;
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Gives tickets to the admitted only, and takes one only while its holder would be admitted.
#[derive(Debug)]
struct Tickets(Arc<Verdict>);

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        let chain = self.0.judged().admitted?;
        self.0.snapshot.tickets.seal(&chain, session, clock::now())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let now = clock::now();
        let (chain, session) = self.0.snapshot.tickets.open(ticket, now)?;
        if !would_admit(&chain, now, &self.0.snapshot.policy) {
            return None;
        }
        // A full handshake may still follow; its verifier then takes this back.
        self.0.judged().admitted = Some(chain);
        Some(session)
    }
}

/// Whether a refusal is told by a page. What cannot be read or verified ends in an alert.
pub(super) fn is_explained(refusal: Refusal) -> bool {
    match refusal {
        Refusal::ChainTooLong { .. } | Refusal::Malformed | Refusal::KeyNotAccepted => false,
        Refusal::NoCertificate
        | Refusal::UnknownIssuer
        | Refusal::NotForClients
        | Refusal::NotYetValid { .. }
        | Refusal::Expired { .. }
        | Refusal::Revoked
        | Refusal::NotInLedger
        | Refusal::StatusUnknown
        | Refusal::StatusStale { .. } => true,
    }
}

/// The error whose TLS alert (RFC 8446 section 6.2) tells a refused visitor why.
fn alert_of(refusal: Refusal) -> Error {
    match refusal {
        Refusal::NoCertificate => Error::NoCertificatesPresented,
        Refusal::ChainTooLong { .. } | Refusal::Malformed => CertificateError::BadEncoding.into(),
        Refusal::KeyNotAccepted | Refusal::NotForClients => CertificateError::InvalidPurpose.into(),
        Refusal::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        Refusal::NotYetValid { .. } => CertificateError::NotValidYet.into(),
        Refusal::Expired { .. } => CertificateError::Expired.into(),
        Refusal::Revoked => CertificateError::Revoked.into(),
        Refusal::NotInLedger => CertificateError::ApplicationVerificationFailure.into(),
        Refusal::StatusUnknown => CertificateError::UnknownRevocationStatus.into(),
        Refusal::StatusStale { .. } => CertificateError::ExpiredRevocationList.into(),
    }
}
