//! The authority as a process of its own: it alone has the vault and the ledger. It takes commands
//! at the control socket, tells those who serve over the feed, and keeps the CRL and the gates'
//! server certificates fresh.
//!
//! | file | holds |
//! |---|---|
//! | `telling` | what those who serve are told |
//! | `feed` | the way to them, and the heartbeat |
//! | `gates` | what the gates answer |
//! | `control` | the control socket |
//! | `upkeep` | the CRL and the server certificates |
//!
//! One thread works, in the order of the commands; the others only wait for somebody. A heartbeat
//! says that everything acknowledged so far was told: while a long command runs, none is missed.

mod control;
mod feed;
mod gates;
mod telling;
mod upkeep;

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Authority, DataFolder, orders};
use crate::door::Handler;
use crate::door::command::{Command, Request};
use crate::door::descriptors::hand;
use crate::door::feed::{Answer, Confined, Event, Handed, Hello, Reserved, Sequence, Unseal};
use crate::door::frame::{self, FEED_LIMIT, FrameError};
use crate::door::reply::{Crl, Cut, Message, Repairs, Reply, Status};
use crate::ground::clock::{self, Timestamp};
use crate::ground::messages::Refusal;
use crate::hardening::{Confinement, Role, confine, kernel_landlock_abi};
use control::{Control, Permitted};
use feed::Feed;
use gates::Gates;
use upkeep::Upkeep;

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// What the working thread is given.
enum Job {
    /// A command, and where its messages go.
    Command {
        /// What is asked, and by whom.
        request: Request,
        /// The way back.
        reply: mpsc::Sender<Message>,
    },
    /// One of those who serve was started again, and knows nothing.
    TellAgain,
    /// Those who serve are gone, or have misbehaved.
    FeedEnded,
}

/// The authority at work.
struct Service {
    authority: Authority,
    feed: Arc<Feed>,
    gates: Arc<Gates>,
    upkeep: Upkeep,
    since: Timestamp,
    repairs: Repairs,
    /// Everything up to here was told.
    told: Sequence,
    /// The last refusal of the upkeep, so that it is said once.
    trouble: Option<Refusal>,
    /// The last write that failed, and the ledger's sequence then: a later one was written since.
    failed_write: Option<(Refusal, Sequence)>,
    /// Whether the ledger could not be opened again: there is nothing to work with.
    is_lost: bool,
    /// How this process is confined.
    confined: Confined,
    landlock_abi: Option<u32>,
}

/// Runs the authority until those who serve are gone, or somebody seals it. The first message on
/// the feed says what to do. Where `own` is given it says so instead, but for what opens the vault: a
/// supervisor that was captured names neither the folder, nor who may give commands, nor a gate.
///
/// # Errors
/// The ledger cannot be opened, or no socket can be made.
pub fn run(
    mut stream: UnixStream,
    descriptors: OwnedFd,
    own: Option<Hello>,
) -> Result<(), Refusal> {
    let gone = |_| Refusal::ServiceGone {};
    let mut answers = stream.try_clone().map_err(gone)?;
    let hello = match frame::read(&mut answers, FEED_LIMIT).map_err(|error| error.refusal())? {
        Some(Answer::Hello(hello)) => match own {
            Some(own) => Hello { unseal: hello.unseal, ..own },
            None => *hello,
        },
        Some(Answer::Reserve { folder }) => {
            let folder = own.map_or(folder, |own| own.folder);
            return reserve(&DataFolder::new(&folder), &mut stream, &descriptors);
        }
        _ => return Err(Refusal::ServiceGone {}),
    };
    // Nothing more comes over it.
    drop(descriptors);
    let folder = DataFolder::new(&hello.folder);
    control::make_folder(&folder.control_socket())?;
    // It cannot be asked for afterwards.
    let landlock_abi = kernel_landlock_abi();
    let layers = confine(&confinement(&hello, &folder))?;
    let (authority, repairs) = Authority::open(&folder, clock::now(), ACTOR)?;
    log_repairs(&repairs);
    let feed = Arc::new(Feed::new(stream).map_err(|_| Refusal::ServiceGone {})?);
    let gates = Arc::new(Gates::new(&hello.gates));
    let upkeep = Upkeep::new(&folder, hello.crl_days, hello.server_days, &hello.gates);
    let (jobs, work) = mpsc::channel();
    let _control = Control::listen(folder.control_socket(), Permitted::of(&hello), jobs.clone())?;
    listen_to_gates(answers, &gates, jobs);

    let mut service = Service {
        told: authority.entries()?,
        authority,
        feed: Arc::clone(&feed),
        gates,
        upkeep,
        since: clock::now(),
        repairs,
        trouble: None,
        failed_write: None,
        is_lost: false,
        confined: Confined { role: Role::Authority, gate: None, layers },
        landlock_abi,
    };
    service.unseal_at_start(hello);
    match service.begin() {
        Ok(()) => {}
        Err(Trouble::FeedEnded) => return Ok(()),
        Err(Trouble::Refused(refusal)) => return Err(refusal),
    }
    let beating = std::thread::Builder::new().name("heartbeat".to_owned());
    beating.spawn(move || feed.beat()).map_err(|_| Refusal::ServiceGone {})?;
    service.work(&work);
    Ok(())
}

