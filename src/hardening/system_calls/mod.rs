//! seccomp: which system calls a role may make.
//!
//! Three filters lie one over the other, and the kernel takes the strictest answer (seccomp(2)): what
//! is not in the table fails with EPERM; what only an intruder would call ends the process, so that
//! the supervisor sees it and says so; `clone3`, whose arguments no filter can read, does not exist,
//! so that the C library takes `clone`.

mod table;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::{Reason, Role};
use table::{ALARMS, Arguments, CALLS, Column};

#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: TargetArch = TargetArch::aarch64;

/// Whether a process was ended because it called what only an intruder would.
#[must_use]
pub fn was_killed_by_filter(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGSYS)
}

/// Restricts the calling thread, and all it starts, to the system calls of its role.
pub(super) fn restrict(role: Role) -> Result<(), Reason> {
    let programs = programs(role).map_err(|_| Reason::System { errno: libc::EINVAL })?;
    for program in &programs {
        apply_filter(program).map_err(|error| match error {
            seccompiler::Error::Seccomp(error) | seccompiler::Error::Prctl(error) => {
                Reason::from(error)
            }
            _ => Reason::System { errno: libc::EINVAL },
        })?;
    }
    Ok(())
}

/// The filters, in the order in which they are put in force: the last is the one that forbids to put
/// another in force.
fn programs(role: Role) -> Result<[BpfProgram; 3], BackendError> {
    let (enosys, eperm) = (errno(libc::ENOSYS), errno(libc::EPERM));
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let alarms = alarms(role).map(|call| (call, Vec::new())).collect();
    let mut calls = BTreeMap::new();
    for (call, arguments) in calls_of(role) {
        calls.insert(call, rules(role, arguments)?);
    }
    Ok([
        SeccompFilter::new(clone3, allow.clone(), enosys, ARCHITECTURE)?.try_into()?,
        SeccompFilter::new(alarms, allow.clone(), kill, ARCHITECTURE)?.try_into()?,
        SeccompFilter::new(calls, eperm, allow, ARCHITECTURE)?.try_into()?,
    ])
}

fn errno(number: libc::c_int) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

/// The calls of a role, with what their arguments must be. The supervisor's hold also for those it
/// starts, until they restrict themselves: it may make the calls of every role.
fn calls_of(role: Role) -> impl Iterator<Item = (libc::c_long, Arguments)> {
    CALLS
        .iter()
        .filter(move |(_, roles, _)| role == Role::Supervisor || roles.has(role))
        .map(|(call, _, arguments)| (*call, *arguments))
}

pub(super) fn alarms(role: Role) -> impl Iterator<Item = libc::c_long> {
    ALARMS.iter().filter(move |(_, roles)| roles.has(role)).map(|(call, _)| *call)
}

/// The alternatives of which the arguments must meet one; none where any will do.
fn rules(role: Role, arguments: Arguments) -> Result<Vec<SeccompRule>, BackendError> {
    let supervisor = role == Role::Supervisor;
    let equal = |place, values: &[u64]| -> Result<Vec<SeccompRule>, BackendError> {
        values
            .iter()
            .map(|value| SeccompRule::new(vec![condition(place, SeccompCmpOp::Eq, *value)?]))
            .collect()
    };
    let masked = |place, mask, value| -> Result<Vec<SeccompRule>, BackendError> {
        let condition = condition(place, SeccompCmpOp::MaskedEq(mask), value)?;
        Ok(vec![SeccompRule::new(vec![condition])?])
    };
    match arguments {
        Arguments::Any => Ok(Vec::new()),
        // What it starts are programs, and its C library may look names up in libraries.
        Arguments::Threads
        | Arguments::NoCode
        | Arguments::ThreadNames
        | Arguments::UnixStreams
        | Arguments::Options(_)
            if supervisor =>
        {
            Ok(Vec::new())
        }
        Arguments::Threads => {
            let thread = unsigned(libc::CLONE_THREAD);
            masked(0, thread, thread)
        }
        Arguments::NoCode => masked(2, unsigned(libc::PROT_EXEC), 0),
        Arguments::ThreadNames => {
            equal(0, &[unsigned(libc::PR_SET_NAME), unsigned(libc::PR_GET_NAME)])
        }
        Arguments::UnixStreams => Ok(vec![SeccompRule::new(vec![
            condition(0, SeccompCmpOp::Eq, unsigned(libc::AF_UNIX))?,
            // Above it are flags (socket(2)).
            condition(1, SeccompCmpOp::MaskedEq(0xf), unsigned(libc::SOCK_STREAM))?,
        ])?]),
        Arguments::OwnLimits => equal(0, &[0]),
        Arguments::NoFastOpen(place) => masked(place, unsigned(libc::MSG_FASTOPEN), 0),
        Arguments::Requests(values) => equal(1, values),
        Arguments::Options(options) => options
            .iter()
            .map(|(level, name)| {
                let (level, name) = (
                    condition(1, SeccompCmpOp::Eq, *level)?,
                    condition(2, SeccompCmpOp::Eq, *name)?,
                );
                SeccompRule::new(vec![level, name])
            })
            .collect(),
        Arguments::OwnProcess => equal(0, &[u64::from(std::process::id())]),
    }
}

fn condition(
    place: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(place, SeccompCmpArgLen::Dword, operator, value)
}

/// A flag as the kernel sees it.
fn unsigned(flag: libc::c_int) -> u64 {
    u64::from(flag.unsigned_abs())
}
