//! What makes the process a harder target. The only room with `unsafe`.

mod locked;
mod passed;

pub use locked::LockedKey;
pub use passed::take_passed_descriptors;

/// Switches off core dumps and forbids other processes of the same user to read our memory.
///
/// # Errors
/// The system refused; the caller decides whether to go on.
pub fn forbid_memory_dumps() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)?;
    Ok(())
}

/// Takes as many file descriptors as the system allows this process: each connection holds up to
/// two.
///
/// # Errors
/// The system refused; the number stays as it was.
pub fn raise_descriptor_limit() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit};
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let highest = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, highest)?;
    Ok(())
}
