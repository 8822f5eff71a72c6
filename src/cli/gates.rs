//! Keeps the process of one gate running: gives it what it may not get itself, tells it what the
//! authority tells, and takes from it only what a gate may say.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::process::{Bounds, Process, Started};
use super::roles::{Pauses, Stage, confined};
use crate::door::descriptors::Descriptors;
use crate::door::feed::{Answer, Confined, Event, Sequence};
use crate::door::figures::GateFigures;
use crate::gate::delivery::{Delivery, Watch};
use crate::gate::process::{Begin, FromGate, ToGate};
use crate::gate::provision::Provision;
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening::Role;

/// How often the files of revocation lists are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a gate may leave a message unread, or a revocation without a word of what it cut.
const STUCK: Duration = Duration::from_secs(5);

/// Reports of a gate that are passed on in a second: it sends one with every heartbeat, and one for
/// every certificate that was issued.
const REPORTS: u32 = 256;

/// How long it may take to begin.
const BEGINNING: Duration = Duration::from_secs(60);

/// How long it may take to end once it was told to: longer than what is under way may take.
const FAREWELL: Duration = Duration::from_secs(40);

/// Ten thousand connections with long names fit.
const BOUNDS: Bounds = Bounds { patience: STUCK, said: 4 << 20 };

/// One gate, and whom it hears and tells.
pub(super) struct GateKeeper {
    pub(super) stage: Stage,
    pub(super) provision: Provision,
    /// What the authority tells; none where there is no authority.
    pub(super) feed: Option<mpsc::Receiver<Arc<Event>>>,
    /// Set when it was not told something because too much waited for it already.
    pub(super) is_behind: Arc<AtomicBool>,
    pub(super) answers: mpsc::Sender<Answer>,
    /// What the gate last said of itself; none while it does not run.
    pub(super) figures: watch::Sender<Option<GateFigures>>,
    pub(super) hangup: Signal,
    /// How the processes are confined.
    pub(super) confined: Arc<watch::Sender<Vec<Confined>>>,
}

/// A gate's process at work.
struct Life {
    process: Process,
    said: mpsc::Receiver<Result<FromGate, &'static str>>,
    /// Gives it what it asks for; it ends when it asks for what it may not.
    handing: JoinHandle<()>,
    /// Revocations it was told of and has said nothing of yet, and when it was told.
    owed: VecDeque<(Sequence, Instant)>,
    /// Which asking for its connections it has not answered.
    asked: Option<u64>,
    /// How often it has told how it stands since it was last looked at.
    reports: u32,
}

impl Drop for Life {
    fn drop(&mut self) {
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
        let files = self.read_files();
        let watch = Watch::new(self.provision.settings(), &files);
        let life = self.start(files).await?;
        Ok(RunningGate { keeper: self, life, watch })
    }

    /// Starts the process, and waits until it serves.
    async fn start(&mut self, files: Delivery) -> Result<Life, Refusal> {
        let gate = || self.provision.settings().name().to_owned();
        let failed = |reason: String| Refusal::GateNotStarted { gate: gate(), reason };
        let started = Process::start(&self.stage, Role::Gate, BOUNDS).await;
        let Started { process, said, descriptors } =
            started.map_err(|error| failed(error.to_string()))?;
        let handing = self.hand(descriptors).map_err(|error| failed(error.to_string()))?;
        let mut life =
            Life { process, said, handing, owed: VecDeque::new(), asked: None, reports: 0 };
        let begin = Begin {
            settings: self.provision.settings().clone(),
            files,
            has_feed: self.feed.is_some(),
            terms: self.stage.terms(Role::Gate),
        };
        let begun = async {
            life.process.tell(&ToGate::Begin(Box::new(begin))).await?;
            tokio::select! {
                said = life.said.recv() => said.unwrap_or(Err("it has ended")),
                _ = &mut life.handing => Err(ASKED),
            }
        };
        let begun = timeout(BEGINNING, begun).await;
        let reason = match begun.unwrap_or(Err("it did not begin in time")) {
            Ok(FromGate::Ready { layers }) => {
                confined(&self.confined, Role::Gate, Some(gate()), layers);
                return Ok(life);
            }
            Ok(FromGate::Refused(refusal)) => {
                // It ends now; what it said counts.
                life.process.farewell(STUCK).await;
                return Err(refusal);
            }
            Err(reason) => reason,
            Ok(FromGate::Answer(_) | FromGate::Figures(_)) => "it spoke before it had begun",
        };
        Err(failed(life.process.give_up(reason).await))
    }

    /// A file may be long, or far away: the others are not kept waiting.
    fn read_files(&self) -> Delivery {
        tokio::task::block_in_place(|| Delivery::of_all(self.provision.settings()))
    }

