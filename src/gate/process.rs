//! A gate as a process of its own. It has two sockets to the supervisor and nothing else: one for
//! messages, one for descriptors.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::delivery::Delivery;
use super::dialler::{Dialler, Handed};
use super::{Gate, Given, Settings};
use crate::door::descriptors::Descriptors;
use crate::door::feed::{Answer, Event, FeedEnd};
use crate::door::figures::GateFigures;
use crate::door::frame::{self, FEED_LIMIT};
use crate::ground::messages::Refusal;
use crate::hardening::{Confinement, LayerReport, Role, Terms, confine};

/// How often a gate tells its figures.
const FIGURES_EVERY: Duration = Duration::from_secs(1);

/// Events that wait to be put in force at most.
const WAITING: usize = 1024;

/// From the supervisor to a gate.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToGate {
    /// The first message: what to do.
    Begin(Box<Begin>),
    /// What the authority tells.
    Event(Arc<Event>),
    /// Files that have changed, or all of them anew.
    Files(Delivery),
    /// Finish what is under way, and end.
    Drain,
}

/// What a gate is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begin {
    /// Its settings.
    pub settings: Settings,
    /// Its files.
    pub files: Delivery,
    /// Whether there is an authority that tells it things.
    pub has_feed: bool,
    /// What is said of its confinement.
    pub terms: Terms,
}

/// From a gate to the supervisor: all that it may say.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromGate {
    /// It serves.
    Ready {
        /// How it is confined.
        layers: Vec<LayerReport>,
    },
    /// It cannot serve, and ends.
    Refused(Refusal),
    /// Its answer to an event.
    Answer(Answer),
    /// What it counted and knows of itself, every second.
    Figures(GateFigures),
}

/// A gate that knows what to do, confined, serving nobody yet.
pub struct ConfinedGate {
    begin: Begin,
    layers: Vec<LayerReport>,
    threads: usize,
    messages: UnixStream,
}

impl ConfinedGate {
    /// Hears what to do, and confines this process, before anything of a visitor is read and before
    /// there is a second thread.
    ///
    /// # Errors
    /// The supervisor is gone, or a layer is missing, which the supervisor is told.
    pub fn begin(mut messages: UnixStream) -> Result<Self, Refusal> {
        let begin = match frame::read(&mut messages, FEED_LIMIT) {
            Ok(Some(ToGate::Begin(begin))) => begin,
            Ok(_) => return Err(Refusal::ServiceGone {}),
            Err(error) => return Err(refused(messages, error.refusal())),
        };
        let confinement = Confinement {
            role: Role::Gate,
            read: Vec::new(),
            write: Vec::new(),
            terms: begin.terms.clone(),
        };
        // It reads the limits of the control group, which it cannot open afterwards.
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match confine(&confinement) {
            Ok(layers) => Ok(Self { begin: *begin, layers, threads, messages }),
            Err(missing) => Err(refused(messages, missing.into())),
        }
    }

    /// What the gate is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.begin.settings.name()
    }

    /// How it is confined.
    #[must_use]
    pub fn layers(&self) -> &[LayerReport] {
        &self.layers
    }

    /// Serves as the supervisor says until it says no more. The listening socket, and connections to
    /// the upstream, come over `descriptors`.
    ///
    /// # Errors
    /// The supervisor is gone, or the gate cannot be opened, which the supervisor is told.
    pub fn serve(self, descriptors: OwnedFd) -> Result<(), Refusal> {
        let Self { begin, layers, threads, messages } = self;
        let incoming = messages.try_clone().map_err(|_| Refusal::ServiceGone {})?;
        serve(begin, (layers, threads), incoming, &messages, descriptors)
            .map_err(|refusal| refused(messages, refusal))
    }
}

/// Tells the supervisor why the gate ends.
fn refused(messages: UnixStream, refusal: Refusal) -> Refusal {
    // It may be gone.
    let _ = say(&Mutex::new(messages), &FromGate::Refused(refusal.clone()));
    refusal
}

