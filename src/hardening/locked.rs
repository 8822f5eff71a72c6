//! A key in memory that is not written to swap, and where the kernel has it, is in no other map of
//! memory than this process's.

use std::ffi::c_void;
use std::fmt;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, ProtFlags};
use zeroize::Zeroize;

use super::{Reason, Role};

/// Octets of every symmetric key we hold.
const OCTETS: usize = 32;

/// A 256-bit key at one fixed place in memory of its own, in a `memfd_secret` (Linux 5.14) or else
/// locked against swapping where the system allows it; wiped when dropped. No `Clone`; `Debug` shows
/// nothing.
pub struct LockedKey {
    /// The start of a mapping of [`OCTETS`], which nobody else knows.
    place: NonNull<[u8; OCTETS]>,
}

// SAFETY: the mapping belongs to this value alone, as the content of a box would.
#[allow(unsafe_code, reason = "a pointer of one owner")]
unsafe impl Send for LockedKey {}

// SAFETY: through a shared reference it is only read.
#[allow(unsafe_code, reason = "a pointer of one owner")]
unsafe impl Sync for LockedKey {}

impl LockedKey {
    /// A new key from the operating system's random number generator.
    ///
    /// # Errors
    /// The generator failed, or there is no memory; there is no key then.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut key = Self::empty().ok_or(aws_lc_rs::error::Unspecified)?;
        aws_lc_rs::rand::fill(key.content())?;
        Ok(key)
    }

    /// A key copied from elsewhere; `None` unless it is exactly 32 octets, and where there is no
    /// memory. The caller wipes the original.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; OCTETS] = bytes.try_into().ok()?;
        let mut key = Self::empty()?;
        key.content().copy_from_slice(bytes);
        Some(key)
    }

    /// The key. Named so that every place that looks at a secret can be found.
    #[must_use]
    #[allow(unsafe_code, reason = "the mapping is ours")]
    pub fn expose(&self) -> &[u8; OCTETS] {
        // SAFETY: the mapping is of this size, zeroed by the kernel, aligned to a page, and lives as
        // long as `self`; nobody writes while it is borrowed.
        unsafe { self.place.as_ref() }
    }

    #[allow(unsafe_code, reason = "the mapping is ours")]
    fn content(&mut self) -> &mut [u8; OCTETS] {
        // SAFETY: as in `expose`; the borrow of `self` is the only one.
        unsafe { self.place.as_mut() }
    }

    fn empty() -> Option<Self> {
        // What may be locked is bounded: where there is no more secret memory, ordinary memory will do.
        let secret = secret_memory().ok().and_then(|file| map_file(&file).ok());
        let mapping = secret.or_else(|| map_locked().ok())?;
        let place = NonNull::new(mapping.cast())?;
        Some(Self { place })
    }
}

impl Drop for LockedKey {
    #[allow(unsafe_code, reason = "the mapping is ours")]
    fn drop(&mut self) {
        self.content().zeroize();
        // SAFETY: the mapping was made with this length, and nobody has a reference into it any more.
        let _ = unsafe { rustix::mm::munmap(self.place.as_ptr().cast(), OCTETS) };
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(redacted)")
    }
}

/// Whether keys will lie in secret memory. Only the authority has any.
pub(super) fn probe_secret_memory(role: Role) -> Result<(), Reason> {
    if role != Role::Authority {
        return Err(Reason::NotOfThisRole);
    }
    let file = secret_memory()?;
    let mapping = map_file(&file)?;
    unmap(mapping);
    Ok(())
}

/// A file in memory that the kernel takes out of its own map.
#[allow(unsafe_code, reason = "no library has memfd_secret in a safe form")]
fn secret_memory() -> std::io::Result<OwnedFd> {
    // SAFETY: the call takes one number, flags.
    let number = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let number = i32::try_from(number).unwrap_or(-1);
    if number < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the kernel made the descriptor just now, and nobody else knows of it.
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::fs::ftruncate(&file, OCTETS as u64)?;
    Ok(file)
}

#[allow(unsafe_code, reason = "mmap has no safe form")]
fn map_file(file: &impl AsFd) -> rustix::io::Result<*mut c_void> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: no address is asked for, so that nothing mapped is replaced, and the file has this size.
    unsafe { rustix::mm::mmap(ptr::null_mut(), OCTETS, access, MapFlags::SHARED, file, 0) }
}

#[allow(unsafe_code, reason = "mmap has no safe form")]
fn map_locked() -> rustix::io::Result<*mut c_void> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: no address is asked for, so that nothing mapped is replaced.
    let place =
        unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), OCTETS, access, MapFlags::PRIVATE)? };
    // SAFETY: the mapping was made just now with this length. Locking changes nothing but the page's
    // residency. Refusal (RLIMIT_MEMLOCK) is accepted.
    let _ = unsafe { rustix::mm::mlock(place, OCTETS) };
    Ok(place)
}

#[allow(unsafe_code, reason = "munmap has no safe form")]
fn unmap(place: *mut c_void) {
    // SAFETY: the caller made the mapping with this length and has no reference into it.
    let _ = unsafe { rustix::mm::munmap(place, OCTETS) };
}

#[cfg(test)]
mod tests {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    use super::*;
    use crate::hardening::system_calls::ARCHITECTURE;

    #[test]
    fn only_keys_of_256_bits_are_taken() {
        assert!(LockedKey::copy_of(&[1; 31]).is_none());
        assert_eq!(LockedKey::copy_of(&[1; 32]).unwrap().expose(), &[1; 32]);
        assert_ne!(LockedKey::generate().unwrap().expose(), &[0; 32]);
    }

    /// What the kernel says of the memory that a key lies in: its name and its flags (proc(5), smaps).
    fn memory_of(key: &LockedKey) -> (String, String) {
        let place = key.expose().as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/thread-self/smaps").unwrap();
        let mut lines = maps.lines();
        let head = lines.find(|line| {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let Some((start, end)) = range else { return false };
            let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16));
            matches!((start, end), (Ok(start), Ok(end)) if (start..end).contains(&place))
        });
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags: ")).unwrap();
        (head.unwrap().to_owned(), flags.to_owned())
    }

    // Catches a second way that is none: a key that is refused, or lies where it is swapped, on the
    // kernels before 5.14 and those that have it switched off; and a report that says otherwise.
    #[test]
    fn without_secret_memory_a_key_is_locked_and_the_report_says_so() {
        let with = LockedKey::generate().unwrap();
        let is_there = probe_secret_memory(Role::Authority);
        assert_eq!(memory_of(&with).0.contains("secretmem"), is_there.is_ok(), "{is_there:?}");
        // What a filter takes away is taken from this thread only.
        let without = std::thread::spawn(|| {
            let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
            let call = [(libc::SYS_memfd_secret, Vec::new())].into();
            let filter = SeccompFilter::new(call, SeccompAction::Allow, missing, ARCHITECTURE);
            let program: BpfProgram = filter.unwrap().try_into().unwrap();
            seccompiler::apply_filter(&program).unwrap();
            assert_eq!(probe_secret_memory(Role::Authority), Err(Reason::Unsupported));
            let key = LockedKey::copy_of(&[7; OCTETS]).unwrap();
            assert_eq!(key.expose(), &[7; OCTETS]);
            let (memory, flags) = memory_of(&key);
            assert!(!memory.contains("secretmem"), "{memory}");
            assert!(flags.split(' ').any(|flag| flag == "lo"), "not locked: {memory} {flags}");
        });
        without.join().unwrap();
    }
}
