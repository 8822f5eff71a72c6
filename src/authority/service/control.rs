//! The control socket: who may give commands is decided by the user at its other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::sockopt::socket_peercred;

use super::Job;
use crate::door::command::Request;
use crate::door::feed::Hello;
use crate::door::frame::{self, COMMAND_LIMIT, FrameError};
use crate::door::reply::Message;
use crate::ground::files::{self, FileError};
use crate::ground::messages::Refusal;

/// Commands under way at once.
const MOST: usize = 32;

/// Refused users that are logged one by one.
const LOGGED: u64 = 10;

/// How long a caller may take to send a command, or to read an answer.
const SLOW: Duration = Duration::from_secs(30);

/// The control socket of a running service. It is gone when this is dropped.
pub(super) struct Control {
    path: PathBuf,
}

/// Who may give commands: root and the configured administrators, and nobody who has a role.
pub(super) struct Permitted {
    admins: Vec<u32>,
}

impl Permitted {
    pub(super) fn of(hello: &Hello) -> Self {
        let mut admins = hello.admins.clone();
        admins.retain(|user| !hello.roles.contains(user));
        Self { admins }
    }

    fn permits(&self, user: u32) -> bool {
        user == 0 || self.admins.contains(&user)
    }

    /// Whether anybody but the socket's owner must get to it.
    fn are_others(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        self.admins.iter().any(|user| *user != own)
    }
}

/// Makes the folder of the socket. Only the runtime folder may be missing: the data folder has a CA in
/// it.
///
/// # Errors
/// It could not be made.
pub(super) fn make_folder(socket: &Path) -> Result<(), FileError> {
    socket.parent().map_or(Ok(()), |folder| {
        files::ensure_folder(folder, crate::authority::folder::RUNTIME_FOLDER_MODE)
    })
}

impl Control {
    /// Listens, and passes what is asked on to the one that works. A socket that a killed service
    /// left behind is replaced; the ledger's lock says that no other service is there.
    ///
    /// # Errors
    /// The socket could not be made.
    pub(super) fn listen(
        path: PathBuf,
        permitted: Permitted,
        jobs: Sender<Job>,
    ) -> Result<Self, Refusal> {
        let open_to_others = permitted.are_others();
        let listener = bind(&path, open_to_others)
            .map_err(|error| Refusal::from(FileError::from_io(&path, &error)))?;
        let mut refused = 0_u64;
        let under_way = Arc::new(AtomicUsize::new(0));
        let accepting = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                };
                let Ok(caller) = socket_peercred(&stream) else { continue };
                let user = caller.uid.as_raw();
                if !permitted.permits(user) {
                    turn_away(stream, user, &mut refused);
                    continue;
                }
                // Whoever finds no place is turned away, and may come again.
                let Some(place) = Place::take(&under_way) else { continue };
                let jobs = jobs.clone();
                let serving = move || {
                    serve(stream, user, &jobs);
                    drop(place);
                };
                if std::thread::Builder::new().spawn(serving).is_err() {
                    tracing::error!("no thread for a caller at the control socket");
                }
            }
        });
        accepting.map_err(|_| Refusal::ServiceGone {})?;
        Ok(Self { path })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // A socket that stays harms nobody: connecting to it fails.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A place among the commands under way; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(under_way));
        (under_way.fetch_add(1, Ordering::SeqCst) < MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Binds through the folder's descriptor: the path of a socket may have 108 octets only.
fn bind(path: &Path, open_to_others: bool) -> io::Result<UnixListener> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let folder = rustix::fs::open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let short = Path::new("/proc/self/fd").join(folder.as_fd().as_raw_fd().to_string()).join(name);
    match std::fs::remove_file(&short) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&short)?;
    // Whoever may connect is still judged by the user at the other end.
    let mode = Mode::from_raw_mode(if open_to_others { 0o666 } else { 0o600 });
    rustix::fs::chmodat(&folder, Path::new(name), mode, rustix::fs::AtFlags::empty())?;
    Ok(listener)
}

/// Says no, without a thread and without waiting. The first of them are logged, then every thousandth.
fn turn_away(mut stream: UnixStream, user: u32, refused: &mut u64) {
    *refused += 1;
    if *refused <= LOGGED || refused.is_multiple_of(1000) {
        tracing::warn!(
            user,
            refused,
            "a user who is no administrator was refused at the control socket"
        );
    }
    let refusal = Message::End(Err(Refusal::ServiceNotForYou {}));
    // Whether they read it is their affair.
    if stream.set_nonblocking(true).is_ok() {
        let _ = frame::write(&mut stream, &refusal, COMMAND_LIMIT);
    }
}

/// Answers one caller's commands, one after the other.
fn serve(mut stream: UnixStream, user: u32, jobs: &Sender<Job>) {
    let limits =
        stream.set_read_timeout(Some(SLOW)).and_then(|()| stream.set_write_timeout(Some(SLOW)));
    if limits.is_err() {
        return;
    }
    loop {
        let request = match frame::read::<Request>(&mut stream, COMMAND_LIMIT) {
            Ok(Some(request)) => Request { actor: format!("uid:{user}"), ..request },
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(user, ?error, "no command could be read at the control socket");
                return;
            }
        };
        let (reply, replies) = mpsc::channel();
        if jobs.send(Job::Command { request, reply }).is_err() {
            return;
        }
        for message in replies {
            match frame::write(&mut stream, &message, COMMAND_LIMIT) {
                Ok(()) => {}
                Err(FrameError::TooLong { octets, limit }) => {
                    tracing::error!(user, octets, "an answer was longer than may be");
                    let refused = Refusal::CommandTooLong { limit: limit.to_string() };
                    // Whether they read it is their affair.
                    let _ = frame::write(&mut stream, &Message::End(Err(refused)), COMMAND_LIMIT);
                    return;
                }
                // What was asked is done all the same; the ledger knows.
                Err(_) => return,
            }
        }
    }
}
