//! A process of the service as the supervisor has it: told things, heard, and ended. It is a child of
//! ours, or somebody else starts it for us.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{PidfdFlags, pidfd_open};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::roles::Stage;
use crate::config::LogFormat;
use crate::door::descriptors::{self, Descriptors};
use crate::door::frame::{self, FEED_LIMIT, FrameError};
use crate::door::opening::{self, LogForm};
use crate::ground::clock;
use crate::ground::untrusted::Lines;
use crate::hardening::{Role, was_killed_by_filter};

/// A process that runs.
pub(super) struct Process {
    life: Life,
    writer: OwnedWriteHalf,
    /// How long it may leave a message unread.
    patience: Duration,
}

/// A process that has just begun, and waits to be told what to do.
pub(super) struct Started<Said> {
    pub(super) process: Process,
    /// What it says, in order; an error says what is wrong with it, and is the last.
    pub(super) said: mpsc::Receiver<Result<Said, &'static str>>,
    /// The channel for descriptors.
    pub(super) descriptors: Descriptors,
}

/// What holds for the messages of a role.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// How long it may leave one unread.
    pub(super) patience: Duration,
    /// Octets of what it says at once.
    pub(super) said: usize,
}

/// How we hold a process.
enum Life {
    /// It is a child of ours, and ends with us.
    Child(Child),
    /// Somebody else started it, at this socket. Its pidfd can be read once it has ended, which to the
    /// runtime is a pipe as any other.
    Foreign {
        process: pipe::Receiver,
        socket: PathBuf,
        role: Role,
        /// Carries what it logs; none once it has ended.
        log: Option<JoinHandle<()>>,
    },
}

/// How long it may take until a process is there: programs start slowly on a machine that is busy.
const BEGINNING: Duration = Duration::from_secs(30);

/// How long a process may live on after it was killed.
const DYING: Duration = Duration::from_secs(10);

/// How long it may take until the last of what a process logged is carried, and until one that is
/// given up ends by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Octets of a line of the log; what is longer becomes several.
const LINE: u64 = 16 * 1024;

/// Octets of the log of a process that are carried in a second: what is more would only drown the others.
const LOGGED: usize = 1 << 20;

/// Messages that wait to be heard at most.
const WAITING: usize = 4;

impl Process {
    /// Starts the process of a role, or has it started, and waits until it is there. It runs as the
    /// user of its role.
    ///
    /// # Errors
    /// Why it does not run.
    pub(super) async fn start<Said: DeserializeOwned + Send + 'static>(
        stage: &Stage,
        role: Role,
        bounds: Bounds,
    ) -> io::Result<Started<Said>> {
        let started = timeout(BEGINNING, begin(stage, role)).await;
        let (stream, life, channel) =
            started.map_err(|_| io::Error::other("it did not start in time"))??;
        let (reader, writer) = stream.into_split();
        let (tell, said) = mpsc::channel(WAITING);
        tokio::spawn(read(reader, role, bounds.said, tell));
        let process = Self { life, writer, patience: bounds.patience };
        Ok(Started { process, said, descriptors: Descriptors::new(channel)? })
    }

    /// Tells it something.
    ///
    /// # Errors
    /// It does not read what it is told, and what was told in part cannot be told again.
    pub(super) async fn tell(&mut self, message: &impl Serialize) -> Result<(), &'static str> {
        let frame = frame::encode(message, FEED_LIMIT).map_err(|_| "it cannot be told so much")?;
        match timeout(self.patience, self.writer.write_all(&frame)).await {
            Ok(Ok(())) => Ok(()),
            // It has ended, which is found out by hearing.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err("it does not read what it is told"),
        }
    }

    /// Tells it nothing more.
    pub(super) async fn close(&mut self) {
        // It may have ended already.
        let _ = self.writer.shutdown().await;
    }

    /// Ends it.
    pub(super) async fn kill(&mut self) {
        match &mut self.life {
            // It may have ended just now.
            Life::Child(child) => drop(child.start_kill()),
            Life::Foreign { process, socket, .. } => {
                let killing = async {
                    // A process of the same user may end it, and that is all it does.
                    opening::end(&UnixStream::connect(&*socket).await?, process.as_fd()).await
                };
                match timeout(BEGINNING, killing).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, "a process could not be ended"),
                    Err(_) => tracing::error!("a process could not be ended in time"),
                }
            }
        }
    }

    /// Ends it, which did not begin for this reason. Returns the reason, and how it ended.
    pub(super) async fn give_up(&mut self, reason: &str) -> String {
        format!("{reason}: {}", self.farewell(LAST_WORDS).await)
    }

    /// Waits for it to end, and ends it when it does not. Returns how it ended, in words.
    pub(super) async fn farewell(&mut self, patience: Duration) -> String {
        if let Ok(ended) = timeout(patience, self.life.ended()).await {
            return ended;
        }
        loop {
            self.kill().await;
            match (timeout(DYING, self.life.ended()).await, &self.life) {
                (Ok(ended), _) => return ended,
                (Err(_), Life::Child(_)) => return "it was killed, and has not ended".to_owned(),
                // Whoever is to end it for us may have failed. It must not live beside its follower.
                (Err(_), Life::Foreign { .. }) => {
                    tracing::error!("a process has not ended, and is killed again");
                }
            }
        }
    }

    /// A child that says and hears what is at the other end of this stream.
    #[cfg(test)]
    pub(super) fn of_test<Said: DeserializeOwned + Send + 'static>(
        child: Child,
        stream: UnixStream,
        role: Role,
        bounds: Bounds,
    ) -> (Self, mpsc::Receiver<Result<Said, &'static str>>) {
        let (reader, writer) = stream.into_split();
        let (tell, said) = mpsc::channel(WAITING);
        tokio::spawn(read(reader, role, bounds.said, tell));
        (Self { life: Life::Child(child), writer, patience: bounds.patience }, said)
    }
}

