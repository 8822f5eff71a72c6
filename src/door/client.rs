//! The asking side of the door: over the control socket of a running service, or in this process.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::WireSecret;
use super::command::{Command, Handout, Order, Renewal, Request, Secret, Selector};
use super::frame::{self, COMMAND_LIMIT, FrameError};
use super::reply::{
    Anchor, AnchorCheck, BackupPart, Bundle, CertificateView, Crl, GateConnections, Issued,
    Message, Repairs, Reply, Restoration, RevocationReply, Status,
};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::pki::revocation_list::Reason;

/// Whoever answers commands: the authority.
pub trait Handler {
    /// Carries a command out.
    ///
    /// # Errors
    /// Why not.
    fn handle(
        &mut self,
        request: Request,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Reply, Refusal>;
}

/// The door, from outside.
pub struct Door {
    transport: Transport,
    actor: String,
}

enum Transport {
    Here(Box<dyn Handler>),
    Socket { stream: UnixStream, path: PathBuf },
}

impl Door {
    /// The door of an authority in this process.
    #[must_use]
    pub fn here(handler: Box<dyn Handler>, actor: &str) -> Self {
        Self { transport: Transport::Here(handler), actor: actor.to_owned() }
    }

    /// The door of the service that listens at a socket; `None` when none does.
    ///
    /// # Errors
    /// `ServiceNotForYou`, or why it cannot be reached although it is there.
    pub fn at(socket: &Path, actor: &str) -> Result<Option<Self>, Refusal> {
        match connect(socket) {
            Ok(stream) => {
                let transport = Transport::Socket { stream, path: socket.to_owned() };
                Ok(Some(Self { transport, actor: actor.to_owned() }))
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(Refusal::ServiceNotForYou {})
            }
            // Not there, or left behind by a service that was killed.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(Refusal::ServiceUnreachable { reason: error.to_string() }),
        }
    }

    /// Opens the vault of the running service.
    ///
    /// # Errors
    /// The secret does not open it, or no service runs.
    pub fn unseal(&mut self, secret: Secret) -> Result<(), Refusal> {
        self.done(Command::Unseal { secret })
    }

    /// Closes the vault of the running service.
    ///
    /// # Errors
    /// No service runs.
    pub fn seal(&mut self) -> Result<(), Refusal> {
        self.done(Command::Seal)
    }

    /// How everything stands.
    ///
    /// # Errors
    /// No service runs, or the ledger could not be read.
    pub fn status(&mut self) -> Result<Status, Refusal> {
        if let Transport::Socket { stream, .. } = &self.transport {
            // Whoever watches over a service must not hang with it.
            stream.set_read_timeout(Some(PATIENCE)).map_err(|_| Refusal::ServiceGone {})?;
        }
        match self.ask(Command::Status)? {
            Reply::Status(status) => Ok(*status),
            _ => Err(misread()),
        }
    }

    /// What the authority repaired when its process began.
    ///
    /// # Errors
    /// It is in this process: whoever opened it knows.
    pub fn repairs(&mut self) -> Result<Repairs, Refusal> {
        match self.ask(Command::Repairs)? {
            Reply::Repairs(repairs) => Ok(repairs),
            _ => Err(misread()),
        }
    }

    /// Who is connected now.
    ///
    /// # Errors
    /// No service runs.
    pub fn connections(&mut self) -> Result<Vec<GateConnections>, Refusal> {
        match self.ask(Command::Connections)? {
            Reply::Connections(connections) => Ok(connections),
            _ => Err(misread()),
        }
    }

    /// Issues certificates; each order has its own outcome, in order.
    ///
    /// # Errors
    /// The vault is sealed, the issuer or the clock is not good now, or nothing could be written.
    pub fn issue(
        &mut self,
        orders: Vec<Order>,
        handout: Handout,
    ) -> Result<Vec<Result<Issued, Refusal>>, Refusal> {
        match self.ask(Command::Issue { orders, handout })? {
            Reply::Issued(outcomes) => Ok(outcomes),
            _ => Err(misread()),
        }
    }

    /// Issues the follower of a certificate.
    ///
    /// # Errors
    /// As for issuing; or it may not be renewed.
    pub fn renew(
        &mut self,
        which: Selector,
        renewal: Renewal,
        handout: Handout,
    ) -> Result<Issued, Refusal> {
        match self.ask(Command::Renew { which, renewal, handout })? {
            Reply::Renewed(issued) => Ok(issued),
            _ => Err(misread()),
        }
    }

    /// Revokes a certificate, or its whole lineage.
    ///
    /// # Errors
    /// Unknown, revoked already, or a certificate authority.
    pub fn revoke(
        &mut self,
        which: Selector,
        reason: Reason,
        since: Option<Timestamp>,
        lineage: bool,
    ) -> Result<RevocationReply, Refusal> {
        match self.ask(Command::Revoke { which, reason, since, lineage })? {
            Reply::Revoked(reply) => Ok(reply),
            _ => Err(misread()),
        }
    }

