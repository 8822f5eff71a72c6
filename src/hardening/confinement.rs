//! The roles of the service's processes, and the layers each is confined by.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::file_system::{self, Newer};
use super::{capabilities, limits, locked, system_calls, users};
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// What a process of the service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Starts the others, and holds what they may not: sockets to open, files to read.
    Supervisor,
    /// Has the vault and the ledger, and no network.
    Authority,
    /// Has the network, and no files.
    Gate,
    /// Serves the CRL and the figures.
    Publisher,
}

impl Role {
    /// Its name, which is also the verb that starts it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Authority => "authority",
            Self::Gate => "gate",
            Self::Publisher => "publisher",
        }
    }
}

/// One thing that limits what a captured process can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Layer {
    /// A user that neither is root nor has another role.
    SeparateUids,
    /// `execve` gives no rights: no set-user-id programs.
    NoNewPrivileges,
    /// No capabilities, but for the few that the supervisor needs to start the others.
    NoCapabilities,
    /// System calls that the role does not need fail, and those of an intruder end the process.
    SeccompFilter,
    /// Only the files that the role needs can be opened (Landlock ABI 1, Linux 5.13).
    Landlock,
    /// No core file, and no other process of the same user may read its memory.
    NoMemoryDumps,
    /// Resource limits.
    Limits,
    /// No TCP connection is made and no port is taken (Landlock ABI 4, Linux 6.7). Used when present.
    LandlockNetwork,
    /// No abstract socket and no signal leads out of the role (Landlock ABI 6, Linux 6.12). Used when
    /// present.
    LandlockScope,
    /// Nothing of the process is written to swap. Used when the system allows it.
    LockedMemory,
    /// Keys lie in memory that not even the kernel maps (Linux 5.14). Used when present.
    SecretMemory,
}

impl Layer {
    /// The layers without which a role does not start, unless the configuration names them.
    pub const REQUIRED: [Self; 7] = [
        Self::SeparateUids,
        Self::NoNewPrivileges,
        Self::NoCapabilities,
        Self::SeccompFilter,
        Self::Landlock,
        Self::NoMemoryDumps,
        Self::Limits,
    ];

    /// Its name in the configuration and in `status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SeparateUids => "separate-uids",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::NoCapabilities => "no-capabilities",
            Self::SeccompFilter => "seccomp-filter",
            Self::Landlock => "landlock",
            Self::NoMemoryDumps => "no-memory-dumps",
            Self::Limits => "limits",
            Self::LandlockNetwork => "landlock-network",
            Self::LandlockScope => "landlock-scope",
            Self::LockedMemory => "locked-memory",
            Self::SecretMemory => "secret-memory",
        }
    }

    /// The required layer of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn required(name: &str) -> Result<Self, Refusal> {
        Self::REQUIRED.into_iter().find(|layer| layer.name() == name).ok_or_else(|| {
            let name = Untrusted(name).to_string();
            Refusal::LayerUnknown { name, known: Self::REQUIRED.map(Self::name).join(", ") }
        })
    }
}

/// What whoever starts a role says of its confinement: the same for all roles of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Required layers that are left out.
    pub accept_missing: BTreeSet<Layer>,
    /// The users of the other roles.
    pub other_users: BTreeSet<u32>,
    /// The newest Landlock ABI that is used; `None` for whatever the kernel has.
    pub landlock_abi: Option<u8>,
}

/// How a process is to be confined.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// What it is for.
    pub role: Role,
    /// Files and folders it may read, with everything beneath them.
    pub read: Vec<PathBuf>,
    /// Folders beneath which it may do everything but run programs and make devices.
    pub write: Vec<PathBuf>,
    /// What is the same for all roles.
    pub terms: Terms,
}

/// How one layer stands in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Which.
    pub layer: Layer,
    /// How it stands.
    pub standing: Standing,
}

/// How a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// In force.
    InForce,
    /// Not in force: it was named as one that is left out, or is used only when present.
    Missing(Reason),
}

/// Why a layer is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The kernel does not have it.
    Unsupported,
    /// The system refused.
    System {
        /// The number of the error.
        errno: i32,
    },
    /// The process runs as root.
    Root,
    /// The process runs as the user of another role.
    SharedUser {
        /// The user.
        uid: u32,
    },
    /// The configuration leaves it out.
    LeftOut,
    /// The role does without it: it needs what the layer takes away, or has nothing to protect so.
    NotOfThisRole,
}

/// A required layer that is not in force and was not named as one that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingLayer {
    /// Whose.
    pub role: Role,
    /// Which.
    pub layer: Layer,
    /// Why.
    pub reason: Reason,
}

