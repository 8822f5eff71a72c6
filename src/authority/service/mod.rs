//! The authority as a process of its own: it alone has the vault and the ledger. It takes commands
//! at the control socket, tells those who serve over the feed, and keeps the CRL and the gates'
//! server certificates fresh.
//!
//! | file | holds |
//! |---|---|
//! | `feed` | what is told, and the heartbeat |
//! | `gates` | what the gates answer |
//! | `control` | the control socket |
//! | `upkeep` | the CRL and the server certificates |
//!
//! One thread works, in the order of the commands; the others only wait for somebody. A heartbeat
//! says that everything acknowledged so far was told: while a long command runs, none is missed.

mod control;
mod feed;
mod gates;
mod upkeep;

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Authority, DataFolder, orders};
use crate::door::Handler;
use crate::door::command::{Command, Request};
use crate::door::feed::{Answer, Change, Event, Heartbeat, Hello, PublishedCrl, Sequence, Unseal};
use crate::door::frame::{self, FEED_LIMIT, FrameError};
use crate::door::reply::{Cut, Message, Reply, Status};
use crate::ground::clock::{self, Timestamp};
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::pki::SerialNumber;
use crate::vault::SlotSecret;
use control::Control;
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
    /// Those who serve are gone, or have misbehaved.
    FeedEnded,
}

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody gave the order to seal.
    Sealed,
    /// Those who serve are gone.
    FeedEnded,
}

/// The authority at work.
struct Service {
    authority: Authority,
    feed: Arc<Feed>,
    gates: Arc<Gates>,
    upkeep: Upkeep,
    since: Timestamp,
    unsealed: bool,
    /// Everything up to here was told.
    told: Sequence,
    /// The last refusal of the upkeep, so that it is said once.
    trouble: Option<Refusal>,
}

/// Runs the authority until those who serve are gone, or somebody seals it. The first message on
/// the feed says what to do.
///
/// # Errors
/// The ledger cannot be opened, or no socket can be made.
pub fn run(stream: UnixStream) -> Result<End, Refusal> {
    let gone = |_| Refusal::ServiceGone {};
    let mut answers = stream.try_clone().map_err(gone)?;
    let Ok(Some(Answer::Hello(hello))) = frame::read(&mut answers, FEED_LIMIT) else {
        return Err(Refusal::ServiceGone {});
    };
    let hello = *hello;
    let folder = DataFolder::new(&hello.folder);
    let (authority, repairs) = Authority::open(&folder, clock::now(), ACTOR)?;
    log_repairs(&repairs);
    let feed = Arc::new(Feed::new(stream).map_err(|_| Refusal::ServiceGone {})?);
    let gates = Arc::new(Gates::new(&hello.gates));
    let upkeep = Upkeep::new(&folder, hello.crl_days, hello.server_days, &hello.gates);
    let (jobs, work) = mpsc::channel();
    let _control = Control::listen(folder.control_socket(), hello.admins.clone(), jobs.clone())?;
    listen_to_gates(answers, &gates, jobs);

    let mut service = Service {
        told: authority.entries()?,
        authority,
        feed: Arc::clone(&feed),
        gates,
        upkeep,
        since: clock::now(),
        unsealed: false,
        trouble: None,
    };
    service.unseal_at_start(hello)?;
    match service.begin() {
        Ok(()) => {}
        Err(Trouble::FeedEnded) => return Ok(End::FeedEnded),
        Err(Trouble::Refused(refusal)) => return Err(refusal),
    }
    std::thread::spawn(move || feed.beat());
    Ok(service.work(&work))
}

/// Who acts when nobody asked.
const ACTOR: &str = "service";

/// Why the beginning of the service failed.
enum Trouble {
    FeedEnded,
    Refused(Refusal),
}

