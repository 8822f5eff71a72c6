//! Memory dumps, resource limits, and descriptors that are inherited.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::FileType;
use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use super::{Reason, Role};

/// Threads of one user. The limit is per user, so that it counts every gate.
const THREADS: u64 = 16_384;

/// Descriptors of a role that serves nobody from the network.
const DESCRIPTORS: u64 = 4_096;

/// The first descriptor that is none of the three every process has.
const FIRST: libc::c_uint = 3;

/// Switches off core dumps and forbids other processes of the same user to read our memory.
///
/// # Errors
/// The system refused; the caller decides whether to go on.
pub fn forbid_memory_dumps() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::setrlimit(Resource::Core, at_most(0))?;
    Ok(())
}

/// Takes as many file descriptors as the system allows this process: each connection holds up to
/// two.
///
/// # Errors
/// The system refused; the number stays as it was.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let highest = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, highest)?;
    Ok(())
}

/// Keeps every descriptor but the standard three from the programs that this process starts: what
/// somebody left open before us is nothing for a role.
///
/// # Errors
/// The system refused.
#[allow(unsafe_code, reason = "close_range has no safe form that both C libraries know")]
pub fn keep_descriptors() -> io::Result<()> {
    let last = libc::c_uint::MAX;
    // SAFETY: the call takes three numbers. With CLOSE_RANGE_CLOEXEC it closes nothing: every
    // descriptor that somebody owns stays what it was.
    let done =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST, last, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets what a role may use at most.
pub(super) fn set(role: Role) -> Result<(), Reason> {
    match role {
        Role::Supervisor => return Ok(()),
        Role::Authority => lower(Resource::Nofile, DESCRIPTORS)?,
        // A log that is a file would be cut off, too, and its writer with it.
        Role::Gate if !is_file(&io::stderr()) => lower(Resource::Fsize, 0)?,
        Role::Gate | Role::Publisher => {}
    }
    lower(Resource::Nproc, THREADS)
}

/// Keeps the authority's memory out of the swap, where no limit is set on that: else what it takes
/// later, such as for a key derivation, would be refused.
pub(super) fn lock_memory(role: Role) -> Result<(), Reason> {
    if role != Role::Authority {
        return Err(Reason::NotOfThisRole);
    }
    if rustix::process::getrlimit(Resource::Memlock).current.is_some() {
        return Err(Reason::System { errno: libc::EPERM });
    }
    let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    rustix::mm::mlockall(all)?;
    Ok(())
}

fn lower(resource: Resource, limit: u64) -> Result<(), Reason> {
    let now = rustix::process::getrlimit(resource);
    let limit = now.maximum.map_or(limit, |maximum| maximum.min(limit));
    rustix::process::setrlimit(resource, at_most(limit))?;
    Ok(())
}

fn at_most(limit: u64) -> Rlimit {
    Rlimit { current: Some(limit), maximum: Some(limit) }
}

fn is_file(output: &impl AsFd) -> bool {
    rustix::fs::fstat(output)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}
