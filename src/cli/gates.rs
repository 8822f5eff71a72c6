//! Keeps the process of one gate running: gives it what it may not get itself, tells it what the
//! authority tells, and takes from it only what a gate may say.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};

use super::roles::{Pauses, Process, Role, Stage, confined, farewell, in_words};
use crate::door::descriptors::{self, Descriptors};
use crate::door::feed::{Answer, Confined, Event, Sequence};
use crate::door::figures::GateFigures;
use crate::door::frame::{self, FEED_LIMIT};
use crate::gate::delivery::{Delivery, Watch};
use crate::gate::process::{Begin, FromGate, ToGate};
use crate::gate::provision::Provision;
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::hardening;

/// How often the files of revocation lists are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a gate may leave a message unread, or a revocation without a word of what it cut.
const STUCK: Duration = Duration::from_secs(5);

/// How long it may take to begin.
const BEGINNING: Duration = Duration::from_secs(60);

/// How long it may take to end once it was told to: longer than what is under way may take.
const FAREWELL: Duration = Duration::from_secs(40);

/// Messages of a gate that wait to be read at most.
const WAITING: usize = 64;

/// One gate, and whom it hears and tells.
pub(super) struct GateKeeper {
    pub(super) stage: Stage,
    pub(super) provision: Provision,
    /// What the authority tells; none where there is no authority.
    pub(super) feed: Option<mpsc::Receiver<Arc<Event>>>,
    pub(super) answers: mpsc::Sender<Answer>,
    /// What the gate last said of itself; none while it does not run.
    pub(super) figures: watch::Sender<Option<GateFigures>>,
    pub(super) hangup: Signal,
    /// How the processes are confined.
    pub(super) confined: Arc<watch::Sender<Vec<Confined>>>,
}

/// A gate's process at work.
struct Life {
    child: tokio::process::Child,
    writer: OwnedWriteHalf,
    said: mpsc::Receiver<Result<FromGate, &'static str>>,
    reading: JoinHandle<()>,
    handing: JoinHandle<()>,
    /// Revocations it was told of and has said nothing of yet, and when it was told.
    owed: VecDeque<(Sequence, Instant)>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.reading.abort();
        self.handing.abort();
    }
}

/// How one life ended.
enum Ended {
    /// It was told to.
    Stopped,
    /// By itself, or because it did what it may not.
    Died,
}

impl GateKeeper {
    /// Starts the gate for the first time.
    ///
    /// # Errors
    /// What it says is in its way.
    pub(super) async fn begin(mut self) -> Result<RunningGate, Refusal> {
        let files = Delivery::of_all(self.provision.settings());
        let watch = Watch::new(self.provision.settings(), &files);
        let life = self.start(files).await?;
        Ok(RunningGate { keeper: self, life, watch })
    }

    /// Starts the process, and waits until it serves.
    async fn start(&mut self, files: Delivery) -> Result<Life, Refusal> {
        let gate = || self.provision.settings().name().to_owned();
        let failed = |reason: String| Refusal::GateNotStarted { gate: gate(), reason };
        let (ours, theirs) = descriptors::pair().map_err(|error| failed(error.to_string()))?;
        let process = self.stage.start(Role::Gate, Some(theirs));
        let Process { child, messages } = process.map_err(|error| failed(error.to_string()))?;
        let (reader, writer) = messages.into_split();
        let (tell, said) = mpsc::channel(WAITING);
        let handing =
            self.hand(ours, tell.downgrade()).map_err(|error| failed(error.to_string()))?;
        let reading = tokio::spawn(read(reader, tell));
        let mut life = Life { child, writer, said, reading, handing, owed: VecDeque::new() };
        let begin = Begin {
            settings: self.provision.settings().clone(),
            files,
            has_feed: self.feed.is_some(),
            terms: self.stage.terms(Role::Gate),
        };
        let begun = async {
            life.tell(&ToGate::Begin(Box::new(begin))).await.ok()?;
            life.said.recv().await
        };
        match timeout(BEGINNING, begun).await {
            Ok(Some(Ok(FromGate::Ready { layers }))) => {
                confined(&self.confined, hardening::Role::Gate, Some(gate()), layers);
                Ok(life)
            }
            Ok(Some(Ok(FromGate::Refused(refusal)))) => {
                // It ends now; what it said counts.
                let _ = farewell(&mut life.child, STUCK).await;
                Err(refusal)
            }
            Ok(_) | Err(_) => {
                let status = farewell(&mut life.child, Duration::ZERO).await;
                Err(failed(status.map_or_else(|error| error.to_string(), in_words)))
            }
        }
    }

