//! Session tickets (RFC 8446 section 4.6.1, RFC 5077), each bound to the chain it was given for.
//!
//! rustls resumes a session without asking any verifier, so the ticket itself carries what must be
//! judged again: the [`ChainKey`], which names the anchors, the purpose and the chain. A ticket
//! whose holder would be refused now is not opened, and the client makes a full handshake.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::admission::ChainKey;
use crate::ground::clock::Timestamp;

/// Seconds a key seals for. It opens for as long again, then it is gone.
const ROTATION: i64 = 6 * 3600;

/// Seconds clients are told a ticket is good for: it surely still opens then.
pub(super) const LIFETIME: u32 = 6 * 3600;

/// Octets that name a key.
const NAME: usize = 8;
const NONCE: usize = 12;
const CHAIN_KEY: usize = 32;

/// Octets a sealed ticket is longer than what rustls put into it.
const OVERHEAD: usize = NAME + NONCE + CHAIN_KEY + 16;

/// Sealed before anything else is authenticated with a key of this kind.
const CONTEXT: &[u8] = b"sekisho session ticket 1";

/// The keys of one set of trust anchors. Whoever changes the anchors makes new ones.
pub(super) struct TicketKeys {
    keys: Mutex<Option<Keys>>,
}

struct Keys {
    current: TicketKey,
    previous: Option<TicketKey>,
    rotate_at: Timestamp,
}

struct TicketKey {
    name: [u8; NAME],
    key: RandomizedNonceKey,
}

impl TicketKeys {
    pub(super) fn new() -> Self {
        Self { keys: Mutex::new(None) }
    }

    /// A ticket for the holder of a verified chain; `None` when the random generator fails.
    pub(super) fn seal(&self, chain: &ChainKey, session: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        self.with_keys(now, |keys| keys.current.seal(chain, session))?
    }

    /// The chain and the session of a ticket of ours that is not too old.
    pub(super) fn open(&self, ticket: &[u8], now: Timestamp) -> Option<(ChainKey, Vec<u8>)> {
        self.with_keys(now, |keys| {
            let name = ticket.get(..NAME)?;
            let previous = keys.previous.as_ref();
            let key = previous.into_iter().chain([&keys.current]).find(|key| key.name == name)?;
            key.open(ticket)
        })?
    }

    fn with_keys<T>(&self, now: Timestamp, act: impl FnOnce(&Keys) -> T) -> Option<T> {
        let mut held = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = held.as_ref().is_some_and(|keys| now < keys.rotate_at);
        if !fresh {
            let current = TicketKey::generate()?;
            // A key that rested for two rotations is too old even to open.
            let previous = held
                .take()
                .filter(|keys| now < keys.rotate_at.plus_seconds(ROTATION))
                .map(|keys| keys.current);
            *held = Some(Keys { current, previous, rotate_at: now.plus_seconds(ROTATION) });
        }
        held.as_ref().map(act)
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys(redacted)")
    }
}

impl TicketKey {
    fn generate() -> Option<Self> {
        let mut name = [0; NAME];
        let mut key = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut name).ok()?;
        aws_lc_rs::rand::fill(key.as_mut_slice()).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()?;
        Some(Self { name, key })
    }

    /// Name, nonce, then sealed: chain key, session.
    fn seal(&self, chain: &ChainKey, session: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = Zeroizing::new(Vec::with_capacity(session.len() + OVERHEAD));
        sealed.extend_from_slice(chain.as_bytes());
        sealed.extend_from_slice(session);
        let nonce = self.key.seal_in_place_append_tag(self.associated(), &mut *sealed).ok()?;
        let mut ticket = Vec::with_capacity(session.len() + OVERHEAD);
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(nonce.as_ref());
        ticket.extend_from_slice(&sealed);
        Some(ticket)
    }

    fn open(&self, ticket: &[u8]) -> Option<(ChainKey, Vec<u8>)> {
        let (head, sealed) = ticket.split_at_checked(NAME + NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(head.get(NAME..)?).ok()?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let plain = self.key.open_in_place(nonce, self.associated(), &mut opened).ok()?;
        let (chain, session) = plain.split_first_chunk::<CHAIN_KEY>()?;
        Some((ChainKey::from_bytes(*chain), session.to_vec()))
    }

    fn associated(&self) -> Aad<[u8; CONTEXT.len() + NAME]> {
        let mut bytes = [0; CONTEXT.len() + NAME];
        let (context, name) = bytes.split_at_mut(CONTEXT.len());
        context.copy_from_slice(CONTEXT);
        name.copy_from_slice(&self.name);
        Aad::from(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_800_000_000)
    }

    fn chain() -> ChainKey {
        ChainKey::from_bytes([7; 32])
    }

    #[test]
    fn a_ticket_opens_for_its_keys_only_and_not_when_altered() {
        let (ours, theirs) = (TicketKeys::new(), TicketKeys::new());
        let ticket = ours.seal(&chain(), b"session", now()).unwrap();
        assert_eq!(ours.open(&ticket, now()), Some((chain(), b"session".to_vec())));
        assert_eq!(theirs.open(&ticket, now()), None);
        for position in 0..ticket.len() {
            let mut altered = ticket.clone();
            altered[position] ^= 1;
            assert_eq!(ours.open(&altered, now()), None, "octet {position}");
            assert_eq!(ours.open(&ticket[..position], now()), None, "cut at {position}");
        }
    }

    #[test]
    fn a_ticket_dies_after_one_more_rotation() {
        let keys = TicketKeys::new();
        let ticket = keys.seal(&chain(), b"session", now()).unwrap();
        assert!(keys.open(&ticket, now().plus_seconds(ROTATION)).is_some());
        assert!(keys.open(&ticket, now().plus_seconds(2 * ROTATION)).is_none());
    }

    #[test]
    fn a_long_sleep_leaves_no_old_key_behind() {
        let keys = TicketKeys::new();
        let ticket = keys.seal(&chain(), b"session", now()).unwrap();
        assert!(keys.open(&ticket, now().plus_seconds(10 * ROTATION)).is_none());
    }
}
