//! Descriptors that whoever started the process left open for it.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD};
use rustix::io::FdFlags;

/// The first of them: the standard ones go before.
const FIRST: RawFd = 3;

/// Takes over the descriptors 3, 4, ... of this number; whatever this process starts does not get
/// them. To be called before anything else is opened. Once in the life of the process: the second
/// time there are none.
///
/// # Errors
/// One of them is not open, and none is taken.
pub fn take_passed_descriptors(count: u8) -> std::io::Result<Vec<OwnedFd>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let numbers = FIRST..FIRST + RawFd::from(count);
    for number in numbers.clone() {
        rustix::fs::statat(CWD, format!("/proc/self/fd/{number}"), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    let descriptors: Vec<OwnedFd> = numbers.map(own).collect();
    for descriptor in &descriptors {
        rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
    }
    Ok(descriptors)
}

#[allow(unsafe_code, reason = "a number becomes a descriptor; there is no safe form of it")]
fn own(number: RawFd) -> OwnedFd {
    // SAFETY: it is open, and nobody of ours owns it: it was open when the process began, and this
    // function is reached once for each number.
    unsafe { OwnedFd::from_raw_fd(number) }
}