/// Takes the lock of a data folder for the supervisor, which may not look into it. It is held as long as
/// the supervisor holds it.
fn reserve(
    folder: &DataFolder,
    stream: &mut UnixStream,
    descriptors: &OwnedFd,
) -> Result<(), Refusal> {
    let (reserved, lock): (Reserved, _) = match folder.reserve() {
        Ok(lock) => (Ok(()), Some(lock)),
        Err(refusal) => (Err(refusal), None),
    };
    frame::write(stream, &reserved, FEED_LIMIT).map_err(|_| Refusal::ServiceGone {})?;
    let Some(lock) = lock else { return Ok(()) };
    let handed = hand(descriptors.as_fd(), &Handed::Lock, lock.as_fd());
    handed.map_err(|_| Refusal::ServiceGone {})
}

/// What the authority reaches: its data and its control socket.
fn confinement(hello: &Hello, folder: &DataFolder) -> Confinement {
    let mut write = vec![folder.path().to_owned()];
    write.extend(folder.control_socket().parent().map(Path::to_owned));
    Confinement { role: Role::Authority, read: Vec::new(), write, terms: hello.terms.clone() }
}

/// Who acts when nobody asked.
const ACTOR: &str = "service";

/// Commands that wait for their turn. A revocation does not wait for what came before it.
#[derive(Default)]
struct Waiting(VecDeque<Job>);

impl Waiting {
    /// The next job, waited for as long as it is not looked whether something is due.
    fn next(&mut self, work: &mpsc::Receiver<Job>) -> Result<Job, RecvTimeoutError> {
        self.0.extend(work.try_iter());
        let urgent = |job: &Job| match job {
            Job::FeedEnded | Job::TellAgain => true,
            Job::Command { request, .. } => matches!(request.command, Command::Revoke { .. }),
        };
        let place = self.0.iter().position(urgent).unwrap_or(0);
        match self.0.remove(place) {
            Some(job) => Ok(job),
            None => work.recv_timeout(LOOK),
        }
    }
}

/// Why something could not be done.
enum Trouble {
    FeedEnded,
    Refused(Refusal),
}

