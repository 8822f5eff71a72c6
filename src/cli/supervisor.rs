//! Keeps the authority's process running, and carries the feed between it and the gates.

use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::process::{Bounds, Process, Started};
use super::roles::{Pauses, Stage};
use crate::authority::Reservation;
use crate::door::WireSecret;
use crate::door::command::Secret;
use crate::door::feed::{Answer, Confined, Event, Handed, Hello, PublishedCrl, Reserved, Unseal};
use crate::door::frame::FEED_LIMIT;
use crate::ground::clock;
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::hardening::Role;

/// How long the authority may leave an answer unread: it has a thread for nothing else. What waits
/// behind the answer meanwhile is what gates have to say.
const STUCK: Duration = Duration::from_secs(10);

/// How long the authority may say nothing at all before it is killed and started again.
const SILENT: Duration = Duration::from_secs(60);

/// How long it may take to begin: it reads the whole ledger first.
const BEGINNING: Duration = Duration::from_secs(900);

/// How long an authority whose feed has ended may take to end itself.
const FAREWELL: Duration = Duration::from_secs(5);

/// Octets of a key file at most.
const LARGEST_KEY_FILE: u64 = 4096;

const BOUNDS: Bounds = Bounds { patience: STUCK, said: FEED_LIMIT };

/// Has a process of the authority take the lock of the data folder, which the supervisor may not even
/// look into. While it is held, no other service and no command opens the folder, also while the
/// authority is being started again.
///
/// # Errors
/// There is no CA in it, or a service runs over it already.
pub(super) async fn reserve(stage: &Stage, folder: &Path) -> Result<Reservation, Refusal> {
    let failed = |reason: String| Refusal::AuthorityNotSpawned { reason };
    let started = Process::start::<Reserved>(stage, Role::Authority, BOUNDS).await;
    let Started { mut process, mut said, descriptors } =
        started.map_err(|error| failed(error.to_string()))?;
    let reserving = async {
        // When it cannot be told it is gone, and that is found out by hearing.
        let _ = process.tell(&Answer::Reserve { folder: folder.to_owned() }).await;
        if let Err(refusal) = said.recv().await.unwrap_or(Err("it has ended"))? {
            return Ok(Err(refusal));
        }
        match descriptors.receive().await {
            Ok(Some((Handed::Lock, Some(lock)))) => Ok(Ok(Reservation::from(lock))),
            Ok(_) | Err(_) => Err("it did not hand over the lock of the data folder"),
        }
    };
    match timeout(SILENT, reserving).await.unwrap_or(Err("it did not answer in time")) {
        Ok(reserved) => {
            process.farewell(FAREWELL).await;
            reserved
        }
        Err(reason) => Err(failed(process.give_up(reason).await)),
    }
}

/// What is known of the authority in the serving process.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// Whether a heartbeat ever came: then everything before it was told.
    pub(super) heard: bool,
}

/// The authority's process, and those it tells.
pub(super) struct Supervisor {
    pub(super) hello: Hello,
    /// What opens the vault whenever the authority is started.
    pub(super) key_file: Option<PathBuf>,
    pub(super) stage: Stage,
    pub(super) feeds: Vec<GateFeed>,
    pub(super) answers: mpsc::Receiver<Answer>,
    pub(super) crl: watch::Sender<Option<PublishedCrl>>,
    pub(super) standing: watch::Sender<Standing>,
    /// How the processes that serve are confined.
    pub(super) confined: watch::Receiver<Vec<Confined>>,
}

/// The way to a gate.
#[derive(Clone)]
pub(super) struct GateFeed {
    pub(super) gate: String,
    pub(super) events: mpsc::Sender<Arc<Event>>,
    /// Whether something was not told because too much waited already.
    pub(super) is_behind: Arc<AtomicBool>,
}

impl GateFeed {
    /// Tells it what concerns it: the key of another gate does not. Nobody waits for a gate that does
    /// not keep up; it is started again, and told everything.
    fn tell(&self, event: &Arc<Event>) {
        if let Event::ServerIdentity(identity) = &**event
            && identity.gate != self.gate
        {
            return;
        }
        if let Err(TrySendError::Full(_)) = self.events.try_send(Arc::clone(event)) {
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }
}

/// How one life of the authority's process ended.
enum Ended {
    /// By the order to seal.
    Sealed,
    /// By itself or by somebody else.
    Died,
    /// By the order to stop.
    Stopped,
}

impl Supervisor {
    /// Starts the authority, and again whenever it ends, until `stop`.
    ///
    /// # Errors
    /// Its first life ended before it had begun its work: its own message says why.
    pub(super) async fn supervise(mut self, stop: impl Future<Output = ()>) -> Result<(), Refusal> {
        let mut stop = pin!(stop);
        let mut unseal = match &self.key_file {
            Some(path) => with_key_file(path),
            None => std::mem::replace(&mut self.hello.unseal, Unseal::Later),
        };
        let mut pauses = Pauses::new();
        loop {
            let began = clock::monotonic();
            let this_time = std::mem::replace(&mut unseal, Unseal::Later);
            let ended = match self.live(this_time, stop.as_mut()).await {
                // No process could be made now: the gates go on, and it is tried again.
                Err(refusal) if self.standing.borrow().heard => {
                    tracing::error!("{refusal}");
                    Ended::Died
                }
                ended => ended?,
            };
            if matches!(ended, Ended::Stopped) {
                return Ok(());
            }
            let began_well = self.standing.borrow().heard;
            if !began_well {
                return Err(Refusal::AuthorityDidNotStart {});
            }
            match ended {
                Ended::Stopped => {}
                Ended::Sealed => {
                    // What somebody closed stays closed until somebody opens it, crash or not.
                    self.key_file = None;
                    tracing::info!("the authority is started again, sealed");
                }
                Ended::Died => {
                    unseal = self.key_file.as_deref().map_or(Unseal::Later, with_key_file);
                    let pause = pauses.after(began.elapsed());
                    tokio::select! {
                        () = self.rest(pause) => {}
                        () = stop.as_mut() => return Ok(()),
                    }
                }
            }
        }
    }