impl From<FrameError> for Trouble {
    fn from(_: FrameError) -> Self {
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
    fn unseal_at_start(&mut self, hello: Hello) -> Result<(), Refusal> {
        let secret = match hello.unseal {
            Unseal::Later => {
                tracing::warn!("the vault is sealed; open it with `sekisho unseal`");
                return Ok(());
            }
            Unseal::With(secret) => orders::slot_secret(secret),
            Unseal::KeyFile(path) => files::read_secret(&path, LARGEST_KEY_FILE)
                .map(SlotSecret::KeyFile)
                .map_err(Refusal::from),
        };
        match secret.and_then(|secret| self.authority.unlock(&secret)) {
            Ok(()) => self.unsealed = true,
            Err(refusal) => tracing::error!("the vault stays sealed: {refusal}"),
        }
        Ok(())
    }

    /// Tells those who serve everything they need: the snapshot first, then what there is.
    fn begin(&mut self) -> Result<(), Trouble> {
        let now = clock::now();
        let snapshot = self.authority.snapshot()?;
        self.told = snapshot.epoch;
        let revoked: Vec<SerialNumber> =
            snapshot.issuers.iter().flat_map(|issuer| &issuer.revoked).copied().collect();
        self.feed.tell(&Event::Snapshot(snapshot))?;
        if let Some(crl) = self.upkeep.published_before(&self.authority, &revoked, now) {
            self.feed.tell(&Event::Crl(crl))?;
        }
        for identity in self.upkeep.stored_identities(now) {
            self.feed.tell(&Event::ServerIdentity(identity))?;
        }
        self.look_after(now)?;
        self.stand()?;
        tracing::info!(unsealed = self.unsealed, epoch = self.told, "the authority is at work");
        Ok(())
    }

    /// Works until the end.
    fn work(mut self, work: &mpsc::Receiver<Job>) -> End {
        let mut looked = clock::monotonic();
        loop {
            match work.recv_timeout(LOOK) {
                Ok(Job::Command { request, reply }) => {
                    let seals = matches!(request.command, Command::Seal);
                    let outcome = self.answer(request, &mut |done, of| {
                        // Nobody may be waiting any more.
                        let _ = reply.send(Message::Progress { done, of });
                    });
                    let ends = matches!(outcome, Err(Trouble::FeedEnded));
                    let outcome = match outcome {
                        Ok(reply) => Ok(reply),
                        Err(Trouble::Refused(refusal)) => Err(refusal),
                        Err(Trouble::FeedEnded) => Err(Refusal::ServiceGone {}),
                    };
                    let sealed = seals && outcome.is_ok();
                    let _ = reply.send(Message::End(outcome));
                    if sealed {
                        // The caller reads the answer before the process is gone.
                        std::thread::sleep(FAREWELL);
                        return End::Sealed;
                    }
                    if ends {
                        return End::FeedEnded;
                    }
                }
                Ok(Job::FeedEnded) | Err(RecvTimeoutError::Disconnected) => return End::FeedEnded,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if looked.elapsed() >= LOOK {
                looked = clock::monotonic();
                let now = clock::now();
                self.authority.at(now, ACTOR);
                match self.look_after(now).and_then(|()| self.stand()) {
                    Ok(()) => {}
                    Err(Trouble::FeedEnded) => return End::FeedEnded,
                    Err(Trouble::Refused(refusal)) => self.complain(refusal),
                }
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
                self.unsealed = true;
                tracing::info!(actor = %request.actor, "the vault was opened");
                self.look_after(now)?;
                self.stand()?;
                Ok(Reply::Done)
            }
            Command::Seal => {
                tracing::info!(actor = %request.actor, "the vault is sealed");
                Ok(Reply::Done)
            }
            Command::Status => Ok(Reply::Status(Box::new(self.status()?))),
            Command::Connections => {
                let ask = self.gates.ask_for_connections();
                self.feed.tell(&Event::ListConnections { ask })?;
                Ok(Reply::Connections(self.gates.connections()))
            }
            command => {
                let outcome = self.authority.handle(Request { command, ..request }, progress);
                // What a command has changed before it failed is told all the same.
                let cuts = self.tell_changes()?;
                Ok(self.complete(outcome?, cuts))
            }
        }
    }

    /// Tells what the ledger has that was not told, and waits for the gates: a new certificate
    /// opens them, and a revoked one does not, when this returns.
    fn tell_changes(&mut self) -> Result<Vec<Cut>, Trouble> {
        let (mut issued, mut revoked) = (None, None);
        for event in self.authority.changes_since(self.told)? {
            match &event {
                Event::Issued(Change { epoch, .. }) => issued = Some(*epoch),
                Event::Revoked(Change { epoch, .. }) => revoked = Some(*epoch),
                _ => {}
            }
            self.feed.tell(&event)?;
        }
        self.stand()?;
        if let Some(epoch) = issued {
            self.gates.wait_for_reports(epoch);
        }
        let Some(epoch) = revoked else { return Ok(Vec::new()) };
        self.upkeep.crl_is_incomplete();
        Ok(self.gates.cuts(epoch))
    }

    /// Adds to a reply what only the service knows.
    fn complete(&mut self, reply: Reply, cuts: Vec<Cut>) -> Reply {
        match reply {
            Reply::Revoked(mut revoked) => {
                revoked.cuts = cuts;
                revoked.crl = Some(self.publish_crl());
                Reply::Revoked(revoked)
            }
            Reply::Crl(crl) => {
                if let Err(refusal) = self.upkeep.keep_crl(&crl).and_then(|()| self.tell_crl(&crl))
                {
                    self.complain(refusal);
                }
                Reply::Crl(crl)
            }
            reply => reply,
        }
    }

    /// What is due: a CRL, server certificates. Nothing of it can be done while sealed.
    fn look_after(&mut self, now: Timestamp) -> Result<(), Trouble> {
        if !self.unsealed {
            return Ok(());
        }
        if self.upkeep.crl_is_due(now) {
            self.publish_crl()?;
        }
        if self.upkeep.identity_is_due(now) {
            for identity in self.upkeep.due_identities(&mut self.authority, now)? {
                self.feed.tell(&Event::ServerIdentity(identity))?;
            }
            self.tell_changes()?;
        }
        self.trouble = None;
        Ok(())
    }

    fn publish_crl(&mut self) -> Result<crate::door::reply::Crl, Refusal> {
        let crl = self.upkeep.sign_crl(&mut self.authority)?;
        self.tell_crl(&crl)?;
        Ok(crl)
    }

    fn tell_crl(&self, crl: &crate::door::reply::Crl) -> Result<(), Refusal> {
        let published = PublishedCrl {
            der: crl.der.clone(),
            number: crl.number,
            this_update: crl.this_update,
            next_update: crl.next_update,
            root: self.authority.issuer()?.root().der().to_vec(),
        };
        self.feed.tell(&Event::Crl(published)).map_err(|_| Refusal::ServiceGone {})
    }

    /// Says where the ledger stands, from here on in every heartbeat.
    fn stand(&mut self) -> Result<(), Trouble> {
        self.told = self.authority.entries()?;
        let (epoch, unsealed) = (self.told, self.unsealed);
        let floor = self.authority.floor()?;
        Ok(self.feed.stand_at(Heartbeat { epoch, floor, unsealed })?)
    }

    fn status(&self) -> Result<Status, Refusal> {
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            unsealed: self.unsealed,
            epoch: self.told,
            clock: self.authority.clock_standing()?,
            authority_ends: self.authority.issuer()?.certificate().not_after(),
            crl: self.upkeep.crl(),
            gates: self.gates.standing(),
            ending: self.authority.endings(ENDINGS)?,
        })
    }

    /// Says once what keeps the upkeep from being done.
    fn complain(&mut self, refusal: Refusal) {
        if self.trouble.as_ref() != Some(&refusal) {
            tracing::error!("something that is due could not be done: {refusal}");
            self.trouble = Some(refusal);
        }
    }
}

/// Certificates that end soon, in a status.
const ENDINGS: usize = 100;

/// How long the caller of `seal` has to read the answer.
const FAREWELL: Duration = Duration::from_millis(100);

/// Octets of a key file at most.
const LARGEST_KEY_FILE: u64 = 4096;

/// Takes down what the gates answer, until they are gone.
fn listen_to_gates(mut answers: UnixStream, gates: &Arc<Gates>, jobs: mpsc::Sender<Job>) {
    let gates = Arc::clone(gates);
    std::thread::spawn(move || {
        loop {
            match frame::read(&mut answers, FEED_LIMIT) {
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

fn log_repairs(repairs: &super::Repairs) {
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
