//! The gate: mutual TLS in front of a web application.
//!
//! | file | holds |
//! |---|---|
//! | [`settings`], [`limits`] | what a gate is told to do, and how much it takes |
//! | [`provision`], [`delivery`], [`dialler`] | what the supervisor gets for it: its socket, its files, connections |
//! | [`process`] | a gate as a process of its own |
//! | `material`, `revocation_lists`, `keeper` | what its files say, and say anew |
//! | `feed` | what the authority tells, put in force |
//! | `state` | what is in force now, as snapshots with an epoch |
//! | `listener`, `connection` | from the socket to the cut |
//! | `registry` | the live connections, by certificate |
//! | `tls`, `tickets` | a verifier and a ticket producer per connection, sharing one verdict |
//! | `handshakes` | the same without sockets |
//! | `proxy`, `heads`, `relayed`, `headers`, `host`, `origin`, `upgrade` | requests on their way to the upstream |
//! | `tcp` | octets instead of requests |
//! | `upstream`, `connector`, `health` | where they go, over TCP, Unix sockets and TLS |
//! | `refusal`, `refusal_page`, `owed_alerts` | what those who are refused get to see |
//! | `redirect`, `pages`, `notices`, `greeting` | what the gate itself answers |
//! | `log`, `metrics` | what it says of its visitors, and counts |
//!
//! Every connection, full or resumed, passes [`crate::admission::admit`]; the proxy serves only an
//! `Admitted`.

#![forbid(unsafe_code)]

mod connection;
mod connector;
pub mod delivery;
pub mod dialler;
mod feed;
mod greeting;
mod handshakes;
mod headers;
mod heads;
mod health;
mod host;
mod keeper;
pub mod limits;
mod listener;
mod log;
mod material;
mod metrics;
mod notices;
mod origin;
mod owed_alerts;
mod pages;
pub mod process;
pub mod provision;
mod proxy;
mod redirect;
mod refusal;
mod refusal_page;
mod registry;
mod relayed;
mod revocation_lists;
pub mod settings;
#[cfg(test)]
mod specimen;
mod state;
mod tcp;
mod tickets;
mod tls;
mod upgrade;
mod upstream;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::pin::pin;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use connection::Reception;
use connector::Connector;
use delivery::Delivery;
use dialler::Dialler;
use feed::Audience;
use health::Health;
use keeper::Keeper;
use log::Journal;
use metrics::GateMetrics;
use provision::Provision;
use proxy::Proxy;
use refusal::Responder;
use registry::Registry;
use settings::TrustSource;
use state::State;
use tls::TlsSettings;

pub use handshakes::Handshakes;
pub use heads::Heads;
pub use limits::Limits;
pub use settings::{Files, Mode, RefusalMode, Settings, StalePolicy};
pub use tls::Offer;
pub use upstream::UpstreamTls;

use crate::door::feed::FeedEnd;
use crate::door::figures::{GateFigures, Openness};
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// The target of log lines in the words of the WebORCA log, which tools look for: they are shown
/// with the time before them and nothing else.
pub const WEBORCA: &str = "weborca";

/// A gate with everything read and checked, listening, serving nobody yet.
pub struct Gate {
    listener: TcpListener,
    address: SocketAddr,
    draining: watch::Sender<bool>,
    reception: Arc<Reception>,
    keeper: Keeper,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    /// The feed is listened to until this is dropped.
    listening: Option<oneshot::Sender<Infallible>>,
    metrics: GateMetrics,
    stale: StalePolicy,
}

/// What a gate is given, since it may open nothing itself.
pub struct Given {
    /// The socket it listens at.
    pub listener: StdTcpListener,
    /// Its files as they are now.
    pub files: Delivery,
    /// Files that have changed.
    pub deliveries: mpsc::UnboundedReceiver<Delivery>,
    /// Connections to its upstream.
    pub dialler: Dialler,
    /// What the authority tells; none where there is no authority.
    pub feed: Option<FeedEnd>,
}

/// Checks the files as [`Gate::open`] does, and listens nowhere.
///
/// # Errors
/// What is wrong with a file.
pub fn check(settings: &Settings) -> Result<(), Refusal> {
    upstream::read_tls(settings, &Delivery::of_all(settings))?;
    Handshakes::open(settings).map(drop)
}

