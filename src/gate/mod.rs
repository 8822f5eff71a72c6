//! The gate: mutual TLS in front of a web application.
//!
//! | file | holds |
//! |---|---|
//! | [`settings`], [`limits`] | what a gate is told to do, and how much it takes |
//! | `material`, `revocation_lists` | the files it reads, and reads again |
//! | `state` | what is in force now, as snapshots with an epoch |
//! | `listener`, `connection` | from the socket to the cut |
//! | `tls`, `tickets` | a verifier and a ticket producer per connection, sharing one verdict |
//! | `handshakes` | the same without sockets |
//! | `proxy`, `relayed`, `headers`, `host`, `origin`, `upgrade` | requests on their way to the upstream |
//! | `tcp` | octets instead of requests |
//! | `upstream`, `connector`, `health` | where they go, over TCP, Unix sockets and TLS |
//! | `redirect`, `pages`, `notices`, `greeting` | what the gate itself answers |
//! | `log` | what it says of its visitors |
//!
//! Every connection, full or resumed, passes [`crate::admission::admit`]; the proxy serves only an
//! `Admitted`.

#![forbid(unsafe_code)]

mod connection;
mod connector;
mod greeting;
mod handshakes;
mod headers;
mod health;
mod host;
pub mod limits;
mod listener;
mod log;
mod material;
mod notices;
mod origin;
mod pages;
mod proxy;
mod redirect;
mod relayed;
mod revocation_lists;
pub mod settings;
mod state;
mod tcp;
mod tickets;
mod tls;
mod upgrade;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use connection::Reception;
use connector::Connector;
use log::Journal;
use material::Material;
use proxy::Proxy;
use revocation_lists::RevocationLists;
use state::State;
use tls::TlsSettings;

pub use handshakes::Handshakes;
pub use limits::Limits;
pub use settings::{Files, Mode, RefusalMode, Settings, StalePolicy};
pub use upstream::UpstreamTls;

use crate::ground::clock::{self, DAY, Timestamp};
use crate::ground::messages::Refusal;
use upstream::{Server, Upstream};

/// The target of log lines in the words of the WebORCA log, which tools look for: they are shown
/// with the time before them and nothing else.
pub const WEBORCA: &str = "weborca";

/// How often the files of revocation lists are looked at.
const WATCH: Duration = Duration::from_secs(1);

/// A gate with everything read and checked, listening, serving nobody yet.
pub struct Gate {
    listener: TcpListener,
    address: SocketAddr,
    state: State,
    draining: watch::Sender<bool>,
    reception: Arc<Reception>,
    keeper: Keeper,
}

/// Checks the files as [`Gate::open`] does, and listens nowhere.
///
/// # Errors
/// What is wrong with a file.
pub fn check(settings: &Settings) -> Result<(), Refusal> {
    upstream::read_tls(settings)?;
    Handshakes::open(settings).map(drop)
}

impl Gate {
    /// Reads the files, says in the log what was found, and listens. Nothing is served without
    /// trust anchors, a key that fits its certificate, and revocation lists in force.
    ///
    /// # Errors
    /// What is wrong with a file, or why the address cannot be listened at.
    pub async fn open(settings: Settings) -> Result<Self, Refusal> {
        let now = clock::now();
        let (files, lists, grace_days) = settings.files();
        let material = Material::read(&files)?;
        material.warn_of_expiry(now);
        let unlisted = lists.is_empty();
        let lists = RevocationLists::read(lists, grace_days, &material.anchors, now)?;
        let (listener, address) = listener::bind(settings.listen).await?;
        let hangup = signal(SignalKind::hangup())
            .map_err(|error| Refusal::SignalsUnavailable { reason: error.to_string() })?;
        let connector = way_to_upstream(&settings).await?;
        let state = State::new(
            Arc::clone(&material.server),
            Arc::clone(&material.anchors),
            lists.in_force(),
        );
        let draining = watch::Sender::new(false);
        let reception = Arc::new(Reception {
            state: state.clone(),
            tls: TlsSettings::new(settings.tls12, settings.mode),
            proxy: Arc::new(Proxy::new(
                connector.clone(),
                settings.limits.answer_wait,
                settings.notices,
            )),
            mode: settings.mode,
            connector: connector.clone(),
            limits: settings.limits,
            journal: Journal::new(),
            draining: draining.subscribe(),
        });
        let keeper = Keeper {
            settings,
            connector,
            state: state.clone(),
            material,
            lists,
            warned_at: now,
            hangup,
        };
        tracing::info!(target: WEBORCA, "Server Mode: HTTPS");
        if unlisted {
            tracing::warn!(
                "no revocation list: revoked certificates are let in; name one with --crl"
            );
        }
        tracing::info!(%address, "listening");
        Ok(Self { listener, address, state, draining, reception, keeper })
    }

