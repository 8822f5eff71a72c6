//! The set of revoked serial numbers of one issuer, packed for lookups at every handshake.

use std::hash::{BuildHasher, RandomState};

use crate::pki::SerialNumber;

/// Octets of the largest serial number (RFC 5280 section 4.1.2.2).
const WIDTH: usize = 20;

/// Serials in a bucket, on average: one cache line or two to look through.
const PER_BUCKET: usize = 4;

/// A set of serial numbers: 20 octets each plus one for its bucket, sorted into buckets by a hash
/// keyed at random. A lookup reads one bucket.
pub struct SerialIndex {
    hasher: RandomState,
    /// Where each bucket begins in `serials`, and the end of the last.
    starts: Vec<u32>,
    serials: Vec<[u8; WIDTH]>,
}

impl SerialIndex {
    /// The set of these serials.
    #[must_use]
    pub fn new(serials: impl Iterator<Item = SerialNumber>) -> Self {
        let hasher = RandomState::new();
        let mut hashed: Vec<(u32, [u8; WIDTH])> = serials.map(|serial| (0, pack(serial))).collect();
        let buckets = (hashed.len() / PER_BUCKET).max(1);
        for (bucket, serial) in &mut hashed {
            *bucket = bucket_of(&hasher, buckets, serial);
        }
        hashed.sort_unstable();
        hashed.dedup();
        let mut starts = Vec::with_capacity(buckets.saturating_add(1));
        for (position, (bucket, _)) in hashed.iter().enumerate() {
            let begun = usize::try_from(*bucket).unwrap_or(usize::MAX).saturating_add(1);
            while starts.len() < begun {
                starts.push(u32::try_from(position).unwrap_or(u32::MAX));
            }
        }
        starts.resize(buckets.saturating_add(1), u32::try_from(hashed.len()).unwrap_or(u32::MAX));
        let serials = hashed.into_iter().map(|(_, serial)| serial).collect();
        Self { hasher, starts, serials }
    }

    /// Whether the serial is in the set.
    #[must_use]
    pub fn contains(&self, serial: SerialNumber) -> bool {
        let packed = pack(serial);
        let buckets = self.starts.len().saturating_sub(1);
        let bucket = bucket_of(&self.hasher, buckets, &packed);
        let bucket = usize::try_from(bucket).unwrap_or(usize::MAX);
        let Some(&[start, end]) = self.starts.get(bucket..bucket.saturating_add(2)) else {
            return false;
        };
        let (start, end) = (usize::try_from(start), usize::try_from(end));
        let (Ok(start), Ok(end)) = (start, end) else { return false };
        self.serials.get(start..end).is_some_and(|bucket| bucket.contains(&packed))
    }

    /// How many serials the set holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Whether the set holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.serials.is_empty()
    }
}

/// Right-aligns the content octets. They are minimal and never negative, so that numbers that
/// differ stay different.
fn pack(serial: SerialNumber) -> [u8; WIDTH] {
    let octets = serial.as_bytes();
    let mut packed = [0_u8; WIDTH];
    let start = WIDTH.saturating_sub(octets.len());
    packed.iter_mut().skip(start).zip(octets).for_each(|(place, octet)| *place = *octet);
    packed
}

/// Maps the hash's range evenly onto the buckets.
fn bucket_of(hasher: &RandomState, buckets: usize, serial: &[u8; WIDTH]) -> u32 {
    let scaled = u128::from(hasher.hash_one(serial)) * u128::try_from(buckets).unwrap_or(0);
    u32::try_from(scaled >> 64).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn serial(number: u64) -> SerialNumber {
        SerialNumber::new(number, [7; 12])
    }

    proptest! {
        #[test]
        fn the_index_answers_as_a_set_does(
            set in proptest::collection::btree_set(0..400_u64, 0..300),
            others in proptest::collection::vec(0..400_u64, 0..50),
        ) {
            let index = SerialIndex::new(set.iter().map(|number| serial(*number)));
            prop_assert_eq!(index.len(), set.len());
            for number in set.iter().chain(&others) {
                prop_assert_eq!(index.contains(serial(*number)), set.contains(number));
            }
        }
    }

    #[test]
    fn an_empty_index_holds_nothing() {
        let index = SerialIndex::new(std::iter::empty());
        assert!(index.is_empty());
        assert!(!index.contains(serial(1)));
    }

    #[test]
    fn serials_of_all_lengths_are_kept_apart() {
        let short = SerialNumber::from_der_integer(&[1]).unwrap();
        let long = SerialNumber::from_der_integer(&[1, 0]).unwrap();
        let index = SerialIndex::new([short].into_iter());
        assert!(index.contains(short) && !index.contains(long));
    }

    #[test]
    fn a_serial_costs_at_most_24_octets() {
        let index = SerialIndex::new((0..100_000).map(serial));
        let octets = index.starts.capacity() * 4 + index.serials.capacity() * WIDTH;
        assert!(octets <= 24 * index.len(), "{octets}");
    }
}
