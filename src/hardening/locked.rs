//! A key in memory that is not written to swap.

use std::ffi::c_void;
use std::fmt;

use zeroize::Zeroize;

/// Octets of every symmetric key we hold.
const OCTETS: usize = 32;

/// A 256-bit key at one fixed place in memory, locked against swapping where the system allows it,
/// wiped when dropped. No `Clone`; `Debug` shows nothing.
pub struct LockedKey(Box<[u8; OCTETS]>);

impl LockedKey {
    /// A new key from the operating system's random number generator.
    ///
    /// # Errors
    /// The generator failed; there is no key then.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut key = Self::empty();
        aws_lc_rs::rand::fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// A key copied from elsewhere; `None` unless it is exactly 32 octets. The caller wipes the original.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != OCTETS {
            return None;
        }
        let mut key = Self::empty();
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The key. Named so that every place that looks at a secret can be found.
    #[must_use]
    pub fn expose(&self) -> &[u8; OCTETS] {
        &self.0
    }

    #[allow(unsafe_code, reason = "mlock takes an address; there is no safe form of it")]
    fn empty() -> Self {
        let mut place = Box::new([0_u8; OCTETS]);
        let address = place.as_mut_ptr().cast::<c_void>();
        // SAFETY: the address and length are those of the box, which lives until `drop` unlocks it.
        // Locking changes nothing but the page's residency. Refusal (RLIMIT_MEMLOCK) is accepted.
        let _ = unsafe { rustix::mm::mlock(address, OCTETS) };
        Self(place)
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // The page stays locked: munlock works on whole pages and would unlock its neighbours' keys.
        self.0.zeroize();
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_256_bits_are_taken() {
        assert!(LockedKey::copy_of(&[1; 31]).is_none());
        assert_eq!(LockedKey::copy_of(&[1; 32]).unwrap().expose(), &[1; 32]);
        assert_ne!(LockedKey::generate().unwrap().expose(), &[0; 32]);
    }
}
