//! The roles that have a process each: their users, how they are started, and started again. Each is
//! this program again, with nothing of ours but a socket for messages, one for descriptors, and the log.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::config::LogFormat;
use crate::door::feed::Confined;
use crate::ground::access::Reader;
use crate::ground::files;
use crate::hardening::{Layer, LayerReport, Role, Terms};

/// The roles that have a process each.
const STARTED: [Role; 3] = [Role::Authority, Role::Gate, Role::Publisher];

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
    /// Those that we can start a process as: only root can be others.
    pub(super) fn find() -> Self {
        if rustix::process::geteuid().is_root() { Self::of_accounts() } else { Self::Ours }
    }

    /// Those of the accounts that the package makes on a machine.
    pub(super) fn of_accounts() -> Self {
        let accounts = list("/etc/passwd");
        let find = |role: Role| user(&accounts, &format!("sekisho-{}", role.name()));
        match (find(Role::Authority), find(Role::Gate), find(Role::Publisher)) {
            (Some(authority), Some(gate), Some(publisher)) => {
                Self::Separate { authority, gate, publisher }
            }
            _ => Self::Ours,
        }
    }

    /// The users that have a role; none when they run as ours.
    pub(super) fn all(self) -> Vec<u32> {
        if self == Self::Ours {
            return Vec::new();
        }
        let own = rustix::process::geteuid().as_raw();
        let started = STARTED.into_iter().filter_map(|role| self.of(role));
        started.map(|user| user.uid).chain([own]).collect()
    }

    /// The user of a role; none when it runs as ours, or is ours.
    pub(super) fn of(self, role: Role) -> Option<User> {
        match (self, role) {
            (Self::Ours, _) | (_, Role::Supervisor) => None,
            (Self::Separate { authority, .. }, Role::Authority) => Some(authority),
            (Self::Separate { gate, .. }, Role::Gate) => Some(gate),
            (Self::Separate { publisher, .. }, Role::Publisher) => Some(publisher),
        }
    }
}

/// As whom the package's unit runs the supervisor, and so reads its files; none where there is no such
/// account, or we are not root, who alone reads the files of others.
pub(super) fn packaged_supervisor() -> Option<Reader> {
    const NAME: &str = "sekisho";
    let user = user(&list("/etc/passwd"), NAME)?;
    let is_root = rustix::process::geteuid().is_root();
    is_root.then(|| Reader::new(NAME, user.uid, user.gid, &list("/etc/group")))
}

/// A list of accounts or groups; empty where it cannot be read.
fn list(path: &str) -> String {
    let list = files::read(path.as_ref(), ACCOUNTS_LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&list).into_owned()
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
    /// The folder of the sockets at which somebody else starts them, such as `gate.sock`; none when we
    /// start them.
    pub(super) roles_from: Option<PathBuf>,
    /// What of our environment those get that we start.
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Stage {
    /// What is said of the confinement of a role.
    pub(super) fn terms(&self, role: Role) -> Terms {
        let others = STARTED.into_iter().filter(|other| *other != role);
        let others = others.filter_map(|role| self.users.of(role));
        let ours = rustix::process::geteuid().as_raw();
        Terms {
            accept_missing: self.accept_missing.clone(),
            other_users: others.map(|user| user.uid).chain([ours]).collect(),
            landlock_abi: self.landlock_abi,
        }
    }

    /// Starts the process of a role as a child of ours. Its group is its own, so that Ctrl-C at the
    /// terminal reaches it through us only.
    pub(super) fn spawn(&self, role: Role) -> io::Result<(UnixStream, Child)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        // There may be no /dev/null. Nobody reads this.
        let (_, nowhere) = io::pipe()?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(role.name())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(nowhere))
            .env_clear()
            .envs(self.environment.iter().cloned())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(User { uid, gid }) = self.users.of(role) {
            // The groups of ours go with it.
            command.uid(uid).gid(gid);
        }
        let child = command.spawn()?;
        Ok((UnixStream::from_std(ours)?, child))
    }
}

/// Takes down how a process is confined, in the place of the one before it.
pub(super) fn confined(
    known: &watch::Sender<Vec<Confined>>,
    role: Role,
    gate: Option<String>,
    layers: Vec<LayerReport>,
) {
    known.send_modify(|known| {
        known.retain(|one| (one.role, &one.gate) != (role, &gate));
        known.push(Confined { role, gate, layers });
    });
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
