//! The processes of the service: each is this program again, as a user of its own, with nothing of
//! ours but a socket for messages, one for descriptors, and the log.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::LogFormat;
use crate::door::feed::Confined;
use crate::hardening::{self, Layer, LayerReport, Terms, was_killed_by_filter};

/// A role that somebody starts a process for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The vault and the ledger.
    Authority,
    /// Visitors.
    Gate,
    /// The CRL for everybody, the figures for those who watch.
    Publisher,
}

impl Role {
    /// The hidden verb of its process.
    fn verb(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Gate => "gate",
            Self::Publisher => "publisher",
        }
    }

    /// The account of its process, made by the package.
    fn account(self) -> &'static str {
        match self {
            Self::Authority => "sekisho-authority",
            Self::Gate => "sekisho-gate",
            Self::Publisher => "sekisho-publisher",
        }
    }
}

/// The users that the roles run as: one each, or ours for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    /// Each role has its own.
    Separate {
        /// That of the authority.
        authority: User,
        /// That of the gates.
        gate: User,
        /// That of the publisher.
        publisher: User,
    },
    /// We may not become another user, or the accounts are missing.
    Ours,
}

/// A user and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Octets of the list of accounts that are read.
const ACCOUNTS_LIMIT: u64 = 16 << 20;

impl Users {
    /// Those of the accounts on this machine.
    pub(super) fn find() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Ours;
        }
        let accounts = crate::ground::files::read("/etc/passwd".as_ref(), ACCOUNTS_LIMIT);
        let accounts = accounts.unwrap_or_default();
        let accounts = String::from_utf8_lossy(&accounts);
        let find = |role: Role| user(&accounts, role.account());
        match (find(Role::Authority), find(Role::Gate), find(Role::Publisher)) {
            (Some(authority), Some(gate), Some(publisher)) => {
                Self::Separate { authority, gate, publisher }
            }
            _ => Self::Ours,
        }
    }

    /// The users that have a role; none when they run as ours.
    pub(super) fn all(self) -> Vec<u32> {
        let roles = [Role::Authority, Role::Gate, Role::Publisher];
        roles.into_iter().filter_map(|role| self.of(role)).map(|user| user.uid).collect()
    }

    /// The user of a role; none when it runs as ours.
    pub(super) fn of(self, role: Role) -> Option<User> {
        match (self, role) {
            (Self::Ours, _) => None,
            (Self::Separate { authority, .. }, Role::Authority) => Some(authority),
            (Self::Separate { gate, .. }, Role::Gate) => Some(gate),
            (Self::Separate { publisher, .. }, Role::Publisher) => Some(publisher),
        }
    }
}

/// A user in the list of accounts (passwd(5)).
fn user(accounts: &str, name: &str) -> Option<User> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        // A role that is root has no user of its own.
        (found && uid != 0).then_some(User { uid, gid })
    })
}

/// How processes are started.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) log: LogFormat,
    pub(super) users: Users,
    /// Layers of the confinement that are left out.
    pub(super) accept_missing: BTreeSet<Layer>,
    /// The newest Landlock ABI that is used.
    pub(super) landlock_abi: Option<u8>,
}

/// A process with its messages.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) messages: UnixStream,
}

impl Stage {
    /// What is said of the confinement of a role.
    pub(super) fn terms(&self, role: Role) -> Terms {
        let others = [Role::Authority, Role::Gate, Role::Publisher].into_iter();
        let others = others.filter(|other| *other != role).filter_map(|role| self.users.of(role));
        let ours = rustix::process::geteuid().as_raw();
        Terms {
            accept_missing: self.accept_missing.clone(),
            other_users: others.map(|user| user.uid).chain([ours]).collect(),
            landlock_abi: self.landlock_abi,
        }
    }

    /// Starts the process of a role. Its group is its own, so that Ctrl-C at the terminal reaches it
    /// through us only.
    pub(super) fn start(&self, role: Role, descriptors: Option<OwnedFd>) -> io::Result<Process> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let log = match self.log {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        let mut command = Command::new("/proc/self/exe");
        command
            .args([role.verb(), "--log-format", log])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(descriptors.map_or_else(Stdio::null, Stdio::from))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("CREDENTIALS_DIRECTORY")
            .env_remove("SEKISHO_PASSPHRASE_FILE")
            .process_group(0)
            .kill_on_drop(true);
        if let Some(User { uid, gid }) = self.users.of(role) {
            // The groups of ours go with it.
            command.uid(uid).gid(gid);
        }
        let child = command.spawn()?;
        Ok(Process { child, messages: UnixStream::from_std(ours)? })
    }
}

/// Takes down how a process is confined, in the place of the one before it.
pub(super) fn confined(
    known: &watch::Sender<Vec<Confined>>,
    role: hardening::Role,
    gate: Option<String>,
    layers: Vec<LayerReport>,
) {
    known.send_modify(|known| {
        known.retain(|one| (one.role, &one.gate) != (role, &gate));
        known.push(Confined { role, gate, layers });
    });
}

/// How a process ended.
pub(super) fn in_words(status: ExitStatus) -> String {
    if was_killed_by_filter(status) {
        return format!("{status}: it called what only an intruder would");
    }
    status.to_string()
}

/// Waits for a process to end, and ends it when it does not.
pub(super) async fn farewell(child: &mut Child, patience: Duration) -> io::Result<ExitStatus> {
    match timeout(patience, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            // It may have ended just now.
            let _ = child.start_kill();
            child.wait().await
        }
    }
}

/// Pauses between the lives of a process: each is twice the one before it, up to half a minute.
pub(super) struct Pauses(Duration);

/// The first and the longest pause before a process is started again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// A process that lived as long as this had begun well.
const LIVED: Duration = Duration::from_secs(60);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(PAUSES.0)
    }

    /// The pause after a life of this length.
    pub(super) fn after(&mut self, life: Duration) -> Duration {
        if life > LIVED {
            self.0 = PAUSES.0;
        }
        let next = (self.0 * 2).min(PAUSES.1);
        std::mem::replace(&mut self.0, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/bash\n\
        sekisho-gate-old:x:900:900::/:/usr/sbin/nologin\n\
        sekisho-gate:x:998:997::/:/usr/sbin/nologin\n\
        sekisho-publisher:x:0:996::/:/usr/sbin/nologin\n\
        sekisho-authority:x:many:995::/:/usr/sbin/nologin\nbroken\n";

    #[test]
    fn an_account_is_found_by_its_whole_name_and_root_is_nobodys_own() {
        assert_eq!(user(ACCOUNTS, "sekisho-gate"), Some(User { uid: 998, gid: 997 }));
        for name in ["sekisho-publisher", "sekisho-authority", "sekisho", "broken"] {
            assert_eq!(user(ACCOUNTS, name), None, "{name}");
        }
    }

    #[test]
    fn pauses_grow_and_are_short_again_after_a_long_life() {
        let mut pauses = Pauses::new();
        let short = Duration::from_secs(1);
        assert_eq!(pauses.after(short), PAUSES.0);
        assert_eq!(pauses.after(short), PAUSES.0 * 2);
        for _ in 0..20 {
            pauses.after(short);
        }
        assert_eq!(pauses.after(short), PAUSES.1);
        assert_eq!(pauses.after(LIVED * 2), PAUSES.0);
    }
}
