//! The alerts owed to refused visitors who try again.
//!
//! A browser that was refused by a page keeps its choice, such as to show no certificate, until a
//! TLS alert meets it (tried with Chromium). So whoever asks to try again is owed one: the next
//! handshake from the same address that shows the same chain, or none as before, and is refused
//! again, ends in an alert. One who is admitted, or shows another chain, meets nothing of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::admission::ChainKey;
use crate::ground::clock;

/// How long an alert is owed.
const OWED_FOR: Duration = Duration::from_secs(5);

/// Alerts owed at once, in all and to one address; who asks beyond that is owed none.
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

    /// Those of one address.
    pub(super) fn to(self: &Arc<Self>, address: IpAddr) -> OwedTo {
        OwedTo { alerts: Arc::clone(self), address: address.to_canonical() }
    }

    fn owe(&self, address: IpAddr, chain: Option<ChainKey>, now: Instant) {
        let mut until = self.until();
        until.retain(|_, until| *until > now);
        let to_this_one = until.keys().filter(|(owed_to, _)| *owed_to == address).count();
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

/// The alerts owed to one address. A chain of `None` is no certificate at all.
pub(super) struct OwedTo {
    alerts: Arc<OwedAlerts>,
    address: IpAddr,
}

impl OwedTo {
    /// From now on the next refusal of this chain is owed an alert.
    pub(super) fn owe(&self, chain: Option<ChainKey>) {
        self.alerts.owe(self.address, chain, clock::monotonic());
    }

    pub(super) fn is_owed(&self, chain: Option<ChainKey>) -> bool {
        self.alerts.is_owed(self.address, chain, clock::monotonic())
    }

    /// Whether an alert was owed; it is not any more.
    pub(super) fn pay(&self, chain: Option<ChainKey>) -> bool {
        self.alerts.pay(self.address, chain, clock::monotonic())
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
