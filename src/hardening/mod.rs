//! What makes the process a harder target. The only room with `unsafe`.

mod locked;

pub use locked::LockedKey;

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