/// Confines the calling process, for good: none of it can be undone, also not by the process itself.
/// Returns how every layer stands.
///
/// It is called while the process has one thread, since what it does to threads it does to the caller
/// only: before any runtime, and after everything was opened that the role may not open itself.
///
/// # Errors
/// A required layer cannot be put in force. Some of the others may be: the process is to end.
pub fn confine(confinement: &Confinement) -> Result<Vec<LayerReport>, MissingLayer> {
    let Confinement { role, terms, .. } = confinement;
    clock::prepare();
    // The library looks where chance comes from. Where it finds nothing, it says so when it is needed.
    let _ = aws_lc_rs::rand::fill(&mut [0]);
    let mut layers = Layers { confinement, reports: Vec::new() };
    if *role != Role::Supervisor {
        let separate = users::are_separate(&terms.other_users);
        // Where it is left out, why it is missing says more.
        match separate {
            Err(_) if layers.leaves_out(Layer::SeparateUids) => {
                layers.report(Layer::SeparateUids, separate);
            }
            _ => layers.require(Layer::SeparateUids, || separate)?,
        }
    }
    layers.require(Layer::NoMemoryDumps, || Ok(limits::forbid_memory_dumps()?))?;
    layers.require(Layer::Limits, || limits::set(*role))?;
    layers.report(Layer::LockedMemory, limits::lock_memory(*role));
    layers.report(Layer::SecretMemory, locked::probe_secret_memory(*role));
    layers.require(Layer::NoNewPrivileges, capabilities::gain_none)?;
    layers.require(Layer::NoCapabilities, || capabilities::drop_all(*role))?;
    let mut newer = Newer { network: Err(Reason::LeftOut), scope: Err(Reason::LeftOut) };
    layers.require(Layer::Landlock, || {
        newer = file_system::restrict(confinement)?;
        Ok(())
    })?;
    layers.report(Layer::LandlockNetwork, newer.network);
    layers.report(Layer::LandlockScope, newer.scope);
    // The last: those before need system calls that it forbids.
    layers.require(Layer::SeccompFilter, || system_calls::restrict(*role))?;
    Ok(layers.reports)
}

/// The layers so far.
struct Layers<'a> {
    confinement: &'a Confinement,
    reports: Vec<LayerReport>,
}

impl Layers<'_> {
    /// Puts a layer in force, or leaves it out where it was named.
    fn require(
        &mut self,
        layer: Layer,
        put_in_force: impl FnOnce() -> Result<(), Reason>,
    ) -> Result<(), MissingLayer> {
        if self.leaves_out(layer) {
            self.report(layer, Err(Reason::LeftOut));
            return Ok(());
        }
        let role = self.confinement.role;
        put_in_force().map_err(|reason| MissingLayer { role, layer, reason })?;
        self.report(layer, Ok(()));
        Ok(())
    }

    fn leaves_out(&self, layer: Layer) -> bool {
        self.confinement.terms.accept_missing.contains(&layer)
    }

    fn report(&mut self, layer: Layer, done: Result<(), Reason>) {
        let standing = done.map_or_else(Standing::Missing, |()| Standing::InForce);
        self.reports.push(LayerReport { layer, standing });
    }
}

impl From<std::io::Error> for Reason {
    fn from(error: std::io::Error) -> Self {
        Self::of_errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<rustix::io::Errno> for Reason {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::of_errno(errno.raw_os_error())
    }
}

impl Reason {
    /// The reason that a system call's error number stands for.
    pub(super) fn of_errno(errno: i32) -> Self {
        match errno {
            libc::ENOSYS | libc::EOPNOTSUPP => Self::Unsupported,
            errno => Self::System { errno },
        }
    }
}

impl From<MissingLayer> for Refusal {
    fn from(MissingLayer { role, layer, reason }: MissingLayer) -> Self {
        let (role, layer) = (role.name().to_owned(), layer.name().to_owned());
        match reason {
            Reason::Unsupported | Reason::NotOfThisRole | Reason::LeftOut => {
                Self::LayerUnsupported { role, layer }
            }
            Reason::System { errno } => {
                let reason = std::io::Error::from_raw_os_error(errno).to_string();
                Self::LayerRefused { role, layer, reason }
            }
            Reason::Root => Self::RoleRunsAsRoot { role, layer },
            Reason::SharedUser { uid } => {
                Self::RoleSharesUser { role, layer, user: uid.to_string() }
            }
        }
    }
}
