//! Keeps what comes from files up to date: newer revocation lists, files read anew, and warnings of
//! what ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::connection::Reception;
use super::delivery::Delivery;
use super::material::Material;
use super::revocation_lists::RevocationLists;
use super::settings::{Settings, TrustSource};
use super::state::{Parts, State};
use super::upstream;
use crate::admission::{Revocations, StatusSource};
use crate::ground::clock::{self, DAY, Timestamp};
use crate::ground::messages::Refusal;

/// How often it is looked whether something ends.
const LOOK: Duration = Duration::from_secs(1);

/// What was read, and what it was put into.
pub(super) struct Keeper {
    settings: Settings,
    state: State,
    material: Material,
    lists: Option<RevocationLists>,
    warned_at: Timestamp,
}

impl Keeper {
    /// Puts the files in force for the first time.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub(super) fn open(
        settings: Settings,
        files: &Delivery,
        state: State,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let material = Material::read(&settings, files)?;
        material.warn_of_expiry(now);
        let lists = match (&settings.trust, &material.anchors) {
            (TrustSource::Files { revocation_lists, grace_days, .. }, Some(anchors)) => {
                Some(RevocationLists::read(revocation_lists, files, *grace_days, anchors, now)?)
            }
            _ => None,
        };
        let keeper = Self { settings, state, material, lists, warned_at: now };
        keeper.put_in_force();
        Ok(keeper)
    }

    /// The server certificate of the files ends then.
    pub(super) fn certificate_ends(&self) -> Option<Timestamp> {
        self.material.server.as_ref().map(|server| server.not_after())
    }

    /// Whether nothing tells of revocations.
    pub(super) fn knows_no_revocations(&self) -> bool {
        self.lists.as_ref().is_some_and(|lists| lists.in_force().is_none())
    }

    /// Takes the files as they come, for ever. Whoever is inside is judged again after each change.
    pub(super) async fn keep(
        mut self,
        mut deliveries: mpsc::UnboundedReceiver<Delivery>,
        reception: Arc<Reception>,
    ) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let delivery = tokio::select! {
                _ = tick.tick() => None,
                Some(delivery) = deliveries.recv() => Some(delivery),
            };
            let now = clock::now();
            if delivery.is_none() && now < self.warned_at.plus_seconds(DAY) {
                self.warn_of_overdue_lists(now);
                continue;
            }
            // Verifying a long list takes a while, and the handshakes must not wait for it.
            let reception = Arc::clone(&reception);
            let work = tokio::task::spawn_blocking(move || {
                self.catch_up(delivery.as_ref(), now, &reception);
                self
            });
            match work.await {
                Ok(keeper) => self = keeper,
                // A reader that panics is a defect; the gate goes on with what was last good.
                Err(_) => {
                    tracing::error!(
                        "reading the files failed; no newer ones will be seen until a restart"
                    );
                    return std::future::pending().await;
                }
            }
        }
    }

    fn catch_up(&mut self, delivery: Option<&Delivery>, now: Timestamp, reception: &Reception) {
        if let Some(files) = delivery.filter(|delivery| delivery.reload) {
            match self.reload(files, now, reception) {
                Ok(()) => tracing::info!("files read anew"),
                Err(refusal) => {
                    tracing::error!(
                        "files not read anew, the last good ones stay in force: {refusal}"
                    );
                }
            }
        } else if let (Some(files), Some(lists), Some(anchors)) =
            (delivery, &mut self.lists, &self.material.anchors)
        {
            let state = &self.state;
            let put_in_force = |revocations| {
                state.change(|parts| parts.set_source(StatusSource::Lists(revocations)));
            };
            lists.refresh(files, anchors, now, put_in_force);
        }
        if let Some(current) = self.state.current() {
            reception.registry.judge_all(&current);
        }
        if now >= self.warned_at.plus_seconds(DAY) {
            self.warned_at = now;
            self.material.warn_of_expiry(now);
        }
        self.warn_of_overdue_lists(now);
    }

    /// All or nothing.
    fn reload(
        &mut self,
        files: &Delivery,
        now: Timestamp,
        reception: &Reception,
    ) -> Result<(), Refusal> {
        let tls = upstream::read_tls(&self.settings, files)?;
        let material = Material::read(&self.settings, files)?;
        let lists = match (&self.lists, &material.anchors) {
            (Some(lists), Some(anchors)) => Some(lists.reread(files, anchors, now)?),
            _ => None,
        };
        material.warn_of_expiry(now);
        reception.connector.replace_tls(tls);
        self.material = material;
        self.lists = lists;
        self.put_in_force();
        Ok(())
    }

    /// Server certificate, anchors and lists in one step, as far as they come from files.
    fn put_in_force(&self) {
        let server = self.material.server.as_ref().map(Arc::clone);
        let anchors = self.material.anchors.as_ref().map(Arc::clone);
        let lists = self.lists.as_ref().and_then(RevocationLists::in_force);
        self.state.change(|parts: &mut Parts| {
            if let Some(server) = server {
                parts.set_server(server);
            }
            if let Some(anchors) = anchors {
                parts.set_trust(anchors, source_of(lists));
            }
        });
    }

    fn warn_of_overdue_lists(&mut self, now: Timestamp) {
        if let Some(lists) = &mut self.lists {
            lists.warn_if_overdue(now);
        }
    }
}

fn source_of(lists: Option<Revocations>) -> StatusSource {
    lists.map_or(StatusSource::Nothing, StatusSource::Lists)
}