    /// Gives the gate its socket, and connections when it asks for them.
    fn hand(
        &self,
        channel: OwnedFd,
        tell: mpsc::WeakSender<Result<FromGate, &'static str>>,
    ) -> std::io::Result<JoinHandle<()>> {
        let hand = self.provision.hand(Descriptors::new(channel)?)?;
        Ok(tokio::spawn(async move {
            match hand.await {
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    // Whoever keeps the gate may have ended it already.
                    if let Some(tell) = tell.upgrade() {
                        let _ = tell.send(Err("it asked for what it may not")).await;
                    }
                }
                // It has ended, which is found out by reading.
                Ok(()) | Err(_) => {}
            }
        }))
    }

    /// Keeps what the authority tells from waiting while there is no gate to tell it to.
    async fn rest(&mut self, pause: Duration) {
        let deadline = Instant::from_std(clock::monotonic() + pause);
        let Some(feed) = &mut self.feed else { return tokio::time::sleep_until(deadline).await };
        while let Ok(Some(_)) = tokio::time::timeout_at(deadline, feed.recv()).await {}
        // The feed may have ended before its time.
        tokio::time::sleep_until(deadline).await;
    }
}

/// A gate that serves.
pub(super) struct RunningGate {
    keeper: GateKeeper,
    life: Life,
    watch: Watch,
}

impl RunningGate {
    /// Keeps it running until `stop`: then what is under way may end.
    pub(super) async fn keep(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut pauses = Pauses::new();
        let mut began = clock::monotonic();
        let gate = self.keeper.provision.settings().name().to_owned();
        loop {
            let ended = self.live(stop.as_mut()).await;
            self.keeper.figures.send_replace(None);
            if matches!(ended, Ended::Stopped) {
                return;
            }
            // Visitors who come now wait at the socket, which is ours.
            loop {
                let pause = pauses.after(began.elapsed());
                tokio::select! {
                    () = self.keeper.rest(pause) => {}
                    () = stop.as_mut() => return,
                }
                began = clock::monotonic();
                let files = Delivery::of_all(self.keeper.provision.settings());
                match self.keeper.start(files).await {
                    Ok(life) => {
                        self.life = life;
                        break;
                    }
                    Err(refusal) => {
                        tracing::error!(gate, "the gate was not started again: {refusal}");
                    }
                }
            }
            tracing::info!(gate, "the gate was started again");
            if self.keeper.feed.is_some() {
                // Everything it needs to know is told once more; without it nobody comes in.
                let _ = self.keeper.answers.send(Answer::TellAgain).await;
            }
        }
    }

