//! Chance that can be repeated.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use sekisho::ground::clock;

/// xorshift64*: good enough to choose moments.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound.max(1)
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let place = self.below(u64::try_from(all.len()).unwrap());
        all.get(usize::try_from(place).unwrap()).copied()
    }
}

/// `SEKISHO_TORTURE_SEED`, or another one every time.
pub(crate) fn seed() -> u64 {
    variable("SEKISHO_TORTURE_SEED")
        .unwrap_or_else(|| clock::now().unix_unsigned() ^ (u64::from(std::process::id()) << 32))
}

/// A number that the tester says.
#[allow(clippy::disallowed_methods, reason = "how often and with which seed is the tester's word")]
pub(crate) fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
