//! The publisher as a process of its own. It has two sockets to the supervisor, one for messages and
//! one that brings its listening sockets, the folder it writes to, and nothing else.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::interval;

use super::folder::Folder;
use super::provision::Listeners;
use super::{Gates, Publisher, Settings};
use crate::door::descriptors::Descriptors;
use crate::door::feed::PublishedCrl;
use crate::door::figures::GateFigures;
use crate::door::frame::{self, FEED_LIMIT, FrameError};
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::hardening::{Confinement, LayerReport, Role, Terms, confine};

/// Octets of what a publisher says at once.
pub const SAID_LIMIT: usize = 64 << 10;

/// How often a publisher says that it is alive.
pub const ALIVE: Duration = Duration::from_secs(1);

/// From the supervisor to the publisher.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToPublisher {
    /// The first message: what to do.
    Begin(Begin),
    /// The CRL to publish from now on.
    Crl(PublishedCrl),
    /// What a gate has told.
    Figures {
        /// Its name in the configuration.
        gate: String,
        /// What it told; none when it does not run.
        figures: Option<GateFigures>,
    },
    /// Finish the answers under way, and end.
    Drain,
}

/// What a publisher is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begin {
    /// Where and what to publish. The sockets come over the other channel.
    pub settings: Settings,
    /// The gates by their names in the configuration.
    pub gates: Vec<String>,
    /// What is said of its confinement.
    pub terms: Terms,
}

/// From the publisher to the supervisor: all that it may say.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromPublisher {
    /// It serves.
    Ready {
        /// How it is confined.
        layers: Vec<LayerReport>,
    },
    /// It cannot serve, and ends.
    Refused(Refusal),
    /// It lives; said every second.
    Alive,
}

/// Serves as the supervisor says until it says no more. It is confined once the folder is there, before
/// anything of a stranger is read and before there is a second thread.
///
/// # Errors
/// The supervisor is gone, or the publisher cannot be opened, which the supervisor is told.
pub fn run(messages: StdUnixStream, descriptors: OwnedFd) -> Result<(), Refusal> {
    let mut outgoing = messages.try_clone().map_err(|_| Refusal::ServiceGone {})?;
    let served = serve(messages, descriptors);
    if let Err(refusal) = &served {
        // The supervisor may be gone.
        let _ = frame::write(&mut outgoing, &FromPublisher::Refused(refusal.clone()), SAID_LIMIT);
    }
    served
}

fn serve(mut messages: StdUnixStream, descriptors: OwnedFd) -> Result<(), Refusal> {
    let first = frame::read(&mut messages, FEED_LIMIT).map_err(|error| error.refusal())?;
    let Some(ToPublisher::Begin(begin)) = first else { return Err(Refusal::ServiceGone {}) };
    let folder = begin.settings.folder.as_deref().map(Folder::open).transpose()?;
    let layers = confine(&Confinement {
        role: Role::Publisher,
        read: Vec::new(),
        write: begin.settings.folder.iter().cloned().collect(),
        terms: begin.terms,
    })?;
    let unavailable =
        |error: std::io::Error| Refusal::SignalsUnavailable { reason: error.to_string() };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unavailable)?;
    runtime.block_on(async {
        messages.set_nonblocking(true).map_err(unavailable)?;
        // Not split: a half that is dropped would end the stream, and a last word could not be said.
        let writer = UnixStream::from_std(messages.try_clone().map_err(unavailable)?);
        let writer = writer.map_err(unavailable)?;
        let reader = UnixStream::from_std(messages).map_err(unavailable)?;
        let channel = Descriptors::new(descriptors).map_err(unavailable)?;
        let listeners = Listeners::receive(&channel).await.map_err(|_| Refusal::ServiceGone {})?;
        drop(channel);
        let (crl_in, crl) = watch::channel(None);
        let gates = Arc::new(Gates::new(begin.gates));
        let publisher =
            Publisher::open(&begin.settings, listeners, folder, crl, Arc::clone(&gates))?;
        let (draining_in, mut draining) = watch::channel(false);
        let serving = publisher.serve(async move {
            // An error means that nobody is left to say anything.
            let _ = draining.wait_for(|draining| *draining).await;
        });
        tokio::select! {
            () = serving => Ok(()),
            () = hear(reader, &crl_in, &gates, &draining_in) => Err(Refusal::ServiceGone {}),
            Err(_) = live(writer, layers) => Err(Refusal::ServiceGone {}),
        }
    })
}

/// Puts in force what the supervisor says, until it says no more or what it may not.
async fn hear(
    mut reader: UnixStream,
    crl: &watch::Sender<Option<PublishedCrl>>,
    gates: &Gates,
    draining: &watch::Sender<bool>,
) {
    loop {
        match frame::read_async(&mut reader, FEED_LIMIT).await {
            Ok(Some(ToPublisher::Crl(newest))) => {
                crl.send_replace(Some(newest));
            }
            Ok(Some(ToPublisher::Figures { gate, figures })) => {
                gates.hear(&gate, figures, clock::monotonic());
            }
            Ok(Some(ToPublisher::Drain)) => {
                draining.send_replace(true);
            }
            Ok(Some(ToPublisher::Begin(_)) | None) | Err(_) => return,
        }
    }
}

async fn live(mut writer: UnixStream, layers: Vec<LayerReport>) -> Result<(), FrameError> {
    writer.write_all(&frame::encode(&FromPublisher::Ready { layers }, SAID_LIMIT)?).await?;
    let alive = frame::encode(&FromPublisher::Alive, SAID_LIMIT)?;
    let mut ticks = interval(ALIVE);
    loop {
        ticks.tick().await;
        writer.write_all(&alive).await?;
    }
}