    /// Gives the gate its socket, and connections when it asks for them.
    fn hand(&self, channel: Descriptors) -> std::io::Result<JoinHandle<()>> {
        let hand = self.provision.hand(channel)?;
        Ok(tokio::spawn(async move {
            match hand.await {
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {}
                // The gate has ended, which is found out by hearing.
                Ok(()) | Err(_) => std::future::pending().await,
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
                let files = self.keeper.read_files();
                let started = tokio::select! {
                    started = self.keeper.start(files) => started,
                    () = stop.as_mut() => return,
                };
                match started {
                    Ok(life) => {
                        self.life = life;
                        break;
                    }
                    Err(refusal) => {
                        let refusal = refusal.to_string();
                        let refusal = Untrusted(&refusal);
                        tracing::error!(gate, "the gate was not started again: {refusal}");
                    }
                }
            }
            tracing::info!(gate, "the gate was started again");
            if let Some(feed) = &mut self.keeper.feed {
                while feed.try_recv().is_ok() {}
                self.keeper.is_behind.store(false, Ordering::Relaxed);
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
        let mut deadline = Instant::from_std(clock::monotonic());
        loop {
            let told = tokio::select! {
                event = next(&mut self.keeper.feed) => self.life.tell_event(event).await,
                said = self.life.said.recv() => match said {
                    Some(Ok(said)) => self.hear(said).await,
                    Some(Err(reason)) => Err(reason),
                    None => break,
                },
                _ = &mut self.life.handing => Err(ASKED),
                _ = look.tick() => self.look().await,
                Some(()) = self.keeper.hangup.recv() => {
                    let files = self.keeper.read_files();
                    self.life.process.tell(&ToGate::Files(files)).await
                }
                () = stop.as_mut(), if !draining => {
                    draining = true;
                    deadline = Instant::from_std(clock::monotonic() + FAREWELL);
                    self.keeper.provision.close();
                    self.life.process.tell(&ToGate::Drain).await
                }
                () = sleep_until(deadline), if draining => Err("it does not end"),
            };
            if let Err(reason) = told {
                tracing::error!(gate, reason, "the gate has misbehaved and is ended");
                self.life.process.kill().await;
                break;
            }
        }
        let status = self.life.process.farewell(STUCK).await;
        if draining {
            return Ended::Stopped;
        }
        tracing::error!(gate, status, "the gate has ended; it is started again");
        Ended::Died
    }

    /// Once a second: whether it does what it is told, and whether there are newer files for it.
    async fn look(&mut self) -> Result<(), &'static str> {
        self.life.reports = 0;
        if self.life.is_overdue() {
            return Err("it said nothing of a revocation");
        }
        if self.keeper.is_behind.swap(false, Ordering::Relaxed) {
            return Err("it does not keep up with what it is told");
        }
        // A file may be long, or far away.
        match tokio::task::block_in_place(|| self.watch.changes()) {
            Some(files) => self.life.process.tell(&ToGate::Files(files)).await,
            None => Ok(()),
        }
    }

    /// Takes what a gate may say of itself, and nothing else.
    async fn hear(&mut self, said: FromGate) -> Result<(), &'static str> {
        match said {
            FromGate::Answer(answer) => {
                if !answer.is_of_gate(self.keeper.provision.settings().name()) {
                    return Err("it said what a gate may not say");
                }
                if self.life.is_owed(&answer) {
                    // Nobody may be there to hear it.
                    let _ = self.keeper.answers.try_send(answer);
                }
                Ok(())
            }
            FromGate::Figures(figures) => {
                self.keeper.figures.send_replace(Some(figures));
                Ok(())
            }
            FromGate::Refused(refusal) => {
                let refusal = refusal.to_string();
                tracing::error!("the gate ends: {}", Untrusted(&refusal));
                Err("it serves no more")
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
    async fn tell_event(&mut self, event: Arc<Event>) -> Result<(), &'static str> {
        match &*event {
            Event::Revoked(change) => {
                self.owed.push_back((change.epoch, Instant::from_std(clock::monotonic())));
            }
            Event::ListConnections { ask } => self.asked = Some(*ask),
            _ => {}
        }
        self.process.tell(&ToGate::Event(event)).await
    }

    /// Whether an answer was asked for, which it is no longer then. What nobody asked for would only
    /// crowd out the answers of other gates.
    fn is_owed(&mut self, answer: &Answer) -> bool {
        match answer {
            Answer::Acknowledged(done) => {
                let place = self.owed.iter().position(|(epoch, _)| *epoch == done.epoch);
                place.is_some_and(|place| self.owed.remove(place).is_some())
            }
            Answer::Connections { ask, .. } => self.asked.take_if(|asked| asked == ask).is_some(),
            Answer::Report(_) => {
                self.reports += 1;
                self.reports <= REPORTS
            }
            Answer::Hello(_) | Answer::Reserve { .. } | Answer::Confined(_) | Answer::TellAgain => {
                false
            }
        }
    }

    /// Whether it has said nothing of a revocation for too long.
    fn is_overdue(&self) -> bool {
        self.owed.front().is_some_and(|(_, told)| told.elapsed() > STUCK)
    }
}

/// It sent what is no asking for a connection.
const ASKED: &str = "it asked for what it may not";