impl Life {
    async fn ended(&mut self) -> String {
        match self {
            Self::Child(child) => child.wait().await.map_or_else(|e| e.to_string(), in_words),
            Self::Foreign { process, role, log, .. } => {
                if let Err(error) = process.readable().await {
                    return error.to_string();
                }
                // Its last words stand before what we say of it.
                if let Some(carrying) = log
                    && timeout(LAST_WORDS, carrying).await.is_ok()
                {
                    *log = None;
                }
                format!("how is told by: journalctl -u 'sekisho-{}@*'", role.name())
            }
        }
    }
}

/// A process that is there, its stream, and our end of the channel for descriptors.
async fn begin(stage: &Stage, role: Role) -> io::Result<(UnixStream, Life, OwnedFd)> {
    let form = match stage.log {
        LogFormat::Text => LogForm::Text,
        LogFormat::Json => LogForm::Json,
    };
    let (ours, theirs) = descriptors::pair()?;
    let user = stage.users.of(role);
    let Some(folder) = &stage.roles_from else {
        let (stream, mut child) = stage.spawn(role)?;
        if let Err(error) = opening::begin(&stream, form, theirs.as_fd(), None).await {
            // It has ended, in most cases by itself; how says more.
            drop(child.start_kill());
            let status = child.wait().await.map(in_words)?;
            return Err(io::Error::other(format!("{error}: {status}")));
        }
        return Ok((stream, Life::Child(child), ours));
    };
    let socket = folder.join(format!("{}.sock", role.name()));
    let unreachable = |error| io::Error::other(format!("{}: {error}", socket.display()));
    let stream = UnixStream::connect(&socket).await.map_err(unreachable)?;
    let (lines, log) = io::pipe()?;
    let who = opening::begin(&stream, form, theirs.as_fd(), Some(log.as_fd())).await?;
    let process = pidfd_open(who.pid, PidfdFlags::empty())?;
    // Had it ended by now, its number could be another's.
    let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    if rustix::net::recv(&stream, &mut [0], peek) != Err(Errno::AGAIN) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if let Some(user) = user
        && who.uid.as_raw() != user.uid
    {
        let (there, wanted) = (who.uid.as_raw(), user.uid);
        return Err(io::Error::other(format!("it runs as user {there}, not {wanted}")));
    }
    let log = Some(tokio::spawn(carry_log(pipe::Receiver::from_owned_fd(lines.into())?)));
    let process = pipe::Receiver::from_owned_fd_unchecked(process)?;
    Ok((stream, Life::Foreign { process, socket, role, log }, ours))
}

/// Carries what a process logs into our own log as long as it lives: whole lines, with nothing hidden in
/// them.
async fn carry_log(lines: pipe::Receiver) {
    let mut lines = BufReader::new(lines);
    let mut line = Vec::new();
    let (mut since, mut octets, mut dropped) = (clock::monotonic(), 0, 0_u64);
    while let Ok(1..) = (&mut lines).take(LINE).read_until(b'\n', &mut line).await {
        if since.elapsed() > Duration::from_secs(1) {
            if dropped > 0 {
                tracing::warn!(dropped, "lines of a process that logs too much were left out");
            }
            (since, octets, dropped) = (clock::monotonic(), 0, 0);
        }
        octets += line.len();
        if octets > LOGGED {
            dropped += 1;
            line.clear();
            continue;
        }
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        // A log that takes nothing more must not hold up who writes it.
        let _ = io::stderr().write_all(format!("{}\n", Lines(&text)).as_bytes());
        line.clear();
    }
}

/// Hears what a process says, in order; what is no message of its role is the end.
async fn read<Said: DeserializeOwned>(
    mut reader: OwnedReadHalf,
    role: Role,
    limit: usize,
    tell: mpsc::Sender<Result<Said, &'static str>>,
) {
    loop {
        let said = tokio::select! {
            said = frame::read_async(&mut reader, limit) => said,
            () = tell.closed() => return,
        };
        let said = match said {
            Ok(Some(said)) => Ok(said),
            Ok(None) | Err(FrameError::Io(_)) => return,
            Err(FrameError::OtherProtocol { .. }) => {
                Err("it is another version of this program: start the service again")
            }
            Err(_) => Err(match role {
                Role::Gate => "it sent what is no message of a gate",
                Role::Publisher => "it sent what is no message of a publisher",
                Role::Authority | Role::Supervisor => "it sent what is no message of an authority",
            }),
        };
        let ends = said.is_err();
        if tell.send(said).await.is_err() || ends {
            return;
        }
    }
}

/// How a child ended.
fn in_words(status: ExitStatus) -> String {
    if was_killed_by_filter(status) {
        return format!("{status}: it called what only an intruder would");
    }
    status.to_string()
}