    /// Signs a CRL.
    ///
    /// # Errors
    /// The vault is sealed, the issuer or the clock is not good now, or nothing could be written.
    pub fn sign_crl(&mut self, days: u32) -> Result<Crl, Refusal> {
        match self.ask(Command::SignCrl { days })? {
            Reply::Crl(crl) => Ok(crl),
            _ => Err(misread()),
        }
    }

    /// Hands a bundle out again.
    ///
    /// # Errors
    /// Unknown, never signed, or its key was not kept.
    pub fn export(&mut self, which: Selector, handout: Handout) -> Result<Bundle, Refusal> {
        match self.ask(Command::Export { which, handout })? {
            Reply::Exported(bundle) => Ok(bundle),
            _ => Err(misread()),
        }
    }

    /// Deletes the sealed copy of a private key for good.
    ///
    /// # Errors
    /// Unknown, or there is no copy.
    pub fn forget_key(&mut self, which: Selector) -> Result<CertificateView, Refusal> {
        self.certificate(Command::ForgetKey { which })
    }

    /// One certificate.
    ///
    /// # Errors
    /// Unknown.
    pub fn show(&mut self, which: Selector) -> Result<CertificateView, Refusal> {
        self.certificate(Command::Show { which })
    }

    /// At most `limit` certificates in the order of their numbers, from `first` on.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn list(&mut self, first: u64, limit: u32) -> Result<Vec<CertificateView>, Refusal> {
        self.certificates(Command::List { first, limit })
    }

