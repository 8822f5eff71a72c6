//! Keeps what comes from files up to date: newer revocation lists, files read anew on SIGHUP, and
//! warnings of what ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;

use super::connection::Reception;
use super::material::Material;
use super::revocation_lists::RevocationLists;
use super::settings::{Settings, TrustSource};
use super::state::{Parts, State};
use super::upstream;
use crate::admission::{Revocations, StatusSource};
use crate::ground::clock::{self, DAY, Timestamp};
use crate::ground::messages::Refusal;

/// How often the files of revocation lists are looked at.
const WATCH: Duration = Duration::from_secs(1);

/// What was read, and what it was put into.
pub(super) struct Keeper {
    settings: Settings,
    state: State,
    material: Material,
    lists: Option<RevocationLists>,
    warned_at: Timestamp,
}

impl Keeper {
    /// Reads what the settings name for the first time, and puts it in force.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub(super) fn open(settings: Settings, state: State, now: Timestamp) -> Result<Self, Refusal> {
        let material = Material::read(&settings)?;
        material.warn_of_expiry(now);
        let lists = match (&settings.trust, &material.anchors) {
            (TrustSource::Files { revocation_lists, grace_days, .. }, Some(anchors)) => {
                Some(RevocationLists::read(revocation_lists, *grace_days, anchors, now)?)
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

    /// Watches the files for ever. Whoever is inside is judged again after each change.
    pub(super) async fn keep(mut self, mut hangup: Signal, reception: Arc<Reception>) {
        let mut tick = tokio::time::interval(WATCH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let reload = tokio::select! {
                _ = tick.tick() => false,
                hangup = hangup.recv() => hangup.is_some(),
            };
            let now = clock::now();
            let changed = self.lists.as_ref().is_some_and(RevocationLists::have_changed);
            if !reload && !changed && now < self.warned_at.plus_seconds(DAY) {
                self.warn_of_overdue_lists(now);
                continue;
            }
            // Verifying a long list takes a while, and the handshakes must not wait for it.
            let reception = Arc::clone(&reception);
            let work = tokio::task::spawn_blocking(move || {
                self.catch_up(reload, now, &reception);
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

    fn catch_up(&mut self, reload: bool, now: Timestamp, reception: &Reception) {
        if reload {
            match self.reload(now, reception) {
                Ok(()) => tracing::info!("files read anew"),
                Err(refusal) => {
                    tracing::error!(
                        "files not read anew, the last good ones stay in force: {refusal}"
                    );
                }
            }
        } else if let (Some(lists), Some(anchors)) = (&mut self.lists, &self.material.anchors) {
            let state = &self.state;
            let put_in_force = |revocations| {
                state.change(|parts| parts.set_source(StatusSource::Lists(revocations)));
            };
            lists.refresh(anchors, now, put_in_force);
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
    fn reload(&mut self, now: Timestamp, reception: &Reception) -> Result<(), Refusal> {
        let tls = upstream::read_tls(&self.settings)?;
        let material = Material::read(&self.settings)?;
        let lists = match (&self.lists, &material.anchors) {
            (Some(lists), Some(anchors)) => Some(lists.reread(anchors, now)?),
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
