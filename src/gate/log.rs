//! What the gate says of its visitors: a line for each admission, and for refusals as many as
//! somebody can read; all of them are counted. Everything foreign goes through `Untrusted` first.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls_pki_types::CertificateDer;

use super::limits::TokenBucket;
use super::metrics::GateMetrics;
use super::refusal::Reference;
use super::tls::Verdict;
use crate::admission::{Admitted, Refusal};
use crate::ground::clock;
use crate::ground::untrusted::Untrusted;
use crate::pki::Certificate;

/// Lines about refusals in a second in the long run, and at once after a rest.
const LINES: u32 = 10;
const LINES_AT_ONCE: u32 = 100;

/// The gate's log of visitors.
pub(super) struct Journal {
    gate: String,
    budget: Mutex<Budget>,
    metrics: GateMetrics,
}

struct Budget {
    lines: TokenBucket,
    suppressed: u64,
}

impl Journal {
    pub(super) fn new(gate: &str, metrics: GateMetrics) -> Self {
        let lines = TokenBucket::full(LINES, LINES_AT_ONCE, clock::monotonic());
        Self { gate: gate.to_owned(), budget: Mutex::new(Budget { lines, suppressed: 0 }), metrics }
    }

    pub(super) fn admitted(
        &self,
        peer: SocketAddr,
        admitted: &Admitted,
        version: Option<ProtocolVersion>,
        resumed: bool,
        took: Duration,
    ) {
        self.metrics.admitted(resumed, took);
        let certificate = admitted.certificate();
        let version = version.and_then(|version| version.as_str()).unwrap_or("unknown");
        tracing::info!(
            gate = %self.gate,
            serial = %certificate.serial(),
            subject = %Untrusted(&certificate.subject_text()),
            peer = %peer.ip().to_canonical(),
            tls = version,
            resumed,
            epoch = admitted.epoch().0,
            "admitted"
        );
    }

    /// A live connection whose holder may not stay.
    pub(super) fn cut(&self, peer: SocketAddr, refusal: Refusal, admitted: &Admitted) {
        self.metrics.cut(refusal.name());
        // Every cut is logged: there are no more of them than there were admissions.
        let certificate = admitted.certificate();
        tracing::warn!(
            gate = %self.gate,
            reason = refusal.name(),
            serial = %certificate.serial(),
            subject = %Untrusted(&certificate.subject_text()),
            peer = %peer.ip().to_canonical(),
            "connection cut"
        );
    }

    pub(super) fn refused_in_handshake(
        &self,
        peer: SocketAddr,
        verdict: &Verdict,
        error: &std::io::Error,
    ) {
        if let Some(refusal) = verdict.refusal() {
            self.refused_line(peer, refusal.name(), verdict.shown().as_ref(), None);
            return;
        }
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::NoCertificatesPresented) => {
                self.refused_line(peer, Refusal::NoCertificate.name(), None, None);
            }
            Some(other) => {
                self.metrics.failed("tls");
                let Some(suppressed) = self.allowance() else { return };
                tracing::info!(
                    gate = %self.gate,
                    peer = %peer.ip().to_canonical(),
                    error = %Untrusted(&other.to_string()),
                    suppressed,
                    "handshake failed"
                );
            }
            // The visitor went away. Port scanners and browsers that guess do so all day.
            None => self.metrics.failed("gone"),
        }
    }

    /// A visitor who would be admitted, but for the connections there are of the same certificate.
    pub(super) fn too_many(&self, peer: SocketAddr, admitted: &Admitted) {
        self.refused_line(peer, "too_many_connections", Some(admitted.certificate()), None);
    }

    /// What the line can be found by, when there was room for one.
    pub(super) fn refused(
        &self,
        peer: SocketAddr,
        refusal: Refusal,
        leaf: Option<&CertificateDer<'_>>,
    ) -> Option<Reference> {
        let shown = leaf.and_then(|der| Certificate::from_der(der).ok());
        let reference = Reference::generate();
        let logged = self.refused_line(peer, refusal.name(), shown.as_ref(), reference.as_ref());
        reference.filter(|_| logged)
    }

    pub(super) fn handshake_timed_out(&self, peer: SocketAddr) {
        self.metrics.failed("timeout");
        let Some(suppressed) = self.allowance() else { return };
        tracing::info!(peer = %peer.ip().to_canonical(), suppressed, "handshake timed out");
    }

    pub(super) fn crowded(&self, peer: SocketAddr) {
        self.metrics.failed("crowded");
        let Some(suppressed) = self.allowance() else { return };
        tracing::warn!(
            gate = %self.gate,
            peer = %peer.ip().to_canonical(),
            suppressed,
            "connection dropped: too many handshakes or connections"
        );
    }

    /// Whether there was room for the line.
    fn refused_line(
        &self,
        peer: SocketAddr,
        reason: &'static str,
        shown: Option<&Certificate>,
        reference: Option<&Reference>,
    ) -> bool {
        self.metrics.refused(reason);
        let Some(suppressed) = self.allowance() else { return false };
        let peer = peer.ip().to_canonical();
        let reference = reference.map(tracing::field::display);
        match shown {
            Some(certificate) => tracing::warn!(
                gate = %self.gate,
                reason,
                serial = %certificate.serial(),
                subject = %Untrusted(&certificate.subject_text()),
                %peer,
                reference,
                suppressed,
                "refused"
            ),
            None => tracing::warn!(reason, %peer, reference, suppressed, "refused"),
        }
        true
    }

    /// The number of lines left out since the last one, when there is room for a line.
    fn allowance(&self) -> Option<u64> {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if budget.lines.take(clock::monotonic()) {
            return Some(std::mem::take(&mut budget.suppressed));
        }
        budget.suppressed = budget.suppressed.saturating_add(1);
        None
    }
}