    /// One life of the gate's process, to its end.
    async fn live(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Ended {
        let gate = self.keeper.provision.settings().name().to_owned();
        let mut look = interval(LOOK);
        let mut draining = false;
        loop {
            let told = tokio::select! {
                event = next(&mut self.keeper.feed) => self.life.tell_event(event).await,
                said = self.life.said.recv() => match said {
                    Some(Ok(said)) => self.hear(said).await,
                    Some(Err(reason)) => Err(reason),
                    None => break,
                },
                _ = look.tick() => match (self.life.is_overdue(), self.watch.changes()) {
                    (true, _) => Err("it said nothing of a revocation"),
                    (false, Some(files)) => self.life.tell(&ToGate::Files(files)).await,
                    (false, None) => Ok(()),
                },
                Some(()) = self.keeper.hangup.recv() => {
                    let files = Delivery::of_all(self.keeper.provision.settings());
                    self.life.tell(&ToGate::Files(files)).await
                }
                () = stop.as_mut(), if !draining => {
                    draining = true;
                    self.keeper.provision.close();
                    self.life.tell(&ToGate::Drain).await
                }
            };
            if let Err(reason) = told {
                tracing::error!(gate, reason, "the gate has misbehaved and is ended");
                let _ = self.life.child.start_kill();
                break;
            }
        }
        let patience = if draining { FAREWELL } else { STUCK };
        let status = farewell(&mut self.life.child, patience).await;
        if draining {
            return Ended::Stopped;
        }
        let status = status.map_or_else(|error| error.to_string(), in_words);
        tracing::error!(gate, status, "the gate has ended; it is started again");
        Ended::Died
    }

    /// Takes what a gate may say of itself, and nothing else.
    async fn hear(&mut self, said: FromGate) -> Result<(), &'static str> {
        match said {
            FromGate::Answer(answer) => {
                if !answer.is_of_gate(self.keeper.provision.settings().name()) {
                    return Err("it said what a gate may not say");
                }
                if let Answer::Acknowledged(done) = &answer {
                    self.life.owed.retain(|(epoch, _)| *epoch > done.epoch);
                }
                // Nobody may be there to hear it.
                let _ = self.keeper.answers.try_send(answer);
                Ok(())
            }
            FromGate::Figures(figures) => {
                self.keeper.figures.send_replace(Some(figures));
                Ok(())
            }
            FromGate::Refused(refusal) => {
                tracing::error!("the gate ends: {refusal}");
                Ok(())
            }
            FromGate::Ready { .. } => Err("it began twice"),
        }
    }
}

/// The next event; for ever, where there is no authority or its feed has ended.
async fn next(feed: &mut Option<mpsc::Receiver<Arc<Event>>>) -> Arc<Event> {
    if let Some(feed) = feed
        && let Some(event) = feed.recv().await
    {
        return event;
    }
    std::future::pending().await
}

impl Life {
    async fn tell(&mut self, message: &ToGate) -> Result<(), &'static str> {
        let frame = frame::encode(message, FEED_LIMIT).map_err(|_| "it cannot be told so much")?;
        match timeout(STUCK, self.writer.write_all(&frame)).await {
            Ok(Ok(())) => Ok(()),
            // It has ended, which is found out by reading.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err("it does not read what it is told"),
        }
    }

    async fn tell_event(&mut self, event: Arc<Event>) -> Result<(), &'static str> {
        if let Event::Revoked(change) = &*event {
            self.owed.push_back((change.epoch, Instant::from_std(clock::monotonic())));
        }
        self.tell(&ToGate::Event(event)).await
    }

    /// Whether it has said nothing of a revocation for too long.
    fn is_overdue(&self) -> bool {
        self.owed.front().is_some_and(|(_, told)| told.elapsed() > STUCK)
    }
}

/// Reads what a gate says, in order; an error ends it.
async fn read(mut reader: OwnedReadHalf, tell: mpsc::Sender<Result<FromGate, &'static str>>) {
    loop {
        let said = match frame::read_async(&mut reader, SAID_LIMIT).await {
            Ok(Some(said)) => Ok(said),
            Ok(None) | Err(frame::FrameError::Io(_)) => return,
            Err(_) => Err("it sent what is no message of a gate"),
        };
        let ends = said.is_err();
        if tell.send(said).await.is_err() || ends {
            return;
        }
    }
}

/// Octets of what a gate says at once: ten thousand connections with long names fit.
const SAID_LIMIT: usize = 16 << 20;