    /// Certificates in force whose name could be taken for this one.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn look_alikes(&mut self, name: &str) -> Result<Vec<CertificateView>, Refusal> {
        self.certificates(Command::LookAlikes { name: name.to_owned() })
    }

    /// The number of the certificate that was made for an asking.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn issued_for(&mut self, request: [u8; 32]) -> Result<Option<u64>, Refusal> {
        match self.ask(Command::IssuedFor { request })? {
            Reply::Number(number) => Ok(number),
            _ => Err(misread()),
        }
    }

    /// Reads the whole ledger. Returns how many entries and how many certificates there are.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn verify(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<(u64, u64), Refusal> {
        match self.ask_with(Command::Verify, &mut progress)? {
            Reply::Verified { entries, certificates } => Ok((entries, certificates)),
            _ => Err(misread()),
        }
    }

    /// Replaces what opens the vault.
    ///
    /// # Errors
    /// The proof does not open it, or vault or ledger could not be written.
    pub fn change_slots(
        &mut self,
        proof: Secret,
        secrets: Vec<Secret>,
        keep_data_key: bool,
    ) -> Result<(), Refusal> {
        self.done(Command::ChangeSlots { proof, secrets, keep_data_key })
    }

    /// Makes new shares that open the vault, in place of those before. They are told once.
    ///
    /// # Errors
    /// The proof does not open it, so many shares are not made, or vault or ledger could not be
    /// written.
    pub fn make_shares(
        &mut self,
        proof: Secret,
        threshold: u8,
        shares: u8,
    ) -> Result<Vec<WireSecret>, Refusal> {
        match self.ask(Command::MakeShares { proof, threshold, shares })? {
            Reply::Shares(shares) => Ok(shares),
            _ => Err(misread()),
        }
    }

    /// Takes the slot that shares open out of the vault.
    ///
    /// # Errors
    /// The proof does not open it, there are no shares or nothing else, or vault or ledger could not
    /// be written.
    pub fn remove_shares(&mut self, proof: Secret) -> Result<(), Refusal> {
        self.done(Command::RemoveShares { proof })
    }

    /// Says that the clock is right.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub fn confirm_clock(&mut self) -> Result<(), Refusal> {
        self.done(Command::ConfirmClock)
    }

    /// The first part of a copy of everything.
    ///
    /// # Errors
    /// Vault or ledger could not be read, or the ledger could not be written.
    pub fn begin_backup(&mut self) -> Result<BackupPart, Refusal> {
        self.backup_part(Command::BeginBackup)
    }

    /// The next part of a copy of everything.
    ///
    /// # Errors
    /// The copy is not under way any more, or the ledger could not be read.
    pub fn continue_backup(&mut self, backup: [u8; 16], part: u64) -> Result<BackupPart, Refusal> {
        self.backup_part(Command::ContinueBackup { backup, part })
    }

    /// Says that a copy of everything was written to its end.
    ///
    /// # Errors
    /// Its last part was not given, another copy was begun since, or the ledger could not be written.
    pub fn finish_backup(&mut self, backup: [u8; 16]) -> Result<(), Refusal> {
        self.done(Command::FinishBackup { backup })
    }

    /// How the ledger was last brought back from a backup, if it ever was.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn restoration(&mut self) -> Result<Option<Restoration>, Refusal> {
        match self.ask(Command::Restoration)? {
            Reply::Restoration(restoration) => Ok(restoration),
            _ => Err(misread()),
        }
    }

    /// Ends the waiting of a restored ledger. Returns how many certificates the list revoked, how many
    /// of its serials were not known, and its number.
    ///
    /// # Errors
    /// There is nothing to reconcile, or the list does not fit.
    pub fn reconcile(&mut self, list: Option<Vec<u8>>) -> Result<(u64, u64, Option<u64>), Refusal> {
        match self.ask(Command::Reconcile { list })? {
            Reply::Reconciled { revoked, lost, merged } => Ok((revoked, lost, merged)),
            _ => Err(misread()),
        }
    }

    /// Where the ledger ends.
    ///
    /// # Errors
    /// Vault or ledger could not be read.
    pub fn export_anchor(&mut self) -> Result<Anchor, Refusal> {
        match self.ask(Command::ExportAnchor)? {
            Reply::Anchor(anchor) => Ok(anchor),
            _ => Err(misread()),
        }
    }

    /// Whether the ledger has grown from what was kept elsewhere.
    ///
    /// # Errors
    /// Vault or ledger could not be read.
    pub fn check_anchor(&mut self, anchor: Anchor) -> Result<AnchorCheck, Refusal> {
        match self.ask(Command::CheckAnchor { anchor })? {
            Reply::AnchorChecked(check) => Ok(check),
            _ => Err(misread()),
        }
    }

    fn backup_part(&mut self, command: Command) -> Result<BackupPart, Refusal> {
        match self.ask(command)? {
            Reply::BackupPart(part) => Ok(part),
            _ => Err(misread()),
        }
    }

    fn done(&mut self, command: Command) -> Result<(), Refusal> {
        match self.ask(command)? {
            Reply::Done => Ok(()),
            _ => Err(misread()),
        }
    }

    fn certificate(&mut self, command: Command) -> Result<CertificateView, Refusal> {
        match self.ask(command)? {
            Reply::Certificate(view) => Ok(view),
            _ => Err(misread()),
        }
    }

    fn certificates(&mut self, command: Command) -> Result<Vec<CertificateView>, Refusal> {
        match self.ask(command)? {
            Reply::Certificates(views) => Ok(views),
            _ => Err(misread()),
        }
    }

    fn ask(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.ask_with(command, &mut |_, _| ())
    }

    fn ask_with(
        &mut self,
        command: Command,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Reply, Refusal> {
        let mut idempotency = [0; 16];
        aws_lc_rs::rand::fill(&mut idempotency).map_err(|_| Refusal::CryptographyFailed {})?;
        let request = Request { actor: self.actor.clone(), idempotency, command };
        let (stream, socket) = match &mut self.transport {
            Transport::Here(handler) => return handler.handle(request, progress),
            Transport::Socket { stream, path } => (stream, path),
        };
        match exchange(stream, &request, progress) {
            Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(Refusal::ServiceBusy {});
            }
            // It may be starting again, and is asked once more: nothing is issued twice under one key,
            // and everything else may be repeated without harm.
            Err(FrameError::Io(_)) => {}
            outcome => return outcome.unwrap_or_else(|error| Err(error.refusal())),
        }
        *stream = wait_for(socket).ok_or(Refusal::ServiceGone {})?;
        exchange(stream, &request, progress).unwrap_or_else(|error| Err(error.refusal()))
    }
}

/// Asks, and reads to the end of the answer.
fn exchange(
    stream: &mut UnixStream,
    request: &Request,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Result<Reply, Refusal>, FrameError> {
    match frame::write(stream, request, COMMAND_LIMIT) {
        // Who is refused at the door is told so before the command is read.
        Ok(()) | Err(FrameError::Io(_)) => {}
        Err(error) => return Err(error),
    }
    loop {
        match frame::read(stream, COMMAND_LIMIT)? {
            Some(Message::Progress { done, of }) => progress(done, of),
            Some(Message::End(outcome)) => return Ok(outcome),
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// How long a service may take to say how it stands.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often, and how long after one another, a service that is starting again is called.
const CALLS: u32 = 50;
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

fn wait_for(socket: &Path) -> Option<UnixStream> {
    for _ in 0..CALLS {
        if let Ok(stream) = connect(socket) {
            return Some(stream);
        }
        std::thread::sleep(BETWEEN_CALLS);
    }
    None
}

/// Connects through the folder's descriptor: the path of a socket may have 108 octets only.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let folder = rustix::fs::open(
        folder,
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&folder.as_fd());
    UnixStream::connect(Path::new("/proc/self/fd").join(number.to_string()).join(name))
}

/// A reply of another kind than the command's: another version that happens to be readable.
fn misread() -> Refusal {
    Refusal::ServiceOtherVersion {}
}