    /// Where the gate listens: the port that was chosen, when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the last try to reach the upstream succeeded. It is tried while the gate serves, also
    /// without visitors.
    #[must_use]
    pub fn upstream_up(&self) -> bool {
        self.reception.connector.health().is_up()
    }

    /// Serves until `shutdown`, then lets requests under way finish, within the drain limit.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let limits = self.reception.limits;
        let connections = listener::places(&limits);
        let accepting = listener::accept(&self.listener, &self.reception, &connections);
        tokio::select! {
            () = accepting => {}
            () = self.keeper.keep() => {}
            () = self.reception.connector.keep_trying() => {}
            () = shutdown => {}
        }
        drop(self.listener);
        tracing::info!("stopping: finishing requests under way");
        self.draining.send_replace(true);
        let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        if tokio::time::timeout(limits.drain, connections.acquire_many(all)).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut");
        }
        drop(self.state);
        tracing::info!("stopped");
    }
}

/// Keeps what is in force up to date: newer revocation lists, files read anew on SIGHUP, warnings.
struct Keeper {
    settings: Settings,
    connector: Connector,
    state: State,
    material: Material,
    lists: RevocationLists,
    warned_at: Timestamp,
    hangup: Signal,
}

impl Keeper {
    async fn keep(mut self) {
        let mut tick = tokio::time::interval(WATCH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let reload = tokio::select! {
                _ = tick.tick() => false,
                hangup = self.hangup.recv() => hangup.is_some(),
            };
            let now = clock::now();
            if !reload && !self.lists.have_changed() && now < self.warned_at.plus_seconds(DAY) {
                self.lists.warn_if_overdue(now);
                continue;
            }
            // Verifying a long list takes a while, and the handshakes must not wait for it.
            let work = tokio::task::spawn_blocking(move || {
                self.catch_up(reload, now);
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

    fn catch_up(&mut self, reload: bool, now: Timestamp) {
        if reload {
            match self.reload(now) {
                Ok(()) => tracing::info!("files read anew"),
                Err(refusal) => {
                    tracing::error!(
                        "files not read anew, the last good ones stay in force: {refusal}"
                    );
                }
            }
        } else {
            let put_in_force = |revocations| self.state.replace_revocations(revocations);
            self.lists.refresh(&self.material.anchors, now, put_in_force);
        }
        if now >= self.warned_at.plus_seconds(DAY) {
            self.warned_at = now;
            self.material.warn_of_expiry(now);
        }
        self.lists.warn_if_overdue(now);
    }

    /// All or nothing.
    fn reload(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let material = Material::read(&self.settings.files().0)?;
        let lists = self.lists.reread(&material.anchors, now)?;
        self.connector.replace_tls(upstream::read_tls(&self.settings)?);
        material.warn_of_expiry(now);
        self.state.replace_files(
            Arc::clone(&material.server),
            Arc::clone(&material.anchors),
            lists.in_force(),
        );
        self.material = material;
        self.lists = lists;
        Ok(())
    }
}

async fn way_to_upstream(settings: &Settings) -> Result<Connector, Refusal> {
    let tls = upstream::read_tls(settings)?;
    let server = match &settings.upstream {
        Upstream::Socket(path) => return Ok(Connector::to_socket(path.clone())),
        Upstream::Server(server) => server.clone(),
        Upstream::Greeting => {
            let started = greeting::start().await;
            Server::at(started.map_err(|error| Refusal::ListenFailed {
                address: "127.0.0.1:0".to_owned(),
                reason: error.to_string(),
            })?)
        }
    };
    let invalid = || Refusal::UpstreamInvalid { url: settings.upstream.to_string() };
    Connector::to_server(&server, tls).ok_or_else(invalid)
}
