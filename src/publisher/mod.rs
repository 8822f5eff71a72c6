//! What anyone may fetch over plain HTTP: the CRL and the CA's certificate; and, for those who watch
//! over the service, its metrics and health.
//!
//! | file | holds |
//! |---|---|
//! | [`settings`] | where to publish |
//! | [`provision`] | the sockets, which the supervisor opens |
//! | [`process`] | the publisher as a process of its own |
//! | `publication` | the documents, and the answers to those who ask for them |
//! | `folder` | the same documents as files |
//! | `gates` | the figures of the gates |
//! | `watching` | `/metrics`, `/healthz`, `/readyz` |
//! | `server` | HTTP for strangers: everything about it is bounded |

#![forbid(unsafe_code)]

mod folder;
mod gates;
pub mod process;
pub mod provision;
mod publication;
mod server;
pub mod settings;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::time::timeout;

use folder::Folder;
use provision::{Listeners, LocalListener};
use publication::Publication;
use server::{Bounds, Server};
use watching::{Figures, Watching};

pub use gates::Gates;
pub use settings::{LocalAddress, Settings};

use crate::door::feed::PublishedCrl;
use crate::ground::messages::Refusal;

/// How long answers under way may go on after the order to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// How long to wait before files that could not be written are tried again.
const WRITE_AGAIN: Duration = Duration::from_secs(30);

/// A publisher that listens, and serves nobody yet.
struct Publisher {
    crl: watch::Receiver<Option<PublishedCrl>>,
    current: watch::Sender<Option<Arc<Publication>>>,
    folder: Option<Folder>,
    files_behind: watch::Sender<bool>,
    public: Option<Server>,
    watching: Option<Server>,
}

impl Publisher {
    /// Listens at these sockets, within a runtime. The newest CRL comes in `crl` and is written to
    /// `folder` as well; `gates` knows what the gates have told, whenever somebody asks.
    ///
    /// # Errors
    /// The runtime refuses a socket.
    fn open(
        settings: &Settings,
        listeners: Listeners,
        folder: Option<Folder>,
        crl: watch::Receiver<Option<PublishedCrl>>,
        gates: Arc<Gates>,
    ) -> Result<Self, Refusal> {
        let current = watch::Sender::new(None);
        let files_behind = watch::Sender::new(false);
        let mut registry = Registry::default();
        let figures = Figures::register(&mut registry);
        registry.register_collector(Box::new(Arc::clone(&gates)));
        let Listeners { public, watching } = listeners;
        let public = public.map(|listener| {
            let answers = publication::answers(current.subscribe(), figures.clone());
            Server::at(LocalListener::Tcp(listener), Bounds::for_strangers(), answers)
        });
        let watching = watching.map(|listener| {
            let watching = Watching {
                current: current.subscribe(),
                publishes: settings.listen.is_some() || settings.folder.is_some(),
                files_behind: files_behind.subscribe(),
                gates,
                registry,
                figures,
            };
            Server::at(listener, Bounds::for_watchers(), watching.answers())
        });
        let failed = |error: std::io::Error| Refusal::ListenFailed {
            address: "[publish]".to_owned(),
            reason: error.to_string(),
        };
        let public = public.transpose().map_err(failed)?;
        let watching = watching.transpose().map_err(failed)?;
        Ok(Self { crl, current, folder, files_behind, public, watching })
    }

    /// Serves until `shutdown`, then lets answers under way finish, within 5 s.
    async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { crl, current, folder, files_behind, public, watching } = self;
        let serve = async |server: Option<&Server>| match server {
            Some(server) => server.accept().await,
            None => std::future::pending().await,
        };
        tokio::select! {
            () = keep(crl, current, folder, files_behind) => {}
            () = serve(public.as_ref()) => {}
            () = serve(watching.as_ref()) => {}
            () = shutdown => {}
        }
        let ended = async {
            for server in [public, watching].into_iter().flatten() {
                server.drain().await;
            }
        };
        if timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("publisher: some answers did not end in time and were cut");
        }
    }
}

/// Puts each CRL in force as it comes, for those who ask first, then as files.
async fn keep(
    mut crl: watch::Receiver<Option<PublishedCrl>>,
    current: watch::Sender<Option<Arc<Publication>>>,
    folder: Option<Folder>,
    files_behind: watch::Sender<bool>,
) {
    loop {
        let newest = crl.borrow_and_update().clone();
        let mut behind = false;
        if let Some(newest) = newest {
            let publication = Arc::new(Publication::new(newest));
            current.send_replace(Some(Arc::clone(&publication)));
            if let Some(folder) = &folder {
                behind = !folder.write(publication).await;
            }
        }
        files_behind.send_replace(behind);
        tokio::select! {
            changed = crl.changed() => if changed.is_err() {
                // Nobody will ever send one again; what is there goes on being served.
                return std::future::pending().await;
            },
            () = tokio::time::sleep(WRITE_AGAIN), if behind => {}
        }
    }
}
