//! How much a stranger may ask of us before showing who they are.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The limits of a gate. `Default` gives the numbers named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From the first octet to the end of the handshake: 10 s.
    pub handshake: Duration,
    /// How long a refused visitor is read from, so that the alert is seen: 2 s.
    pub linger: Duration,
    /// Handshakes under way for one address (IPv6: one /64): 32.
    pub pending_per_address: u32,
    /// Handshakes under way in all: 1,024.
    pub pending: u32,
    /// Handshakes one address may begin in a second, in the long run: 100.
    pub handshakes_per_second: u32,
    /// Handshakes one address may begin at once after a rest: 400.
    pub handshake_burst: u32,
    /// Open connections in all: 8,192.
    pub connections: usize,
    /// Open connections of one certificate: 256.
    pub connections_per_certificate: usize,
    /// Octets of a request's headers: 64 KiB.
    pub header_octets: usize,
    /// From the end of one request to the last header of the next: 120 s.
    pub header_wait: Duration,
    /// How long the upstream may keep silent before the head of its answer, counted from the last
    /// octet of the request that moved: 120 s. The body of an answer may take as long as it likes.
    pub answer_wait: Duration,
    /// Requests under way in one HTTP/2 connection: 128.
    pub streams: u32,
    /// How long requests under way may go on after the order to stop: 30 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            linger: Duration::from_secs(2),
            pending_per_address: 32,
            pending: 1024,
            handshakes_per_second: 100,
            handshake_burst: 400,
            connections: 8192,
            connections_per_certificate: 256,
            header_octets: 64 * 1024,
            header_wait: Duration::from_secs(120),
            answer_wait: Duration::from_secs(120),
            streams: 128,
            drain: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Another number of handshakes that one address may begin in a second in the long run; four
    /// times as many at once after a rest.
    #[must_use]
    pub fn with_handshakes_per_second(mut self, rate: u32) -> Self {
        self.handshakes_per_second = rate;
        self.handshake_burst = rate.saturating_mul(4);
        self
    }
}

/// Addresses remembered at once; those at rest are forgotten first.
const MOST_ADDRESSES: usize = 65_536;

/// Counts the handshakes under way, by address and in all.
pub(super) struct Doorkeeper {
    limits: Limits,
    crowd: Mutex<Crowd>,
}

#[derive(Default)]
struct Crowd {
    pending: u32,
    addresses: HashMap<IpAddr, Address>,
}

struct Address {
    pending: u32,
    bucket: TokenBucket,
}

/// Why a connection is dropped unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowded {
    /// Too many handshakes are under way.
    Everywhere,
    /// This address has too many under way.
    Address,
    /// This address begins too many in too short a time.
    Rate,
}

/// A place among the handshakes under way; given back when dropped.
pub(super) struct Pending {
    doorkeeper: Arc<Doorkeeper>,
    address: IpAddr,
}

impl Doorkeeper {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, crowd: Mutex::new(Crowd::default()) })
    }

    /// A place for a handshake from an address, if there is one.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Result<Pending, Crowded> {
        let address = network_of(peer);
        let limits = &self.limits;
        let mut crowd = self.crowd();
        if crowd.pending >= limits.pending {
            return Err(Crowded::Everywhere);
        }
        if crowd.addresses.len() >= MOST_ADDRESSES {
            crowd.forget_those_at_rest(now);
            if crowd.addresses.len() >= MOST_ADDRESSES && !crowd.addresses.contains_key(&address) {
                return Err(Crowded::Everywhere);
            }
        }
        let entry = crowd.addresses.entry(address).or_insert_with(|| Address {
            pending: 0,
            bucket: TokenBucket::full(limits.handshakes_per_second, limits.handshake_burst, now),
        });
        if entry.pending >= limits.pending_per_address {
            return Err(Crowded::Address);
        }
        if !entry.bucket.take(now) {
            return Err(Crowded::Rate);
        }
        entry.pending += 1;
        crowd.pending += 1;
        Ok(Pending { doorkeeper: Arc::clone(self), address })
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crowd {
    fn forget_those_at_rest(&mut self, now: Instant) {
        self.addresses.retain(|_, address| address.pending > 0 || !address.bucket.is_full(now));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut crowd = self.doorkeeper.crowd();
        crowd.pending = crowd.pending.saturating_sub(1);
        if let Some(address) = crowd.addresses.get_mut(&self.address) {
            address.pending = address.pending.saturating_sub(1);
        }
    }
}

/// So many in a second in the long run, and a burst after a rest.
pub(super) struct TokenBucket {
    per_second: f64,
    capacity: f64,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    pub(super) fn full(per_second: u32, capacity: u32, now: Instant) -> Self {
        let capacity = f64::from(capacity);
        Self { per_second: f64::from(per_second), capacity, tokens: capacity, filled: now }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= self.capacity
    }

    fn fill(&mut self, now: Instant) {
        let rest = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + rest * self.per_second).min(self.capacity);
        self.filled = now;
    }
}

/// What one visitor can hardly have more than one of: an IPv4 address, or an IPv6 /64.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::clock::monotonic;

    const VISITOR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 7));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 8));

    // Catches a guard that is not given back: the address would be locked out for ever.
    #[test]
    fn one_address_cannot_take_every_place_and_gets_its_own_back() {
        let limits = Limits { pending_per_address: 2, pending: 3, ..Limits::default() };
        let doorkeeper = Doorkeeper::new(limits);
        let now = monotonic();
        let first = doorkeeper.enter(VISITOR, now).unwrap();
        let _second = doorkeeper.enter(VISITOR, now).unwrap();
        assert_eq!(doorkeeper.enter(VISITOR, now).err(), Some(Crowded::Address));
        let _third = doorkeeper.enter(OTHER, now).unwrap();
        assert_eq!(doorkeeper.enter(OTHER, now).err(), Some(Crowded::Everywhere));
        drop(first);
        assert!(doorkeeper.enter(VISITOR, now).is_ok());
    }

    #[test]
    fn the_rate_of_one_address_is_bounded_and_recovers() {
        let limits = Limits { handshakes_per_second: 10, handshake_burst: 2, ..Limits::default() };
        let doorkeeper = Doorkeeper::new(limits);
        let now = monotonic();
        assert!(doorkeeper.enter(VISITOR, now).is_ok());
        assert!(doorkeeper.enter(VISITOR, now).is_ok());
        assert_eq!(doorkeeper.enter(VISITOR, now).err(), Some(Crowded::Rate));
        assert!(doorkeeper.enter(VISITOR, now + Duration::from_millis(150)).is_ok());
    }

    #[test]
    fn an_ipv6_visitor_is_known_by_the_network() {
        let one: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert_eq!(network_of(one), network_of(two));
        let mapped: IpAddr = "::ffff:192.168.1.7".parse().unwrap();
        assert_eq!(network_of(mapped), VISITOR);
    }
}