    /// One life of the authority's process.
    async fn live(
        &mut self,
        unseal: Unseal,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended, Refusal> {
        let failed =
            |error: std::io::Error| Refusal::AuthorityNotSpawned { reason: error.to_string() };
        let started = Process::start(&self.stage, Role::Authority, BOUNDS).await;
        let Started { mut process, said, descriptors: _ } = started.map_err(failed)?;

        let hello = Hello { unseal, ..self.hello.clone_without_secret() };
        // When it cannot be told the process is gone, and that is found out below.
        let _ = process.tell(&Answer::Hello(Box::new(hello))).await;
        // A new authority knows nothing of the others.
        self.confined.mark_changed();

        let sealed = Arc::new(AtomicBool::new(false));
        let mut telling = tokio::spawn(tell(
            said,
            self.feeds.clone(),
            self.crl.clone(),
            self.standing.clone(),
            Arc::clone(&sealed),
        ));
        let mut stopped = false;
        loop {
            let answer = tokio::select! {
                // There are no more once the gates have ended.
                Some(answer) = self.answers.recv() => answer,
                Ok(()) = self.confined.changed() => {
                    Answer::Confined(self.confined.borrow_and_update().clone())
                }
                _ = &mut telling => break,
                () = stop.as_mut() => {
                    stopped = true;
                    break;
                }
            };
            if let Err(reason) = process.tell(&answer).await {
                tracing::error!(reason, "the authority has misbehaved and is ended");
                break;
            }
        }
        telling.abort();
        // Without a feed it ends by itself once its command is finished.
        process.close().await;
        let status = process.farewell(FAREWELL).await;
        if stopped {
            return Ok(Ended::Stopped);
        }
        if sealed.load(Ordering::SeqCst) {
            return Ok(Ended::Sealed);
        }
        tracing::error!(status, "the authority has ended; it is started again");
        Ok(Ended::Died)
    }

    /// Waits, and lets nobody wait for an authority that is not there.
    async fn rest(&mut self, pause: Duration) {
        let deadline = Instant::from_std(clock::monotonic() + pause);
        // Answers to the authority of before mean nothing to the next.
        while let Ok(Some(_)) = tokio::time::timeout_at(deadline, self.answers.recv()).await {}
    }
}

/// Carries what the authority tells to everybody it concerns, until it ends or says nothing more.
async fn tell(
    mut said: mpsc::Receiver<Result<Event, &'static str>>,
    feeds: Vec<GateFeed>,
    crl: watch::Sender<Option<PublishedCrl>>,
    standing: watch::Sender<Standing>,
    sealed: Arc<AtomicBool>,
) {
    let mut patience = BEGINNING;
    loop {
        let event = match timeout(patience, said.recv()).await {
            Ok(Some(Ok(event))) => event,
            Ok(None) => return,
            Ok(Some(Err(reason))) => {
                tracing::error!(reason, "the authority has misbehaved and is ended");
                return;
            }
            Err(_) => {
                tracing::error!("the authority has said nothing for {} s", patience.as_secs());
                return;
            }
        };
        patience = SILENT;
        match &event {
            Event::Heartbeat(_) => {
                standing.send_if_modified(|known| !std::mem::replace(&mut known.heard, true));
            }
            Event::Crl(published) => {
                crl.send_replace(Some(published.clone()));
                continue;
            }
            Event::Sealed => {
                sealed.store(true, Ordering::SeqCst);
                continue;
            }
            _ => {}
        }
        let event = Arc::new(event);
        for feed in &feeds {
            feed.tell(&event);
        }
    }
}

/// What a key file opens the vault with. It is read here: the authority may open no file of others.
fn with_key_file(path: &Path) -> Unseal {
    match files::read_service_secret(path, LARGEST_KEY_FILE) {
        Ok(bytes) => Unseal::With(Secret::KeyFile(WireSecret::from(bytes))),
        Err(error) => {
            tracing::error!("the vault stays sealed: {}", Refusal::from(error));
            Unseal::Later
        }
    }
}
