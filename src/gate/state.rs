//! What is in force now, and how it changes: each change is a new snapshot with a new epoch.

use std::sync::Arc;

use rustls::DistinguishedName;
use tokio::sync::watch;

use super::material::ServerIdentity;
use super::tickets::TicketKeys;
use crate::admission::{Epoch, Policy, Revocations, StatusSource, TrustAnchors};

/// Everything a decision needs, as it was at one epoch.
pub(super) struct Snapshot {
    pub(super) epoch: Epoch,
    pub(super) policy: Policy,
    pub(super) server: Arc<ServerIdentity>,
    pub(super) tickets: Arc<TicketKeys>,
    /// The subjects of the trust anchors, which browsers choose a certificate by.
    pub(super) authority_names: Vec<DistinguishedName>,
}

/// The current snapshot. Connections subscribe to it first and read it after, so that no change
/// can slip in between.
#[derive(Clone)]
pub(super) struct State {
    current: Arc<watch::Sender<Arc<Snapshot>>>,
}

impl State {
    pub(super) fn new(
        server: Arc<ServerIdentity>,
        anchors: Arc<TrustAnchors>,
        revocations: Option<Revocations>,
    ) -> Self {
        let first = Snapshot {
            epoch: Epoch(1),
            authority_names: names_of(&anchors),
            policy: Policy::new(anchors, source_of(revocations)),
            server,
            tickets: Arc::new(TicketKeys::new()),
        };
        Self { current: Arc::new(watch::Sender::new(Arc::new(first))) }
    }

    pub(super) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.borrow())
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    /// Newer revocations: the chains verified so far stay known, and are judged again.
    pub(super) fn replace_revocations(&self, revocations: Revocations) {
        self.change(|old| Snapshot {
            epoch: Epoch(old.epoch.0 + 1),
            policy: old.policy.with_source(StatusSource::Lists(revocations)),
            server: Arc::clone(&old.server),
            tickets: Arc::clone(&old.tickets),
            authority_names: old.authority_names.clone(),
        });
    }

    /// Files read anew. Other trust anchors make every ticket and every verified chain worthless.
    pub(super) fn replace_files(
        &self,
        server: Arc<ServerIdentity>,
        anchors: Arc<TrustAnchors>,
        revocations: Option<Revocations>,
    ) {
        self.change(|old| {
            let same = old.policy.anchors().identity() == anchors.identity();
            let policy = if same {
                old.policy.with_source(source_of(revocations))
            } else {
                Policy::new(Arc::clone(&anchors), source_of(revocations))
            };
            let tickets = if same { Arc::clone(&old.tickets) } else { Arc::new(TicketKeys::new()) };
            let epoch = Epoch(old.epoch.0 + 1);
            Snapshot { epoch, policy, server, tickets, authority_names: names_of(&anchors) }
        });
    }

    fn change(&self, next: impl FnOnce(&Snapshot) -> Snapshot) {
        self.current.send_modify(|current| *current = Arc::new(next(current)));
    }
}

fn source_of(revocations: Option<Revocations>) -> StatusSource {
    revocations.map_or(StatusSource::Nothing, StatusSource::Lists)
}

fn names_of(anchors: &TrustAnchors) -> Vec<DistinguishedName> {
    anchors
        .certificates()
        .iter()
        .map(|certificate| DistinguishedName::from(certificate.subject_der().to_vec()))
        .collect()
}