fn serve(
    begin: Begin,
    (layers, threads): (Vec<LayerReport>, usize),
    incoming: UnixStream,
    outgoing: &UnixStream,
    descriptors: OwnedFd,
) -> Result<(), Refusal> {
    let unavailable =
        |error: std::io::Error| Refusal::SignalsUnavailable { reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(unavailable)?;
    runtime.block_on(async {
        let channel = Descriptors::new(descriptors).map_err(unavailable)?;
        let Ok(Some((Handed::Listener, Some(listener)))) = channel.receive().await else {
            return Err(Refusal::ServiceGone {});
        };
        let (tell, events) = mpsc::channel(WAITING);
        // They wait for no one: a revocation may come behind them. The supervisor sends one a second.
        let (deliver, deliveries) = mpsc::unbounded_channel();
        let (answers, answered) = mpsc::channel(WAITING);
        let feed = begin.has_feed.then(|| FeedEnd { events, answers });
        let (dialler, dialling) = Dialler::over(channel);
        let listener = TcpListener::from(listener);
        let given = Given { listener, files: begin.files, deliveries, dialler, feed };
        let gate = Gate::open(begin.settings, given)?;
        // Several threads speak; a message must not begin within another.
        let out = Arc::new(Mutex::new(outgoing.try_clone().map_err(unavailable)?));
        say(&out, &FromGate::Ready { layers })?;
        let (stop, mut stopping) = watch::channel(Stop::No);
        let (figures, also_out) = (gate.figures(), Arc::clone(&out));
        thread("figures", move || tell_figures(figures, &also_out))?;
        thread("answers", move || carry_answers(answered, &out))?;
        thread("messages", move || carry_messages(incoming, &tell, &deliver, &stop))?;
        let mut abandoned = stopping.clone();
        let serving = gate.serve(async move {
            // An error means that nobody is left to say anything.
            let _ = stopping.wait_for(|stop| *stop != Stop::No).await;
        });
        tokio::select! {
            () = serving => Ok(()),
            // Started again it has an upstream again.
            _ = dialling => Err(Refusal::ServiceGone {}),
            // Without the supervisor there is nobody to tell of revocations.
            _ = abandoned.wait_for(|stop| *stop == Stop::Abandoned) => Err(Refusal::ServiceGone {}),
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    Drain,
    Abandoned,
}

/// Threads of their own, so that no number of visitors keeps a revocation waiting.
fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
    let unavailable =
        |error: std::io::Error| Refusal::FeedUnavailable { reason: error.to_string() };
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(unavailable)
}

fn carry_messages(
    mut incoming: UnixStream,
    tell: &mpsc::Sender<Arc<Event>>,
    deliver: &mpsc::UnboundedSender<Delivery>,
    stop: &watch::Sender<Stop>,
) {
    loop {
        match frame::read(&mut incoming, FEED_LIMIT) {
            Ok(Some(ToGate::Event(event))) => {
                // A gate without a feed hears nothing.
                let _ = tell.blocking_send(event);
            }
            Ok(Some(ToGate::Files(files))) => {
                // A gate that ends takes none.
                let _ = deliver.send(files);
            }
            Ok(Some(ToGate::Drain)) => {
                stop.send_replace(Stop::Drain);
            }
            Ok(Some(ToGate::Begin(_)) | None) | Err(_) => {
                stop.send_replace(Stop::Abandoned);
                return;
            }
        }
    }
}

fn carry_answers(mut answers: mpsc::Receiver<Answer>, out: &Mutex<UnixStream>) {
    while let Some(answer) = answers.blocking_recv() {
        if say(out, &FromGate::Answer(answer)).is_err() {
            return;
        }
    }
}

fn tell_figures(figures: impl Fn() -> GateFigures, out: &Mutex<UnixStream>) {
    while say(out, &FromGate::Figures(figures())).is_ok() {
        std::thread::sleep(FIGURES_EVERY);
    }
}

fn say(out: &Mutex<UnixStream>, message: &FromGate) -> Result<(), Refusal> {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    frame::write(&mut *out, message, FEED_LIMIT).map_err(|_| Refusal::ServiceGone {})
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches a long list, in a slow hand, that keeps a revocation waiting.
    #[test]
    fn what_the_authority_tells_does_not_wait_behind_files() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let settings = Settings::of_authority(vec!["localhost".to_owned()]);
        let event = Arc::new(Event::ListConnections { ask: 7 });
        for _ in 0..3 {
            let files = ToGate::Files(Delivery::of_all(&settings));
            frame::write(&mut theirs, &files, FEED_LIMIT).unwrap();
        }
        frame::write(&mut theirs, &ToGate::Event(event), FEED_LIMIT).unwrap();
        let (tell, mut events) = mpsc::channel(WAITING);
        // Nobody takes them.
        let (deliver, _deliveries) = mpsc::unbounded_channel();
        let (stop, _stopping) = watch::channel(Stop::No);
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        carry_messages(ours, &tell, &deliver, &stop);
        let told = events.try_recv().unwrap();
        assert!(matches!(*told, Event::ListConnections { ask: 7 }));
    }
}
