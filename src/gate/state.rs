//! What is in force now, and how it changes: each change is a new snapshot with a new epoch.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::DistinguishedName;
use tokio::sync::watch;

use super::material::ServerIdentity;
use super::tickets::TicketKeys;
use crate::admission::{
    Admitted, Epoch, Policy, Refusal, StatusSource, TrustAnchors, VerifiedChain, admit_again,
};
use crate::ground::clock;

/// Everything a decision needs, as it was at one epoch.
pub(super) struct Snapshot {
    pub(super) epoch: Epoch,
    pub(super) policy: Arc<Policy>,
    pub(super) server: Arc<ServerIdentity>,
    pub(super) tickets: Arc<TicketKeys>,
    /// The subjects of the trust anchors, which browsers choose a certificate by.
    pub(super) authority_names: Arc<[DistinguishedName]>,
    spares_live: bool,
}

impl Snapshot {
    /// Judges someone who is inside again. `None`: nothing newer can be known, and the first
    /// judgement stands.
    pub(super) fn judge_again(
        &self,
        chain: &Arc<VerifiedChain>,
    ) -> Result<Option<Admitted>, Refusal> {
        match admit_again(chain, clock::now(), self.epoch, &self.policy) {
            Ok(admitted) => Ok(Some(admitted)),
            Err(Refusal::StatusStale { .. }) if self.spares_live => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

/// The current snapshot; none until the server certificate and the trust anchors are there.
#[derive(Clone)]
pub(super) struct State {
    shared: Arc<Shared>,
}

struct Shared {
    parts: Mutex<Parts>,
    current: watch::Sender<Option<Arc<Snapshot>>>,
}

/// What a snapshot is made of. Each part comes from files or from the authority.
#[derive(Default)]
pub(super) struct Parts {
    epoch: u64,
    server: Option<Arc<ServerIdentity>>,
    trust: Option<Trust>,
    spares_live: bool,
}

struct Trust {
    policy: Arc<Policy>,
    tickets: Arc<TicketKeys>,
    authority_names: Arc<[DistinguishedName]>,
}

impl State {
    /// Nothing is in force yet. With `spares_live`, whoever is inside may stay while the status of
    /// certificates is too old to let anybody new in.
    pub(super) fn new(spares_live: bool) -> Self {
        let parts = Mutex::new(Parts { spares_live, ..Parts::default() });
        Self { shared: Arc::new(Shared { parts, current: watch::Sender::new(None) }) }
    }

    pub(super) fn current(&self) -> Option<Arc<Snapshot>> {
        self.shared.current.borrow().clone()
    }

    /// Returns once there is a snapshot.
    pub(super) async fn is_ready(&self) {
        let mut current = self.shared.current.subscribe();
        // The sender is in `self`.
        let _ = current.wait_for(Option::is_some).await;
    }

    /// Changes some parts in one step.
    pub(super) fn change(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.shared.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        parts.epoch = parts.epoch.saturating_add(1);
        let (Some(server), Some(trust)) = (&parts.server, &parts.trust) else { return };
        self.shared.current.send_replace(Some(Arc::new(Snapshot {
            epoch: Epoch(parts.epoch),
            policy: Arc::clone(&trust.policy),
            server: Arc::clone(server),
            tickets: Arc::clone(&trust.tickets),
            authority_names: Arc::clone(&trust.authority_names),
            spares_live: parts.spares_live,
        })));
    }
}

impl Parts {
    /// What visitors of new connections are shown.
    pub(super) fn set_server(&mut self, server: Arc<ServerIdentity>) {
        self.server = Some(server);
    }

    /// Whom to trust. Other anchors make every ticket and every verified chain worthless; under the
    /// same ones both stay known, and are judged again.
    pub(super) fn set_trust(&mut self, anchors: Arc<TrustAnchors>, source: StatusSource) {
        match &mut self.trust {
            Some(trust) if trust.policy.anchors().identity() == anchors.identity() => {
                trust.policy = Arc::new(trust.policy.with_source(source));
            }
            other => {
                *other = Some(Trust {
                    authority_names: names_of(&anchors),
                    policy: Arc::new(Policy::new(anchors, source)),
                    tickets: Arc::new(TicketKeys::new()),
                });
            }
        }
    }

    /// Who is inside may no longer stay while the status of certificates is too old.
    pub(super) fn spare_nobody(&mut self) {
        self.spares_live = false;
    }

    /// Newer status under the same anchors.
    pub(super) fn set_source(&mut self, source: StatusSource) {
        if let Some(trust) = &mut self.trust {
            trust.policy = Arc::new(trust.policy.with_source(source));
        }
    }
}

fn names_of(anchors: &TrustAnchors) -> Arc<[DistinguishedName]> {
    anchors
        .certificates()
        .iter()
        .map(|certificate| DistinguishedName::from(certificate.subject_der().to_vec()))
        .collect()
}
