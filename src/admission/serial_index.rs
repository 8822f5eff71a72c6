//! The set of revoked serial numbers of one issuer, packed for lookups at every handshake.

use std::hash::{BuildHasher, RandomState};

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
    /// The set of these serials, given as the content octets of their DER INTEGER. One longer than
    /// 20 octets cannot be a certificate's and is left out.
    #[must_use]
    pub fn new<'a>(serials: impl Iterator<Item = &'a [u8]>) -> Self {
        let hasher = RandomState::new();
        let mut hashed: Vec<(u32, [u8; WIDTH])> =
            serials.filter_map(pack).map(|serial| (0, serial)).collect();
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
    pub fn contains(&self, serial: &[u8]) -> bool {
        let Some(packed) = pack(serial) else { return false };
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

/// Right-aligns a serial. The sign octet of DER makes no difference to the number and is cut.
fn pack(serial: &[u8]) -> Option<[u8; WIDTH]> {
    let magnitude = serial.strip_prefix(&[0]).unwrap_or(serial);
    let mut packed = [0_u8; WIDTH];
    let start = WIDTH.checked_sub(magnitude.len())?;
    packed.get_mut(start..)?.copy_from_slice(magnitude);
    Some(packed)
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
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_index_answers_as_a_set_does(
            serials in proptest::collection::btree_set(proptest::collection::vec(1_u8..=255, 1..=20), 0..300),
            others in proptest::collection::vec(proptest::collection::vec(1_u8..=255, 1..=20), 0..50),
        ) {
            let set: BTreeSet<Vec<u8>> = serials;
            let index = SerialIndex::new(set.iter().map(Vec::as_slice));
            prop_assert_eq!(index.len(), set.len());
            for serial in &set {
                prop_assert!(index.contains(serial));
            }
            for other in &others {
                prop_assert_eq!(index.contains(other), set.contains(other));
            }
        }
    }

    #[test]
    fn the_sign_octet_makes_no_difference() {
        let index = SerialIndex::new([&[0x00, 0x80, 0x01][..]].into_iter());
        assert!(index.contains(&[0x80, 0x01]));
        assert!(index.contains(&[0x00, 0x80, 0x01]));
        assert!(!index.contains(&[0x01]));
        assert!(!index.contains(&[7; 21]));
    }

    #[test]
    fn a_serial_costs_at_most_24_octets() {
        let serials: Vec<[u8; 16]> = (0..100_000_u128).map(u128::to_be_bytes).collect();
        let index = SerialIndex::new(serials.iter().map(|s| &s[..]));
        assert!(index.starts.capacity() * 4 + index.serials.capacity() * WIDTH <= 24 * index.len());
    }
}