impl From<FrameError> for Trouble {
    fn from(error: FrameError) -> Self {
        tracing::error!(?error, "those who serve cannot be told");
        Self::FeedEnded
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Service {
    /// Opens the vault where the configuration says how. Where that fails it stays sealed, and the
    /// log says why: the gates can work all the same.
    fn unseal_at_start(&mut self, hello: Hello) {
        let secret = match hello.unseal {
            Unseal::Later => {
                tracing::warn!("the vault is sealed; open it with `sekisho unseal`");
                return;
            }
            Unseal::With(secret) => orders::slot_secret(secret),
        };
        if let Err(refusal) = secret.and_then(|secret| self.authority.unlock(&secret)) {
            tracing::error!("the vault stays sealed: {refusal}");
        }
    }

    /// Tells those who serve everything they need: the snapshot first, then what there is. Then it is
    /// at work, whatever becomes of what is due.
    fn begin(&mut self) -> Result<(), Trouble> {
        let now = clock::now();
        self.tell_everything(now)?;
        let unsealed = self.authority.is_unsealed();
        tracing::info!(unsealed, epoch = self.told, "the authority is at work");
        self.look_after(now)
    }

    /// Works until the end.
    fn work(mut self, work: &mpsc::Receiver<Job>) {
        let mut looked = clock::monotonic();
        let mut waiting = Waiting::default();
        loop {
            match waiting.next(work) {
                Ok(Job::Command { request, reply }) => {
                    let seals = matches!(request.command, Command::Seal);
                    let outcome = self.answer(request, &mut |done, of| {
                        // Nobody may be waiting any more.
                        let _ = reply.send(Message::Progress { done, of });
                    });
                    let ends = matches!(outcome, Err(Trouble::FeedEnded));
                    let outcome = match outcome {
                        Ok(reply) => Ok(reply),
                        Err(Trouble::Refused(refusal)) => {
                            self.recover_from(&refusal);
                            Err(refusal)
                        }
                        Err(Trouble::FeedEnded) => Err(Refusal::ServiceGone {}),
                    };
                    let sealed = seals && outcome.is_ok();
                    let _ = reply.send(Message::End(outcome));
                    if sealed {
                        // The caller reads the answer before the process is gone.
                        std::thread::sleep(FAREWELL);
                        return;
                    }
                    if ends {
                        return;
                    }
                }
                Ok(Job::TellAgain) => match self.tell_again(clock::now()) {
                    Ok(()) => {}
                    Err(Trouble::FeedEnded) => return,
                    Err(Trouble::Refused(refusal)) => self.complain(refusal),
                },
                Ok(Job::FeedEnded) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if looked.elapsed() >= LOOK {
                looked = clock::monotonic();
                let now = clock::now();
                self.authority.at(now, ACTOR);
                match self.look_after(now) {
                    Ok(()) => {}
                    Err(Trouble::FeedEnded) => return,
                    Err(Trouble::Refused(refusal)) => self.complain(refusal),
                }
            }
            if self.is_lost {
                return;
            }
        }
    }

    /// Opens the ledger again once a write may have failed: the store takes none after that, and the next
    /// command may be a revocation.
    fn recover_from(&mut self, refusal: &Refusal) {
        let is_of_a_write = matches!(
            refusal,
            Refusal::DiskFull { .. }
                | Refusal::SystemRefused { .. }
                | Refusal::LedgerInterrupted {}
        );
        if !is_of_a_write {
            return;
        }
        match self.authority.reopen_ledger().and_then(|()| self.authority.entries()) {
            Ok(entries) => self.failed_write = Some((refusal.clone(), entries)),
            Err(refusal) => {
                tracing::error!(
                    "the ledger could not be opened again after a failed write: {refusal}"
                );
                self.is_lost = true;
            }
        }
    }

    /// Carries a command out, and tells those who serve what it changed before it is acknowledged.
    fn answer(
        &mut self,
        request: Request,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Reply, Trouble> {
        let now = clock::now();
        self.authority.at(now, &request.actor);
        match request.command {
            Command::Unseal { secret } => {
                self.authority.unlock(&orders::slot_secret(secret)?)?;
                tracing::info!(actor = %request.actor, "the vault was opened");
                self.upkeep.try_again();
                self.look_after(now)?;
                Ok(Reply::Done)
            }
            Command::Seal => {
                tracing::info!(actor = %request.actor, "the vault is sealed");
                // Before anybody is told so: whatever becomes of this process, it stays sealed.
                self.feed.tell(&Event::Sealed)?;
                Ok(Reply::Done)
            }
            Command::Status => Ok(Reply::Status(Box::new(self.status()?))),
            Command::Repairs => Ok(Reply::Repairs(self.repairs.clone())),
            Command::Connections => {
                let ask = self.gates.ask_for_connections();
                self.feed.tell(&Event::ListConnections { ask })?;
                Ok(Reply::Connections(self.gates.connections()))
            }
            command => {
                let confirms = matches!(command, Command::ConfirmClock);
                let reconciles = matches!(command, Command::Reconcile { .. });
                let done = self.authority.handle(Request { command, ..request }, progress);
                if reconciles && done.is_ok() {
                    self.tell_everything(now)?;
                }
                // Whatever became of the command, what it left in the ledger is told.
                let cuts = self.tell_changes()?;
                if (confirms || reconciles) && done.is_ok() {
                    self.upkeep.try_again();
                    self.look_after(now)?;
                }
                Ok(self.complete(done?, cuts, now))
            }
        }
    }

    /// Adds to a reply what only the service knows.
    fn complete(&mut self, reply: Reply, cuts: Vec<Cut>, now: Timestamp) -> Reply {
        match reply {
            Reply::Revoked(mut revoked) => {
                revoked.cuts = cuts;
                self.upkeep.were_revoked(revoked.revoked.iter().map(|view| view.serial));
                let published = self.publish_crl(now);
                if let Err(refusal) = &published {
                    self.recover_from(refusal);
                }
                revoked.crl = Some(published);
                Reply::Revoked(revoked)
            }
            Reply::Crl(crl) => {
                if let Err(refusal) = self.tell_crl(&crl) {
                    self.complain(refusal);
                }
                Reply::Crl(crl)
            }
            reply => reply,
        }
    }

    /// What is due: a CRL, server certificates. Nothing of it can be done while sealed; what fails is
    /// said, tried again a minute later, and keeps nothing else from being done.
    fn look_after(&mut self, now: Timestamp) -> Result<(), Trouble> {
        if self.authority.is_unsealed() && !self.authority.awaits_reconciling()? {
            if self.upkeep.crl_is_due(now)
                && let Err(refusal) = self.publish_crl(now)
            {
                self.complain(refusal);
            }
            while let Some(identity) = self.upkeep.due_identity(&mut self.authority, now) {
                match identity {
                    Ok(identity) => self.feed.tell(&Event::ServerIdentity(identity))?,
                    Err(refusal) => self.complain(refusal),
                }
            }
        }
        self.tell_changes().map(drop)
    }

    /// Signs a CRL, tells of it, and writes it.
    fn publish_crl(&mut self, now: Timestamp) -> Result<Crl, Refusal> {
        let signed = self.upkeep.sign_crl(&self.authority, now)?;
        self.tell_crl(&signed)?;
        Ok(signed)
    }

    fn status(&self) -> Result<Status, Refusal> {
        let entries = self.authority.entries()?;
        let failed_write = self.failed_write.as_ref().filter(|(_, at)| *at == entries);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            unsealed: self.authority.is_unsealed(),
            epoch: self.told,
            failed_write: failed_write.map(|(refusal, _)| refusal.clone()),
            clock: self.authority.clock_standing()?,
            authority_ends: self.authority.issuer()?.certificate().not_after(),
            crl: self.upkeep.crl(),
            gates: self.gates.standing(),
            processes: std::iter::once(self.confined.clone())
                .chain(self.gates.processes())
                .collect(),
            landlock_abi: self.landlock_abi,
            ending: self.authority.endings(ENDINGS)?,
            restoration: self.authority.restoration()?,
            backed_up: self.authority.backed_up()?,
            anchor: self.authority.last_anchor_check(),
        })
    }

    /// Says what could not be done, unless it is what was said last: of a clock set wrong each
    /// second tells another time.
    fn complain(&mut self, refusal: Refusal) {
        self.recover_from(&refusal);
        if self.trouble.as_ref().map(Refusal::code) != Some(refusal.code()) {
            tracing::error!("something that is due could not be done: {refusal}");
            self.trouble = Some(refusal);
        }
    }
}

/// Certificates that end soon, in a status.
const ENDINGS: usize = 100;

/// How long the caller of `seal` has to read the answer.
const FAREWELL: Duration = Duration::from_millis(100);

/// Takes down what the gates answer, until they are gone.
fn listen_to_gates(mut answers: UnixStream, gates: &Arc<Gates>, jobs: mpsc::Sender<Job>) {
    let gates = Arc::clone(gates);
    std::thread::spawn(move || {
        loop {
            match frame::read(&mut answers, FEED_LIMIT) {
                // The working thread may have ended already; then the feed ends too.
                Ok(Some(Answer::TellAgain)) => drop(jobs.send(Job::TellAgain)),
                Ok(Some(answer)) => gates.hear(answer),
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(?error, "the gates' answers cannot be read");
                    break;
                }
            }
        }
        // The working thread may have ended already.
        let _ = jobs.send(Job::FeedEnded);
    });
}

fn log_repairs(repairs: &Repairs) {
    if repairs.vault_change_finished || repairs.vault_change_undone {
        tracing::warn!(
            finished = repairs.vault_change_finished,
            "a change of the vault was interrupted, and is repaired"
        );
    }
    if !repairs.abandoned.is_empty() {
        tracing::warn!(
            numbers = ?repairs.abandoned,
            "certificates whose issuing was interrupted count as revoked"
        );
    }
}
