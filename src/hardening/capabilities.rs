//! Giving up every capability, and gaining none by `execve`.

use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{Reason, Role};

/// What the supervisor needs: to start the others as their users and to end them, to read the files
/// that they are given, and to take ports below 1024 for them.
const OF_THE_SUPERVISOR: CapabilitySet = CapabilitySet::SETUID
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// `PR_SET_NO_NEW_PRIVS`: no program that is run has more rights than who runs it.
pub(super) fn gain_none() -> Result<(), Reason> {
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// Empties the five sets of capabilities(7), but for what the role needs of what it has.
pub(super) fn drop_all(role: Role) -> Result<(), Reason> {
    let needed = match role {
        Role::Supervisor => OF_THE_SUPERVISOR,
        Role::Authority | Role::Gate | Role::Publisher => CapabilitySet::empty(),
    };
    rustix::thread::clear_ambient_capability_set()?;
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        // It ends at the first that the kernel does not have, or at once for whoever is not root. For
        // those the set means nothing: it limits what `execve` gives, and that is nothing already.
        if rustix::thread::remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
    let now = rustix::thread::capabilities(None)?;
    let kept = now.permitted & needed;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    // Where there are none to give up the unit does not even let it be called.
    if now != sets {
        rustix::thread::set_capabilities(None, sets)?;
    }
    Ok(())
}
