//! What makes a process a harder target, and what is left to whoever captures it. The only room with
//! `unsafe`.
//!
//! | file | holds |
//! |---|---|
//! | `confinement` | the roles, the layers, and [`confine`], which puts them in force |
//! | `users` | whether a role has a user of its own |
//! | `capabilities` | giving up every capability, and gaining none by `execve` |
//! | `limits` | memory dumps, resource limits, inherited descriptors |
//! | `file_system` | Landlock: which files a role reaches |
//! | `system_calls` | seccomp: which system calls a role may make, in one table |
//! | `locked` | a key that is not written to swap |
//! | `passed` | descriptors that came from whoever started the process |

mod capabilities;
mod confinement;
mod file_system;
mod limits;
mod locked;
mod passed;
mod system_calls;
mod users;

pub use confinement::{
    Confinement, Layer, LayerReport, MissingLayer, Reason, Role, Standing, Terms, confine,
};
pub use file_system::kernel_landlock_abi;
pub use limits::{forbid_memory_dumps, keep_descriptors, raise_descriptor_limit};
pub use locked::LockedKey;
pub use passed::take_passed_descriptors;
pub use system_calls::was_killed_by_filter;

#[cfg(test)]
mod tests;
