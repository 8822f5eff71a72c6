//! Whether a role has a user of its own.

use std::collections::BTreeSet;

use super::Reason;

/// Whether this process runs as a user that neither is root nor has another role.
pub(super) fn are_separate(others: &BTreeSet<u32>) -> Result<(), Reason> {
    let (real, effective) = (rustix::process::getuid(), rustix::process::geteuid());
    if real.is_root() || effective.is_root() {
        return Err(Reason::Root);
    }
    let shared = [real, effective].map(|user| user.as_raw()).into_iter();
    match shared.into_iter().find(|user| others.contains(user)) {
        Some(uid) => Err(Reason::SharedUser { uid }),
        None => Ok(()),
    }
}
