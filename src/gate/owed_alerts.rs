//! The alerts owed to refused visitors who try again.
//!
//! A browser that was refused by a page keeps its choice, such as to show no certificate, until a
//! TLS alert meets it (tried with Chromium). So whoever asks to try again is owed one: the next
//! handshake from the same address that shows the same chain, or none as before, and is refused
//! again, ends in an alert. One who is admitted, or shows another chain, meets nothing of it.
//!
//! The alert is held back for a moment. In TLS 1.3 the browser is done with its handshake before
//! ours is, and an alert that comes before it has taken the connection into use counts as no more
//! than a lost connection: it then keeps its choice (tried: about every second time).

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::limits::network_of;
use crate::admission::ChainKey;
use crate::ground::clock;

/// How long an alert is owed.
const OWED_FOR: Duration = Duration::from_secs(5);

/// Alerts owed at once, in all and to one address (IPv6: one /64); who asks beyond that is owed none.
const MOST: usize = 1024;
const MOST_TO_ONE: usize = 16;

/// Every alert owed by a gate.
pub(super) struct OwedAlerts {
    until: Mutex<HashMap<(IpAddr, Option<ChainKey>), Instant>>,
}

impl OwedAlerts {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { until: Mutex::new(HashMap::new()) })
    }

    /// Those of the visitor at the other end of a TCP socket.
    pub(super) fn to(self: &Arc<Self>, address: IpAddr, socket: impl AsFd) -> OwedTo {
        let address = address.to_canonical();
        let now = clock::monotonic();
        let owes = self.until().iter().any(|((to, _), until)| *to == address && *until > now);
        // Few are owed anything, and only theirs may have to be held back.
        let socket = if owes { rustix::io::dup(socket).ok() } else { None };
        OwedTo { alerts: Arc::clone(self), address, socket }
    }

    /// From now on the next refusal of this chain is owed an alert. `None` is no certificate at all.
    pub(super) fn owe(&self, address: IpAddr, chain: Option<ChainKey>, now: Instant) {
        let address = address.to_canonical();
        let mut until = self.until();
        until.retain(|_, until| *until > now);
        let network = network_of(address);
        let to_this_one = until.keys().filter(|(to, _)| network_of(*to) == network).count();
        if until.len() < MOST && to_this_one < MOST_TO_ONE {
            until.insert((address, chain), now + OWED_FOR);
        }
    }

    fn is_owed(&self, address: IpAddr, chain: Option<ChainKey>, now: Instant) -> bool {
        self.until().get(&(address, chain)).is_some_and(|until| *until > now)
    }

    fn pay(&self, address: IpAddr, chain: Option<ChainKey>, now: Instant) -> bool {
        self.until().remove(&(address, chain)).is_some_and(|until| until > now)
    }

    fn until(&self) -> MutexGuard<'_, HashMap<(IpAddr, Option<ChainKey>), Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The alerts owed to one visitor.
pub(super) struct OwedTo {
    alerts: Arc<OwedAlerts>,
    address: IpAddr,
    socket: Option<OwnedFd>,
}

impl OwedTo {
    /// Whether one who shows no certificate is owed an alert, which is held back if it comes now.
    pub(super) fn is_owed_without_certificate(&self) -> bool {
        let owed = self.alerts.is_owed(self.address, None, clock::monotonic());
        self.hold_back(owed);
        owed
    }

    /// A certificate was shown after all.
    pub(super) fn let_go(&self) {
        self.hold_back(false);
    }

    /// Whether an alert was owed, which is held back; it is owed no more.
    pub(super) fn pay(&self, chain: Option<ChainKey>) -> bool {
        let owed = self.alerts.pay(self.address, chain, clock::monotonic());
        self.hold_back(owed);
        owed
    }

    /// What is written from now on leaves after 200 ms, by the system's own timer (tcp(7)).
    fn hold_back(&self, hold: bool) {
        if let Some(socket) = &self.socket {
            // A socket that refuses sends it at once, and perhaps the visitor tries once more.
            let _ = rustix::net::sockopt::set_tcp_cork(socket, hold);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 168, 1, last).into()
    }

    fn chain(number: u8) -> Option<ChainKey> {
        Some(ChainKey::from_bytes([number; 32]))
    }

    // Catches a key without the chain: one visitor's click would be another's broken page.
    #[test]
    fn an_alert_is_owed_once_to_one_address_and_chain_for_a_while() {
        let alerts = OwedAlerts::new();
        let now = clock::monotonic();
        alerts.owe(address(7), None, now);
        assert!(alerts.is_owed(address(7), None, now));
        assert!(!alerts.pay(address(8), None, now));
        assert!(!alerts.pay(address(7), chain(1), now));
        assert!(alerts.pay(address(7), None, now));
        assert!(!alerts.pay(address(7), None, now));
        alerts.owe(address(7), chain(1), now);
        assert!(!alerts.is_owed(address(7), chain(1), now + OWED_FOR));
        assert!(!alerts.pay(address(7), chain(1), now + OWED_FOR));
    }

    #[test]
    fn memory_is_bounded_in_all_and_for_one_address() {
        let alerts = OwedAlerts::new();
        let now = clock::monotonic();
        for number in 0..=u8::MAX {
            alerts.owe(address(1), chain(number), now);
        }
        assert_eq!(alerts.until().len(), MOST_TO_ONE);
        for host in 2..=u8::MAX {
            for number in 0..16 {
                alerts.owe(address(host), chain(number), now);
            }
        }
        assert_eq!(alerts.until().len(), MOST);
        // And those past make room.
        alerts.owe(address(1), None, now + OWED_FOR);
        assert_eq!(alerts.until().len(), 1);
    }
}