impl Gate {
    /// Says in the log what was found in the files. Nobody is served without trust anchors, a key that
    /// fits its certificate, and what tells of revocations: where the authority gives them, visitors
    /// wait until its feed has brought them.
    ///
    /// # Errors
    /// What is wrong with a file, or that the settings want an authority and there is no feed.
    pub fn open(settings: Settings, given: Given) -> Result<Self, Refusal> {
        let Given { listener, files, deliveries, dialler, feed } = given;
        if feed.is_none() && !settings.stands_alone() {
            return Err(Refusal::GateWithoutAuthority {
                gate: Untrusted(&settings.name).to_string(),
            });
        }
        let gate_name = settings.name.clone();
        let metrics = GateMetrics::default();
        let stale = settings.stale;
        let of_ledger = matches!(settings.trust, TrustSource::Authority);
        let state = State::new(of_ledger && settings.stale != StalePolicy::Cut);
        let keeper = Keeper::open(settings.clone(), &files, state.clone(), clock::now())?;
        let failed = |error: std::io::Error| Refusal::ListenFailed {
            address: settings.listen_address().to_string(),
            reason: error.to_string(),
        };
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = upstream::read_tls(&settings, &files)?;
        drop(files);
        let connector = Connector::new(&settings.upstream, dialler, tls, Health::new(&metrics));
        let limits = settings.limits;
        let registry = Registry::new(limits.connections_per_certificate, metrics.live());
        let draining = watch::Sender::new(false);
        let reception = Arc::new(Reception {
            state: state.clone(),
            registry: Arc::clone(&registry),
            tls: TlsSettings::new(settings.tls12, settings.mode),
            proxy: Arc::new(Proxy::new(connector.clone(), limits.answer_wait, settings.notices)),
            responder: Responder::of(&settings),
            mode: settings.mode,
            connector: connector.clone(),
            limits,
            journal: Journal::new(&gate_name, metrics.clone()),
            draining: draining.subscribe(),
        });
        let certificate_ends = keeper.certificate_ends();
        if let Some(ends) = certificate_ends {
            metrics.certificate_ends(ends);
        }
        let mut listening = None;
        if let Some(feed) = feed {
            let (listen, stop) = oneshot::channel();
            let upstream = connector.health();
            let audience = Audience {
                settings,
                address,
                state,
                registry,
                metrics: metrics.clone(),
                upstream,
                certificate_ends,
            };
            feed::listen(audience, feed, stop)?;
            listening = Some(listen);
        }
        tracing::info!(target: WEBORCA, "Server Mode: HTTPS");
        if keeper.knows_no_revocations() {
            tracing::warn!(
                "no revocation list: revoked certificates are let in; name one with --crl"
            );
        }
        Ok(Self {
            listener,
            address,
            draining,
            reception,
            keeper,
            deliveries,
            listening,
            metrics,
            stale,
        })
    }

    /// As [`Gate::open`], in a process that provides for its gate itself; its files are read again when
    /// a revocation list changes.
    ///
    /// # Errors
    /// As there, or why the address cannot be listened at.
    pub async fn open_here(settings: Settings, feed: Option<FeedEnd>) -> Result<Self, Refusal> {
        let provision = Provision::open(settings.clone(), None).await?;
        let unavailable =
            |error: std::io::Error| Refusal::SignalsUnavailable { reason: error.to_string() };
        let given = provision.serve_here(feed).map_err(unavailable)?;
        Self::open(settings, given)
    }

    /// Where the gate listens: the port that was chosen, when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells at any time, also while the gate serves, its figures and whether new visitors can come
    /// in.
    pub fn figures(&self) -> impl Fn() -> GateFigures + Send + Sync + use<> {
        let reception = Arc::clone(&self.reception);
        let (metrics, stale) = (self.metrics.clone(), self.stale);
        move || {
            let closed = *reception.draining.borrow() || reception.state.current().is_none();
            metrics.figures(if closed {
                Openness::Closed
            } else if metrics.is_stale() && stale != StalePolicy::Serve {
                Openness::Stale
            } else {
                Openness::Open
            })
        }
    }

    /// Serves until `shutdown`, then lets requests under way finish, within the drain limit.
    /// Revocations cut to the last.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let limits = self.reception.limits;
        let connections = listener::places(&limits);
        let accepting = async {
            self.reception.state.is_ready().await;
            listener::accept(&self.listener, &self.reception, &connections).await;
        };
        let mut keeping = pin!(self.keeper.keep(self.deliveries, Arc::clone(&self.reception)));
        tokio::select! {
            () = accepting => {}
            () = keeping.as_mut() => {}
            () = self.reception.connector.keep_trying() => {}
            () = shutdown => {}
        }
        drop(self.listener);
        tracing::info!("stopping: finishing requests under way");
        self.draining.send_replace(true);
        let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        let ended = tokio::select! {
            ended = tokio::time::timeout(limits.drain, connections.acquire_many(all)) => ended.is_ok(),
            () = keeping => false,
        };
        if !ended {
            tracing::warn!("some requests did not end in time and were cut");
        }
        drop(self.listening);
        tracing::info!("stopped");
    }
}
