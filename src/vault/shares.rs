//! Shares of a slot's secret (Shamir, "How to share a secret", 1979): any `threshold` of them give
//! it back, and fewer say nothing of it. The arithmetic, over the field of 256 elements and without
//! tables or branches on secrets, is that of `vsss-rs`.
//!
//! | octets | what |
//! |---|---|
//! | 1 | how many are needed, 2 to 16 |
//! | 1 | the share's number, 1 to 16 |
//! | 4 | the vault: the first octets of its name |
//! | 4 | the set: the first octets of the slot's salt |
//! | 17 | the share of a secret of 136 random bits |
//! | 3 | checksum: the first octets of SHA-256 over all before |
//!
//! People write it as twelve groups of four characters, in the alphabet of the recovery code.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use super::VaultError;
use super::slot::{CHECKSUM, CODE, checksum, code_alphabet, grouped};
use crate::ground::secret::{Passphrase, SecretBytes};

/// Shares of a set at most, and so shares needed at most.
pub const MOST_SHARES: u8 = 16;

/// Shares needed at least: one alone would be a recovery code.
pub const LEAST_THRESHOLD: u8 = 2;

/// Octets that name a vault, and a set of shares.
const MARK: usize = 4;

/// Octets of a whole share.
const WHOLE: usize = 2 + 2 * MARK + CODE + CHECKSUM;

/// One share, well formed. Whose it is, is not known before it is held against a vault.
pub struct Share {
    threshold: u8,
    number: u8,
    vault: [u8; MARK],
    set: [u8; MARK],
    value: SecretBytes,
}

/// How many shares there are, and how many are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, der::Sequence)]
pub struct ShareCounts {
    /// How many are needed.
    pub threshold: u8,
    /// How many there are.
    pub shares: u8,
}

impl Share {
    /// Reads a share as it was typed: case, spaces and dashes do not matter.
    ///
    /// # Errors
    /// `ShareMistyped`.
    pub fn parse(text: &Passphrase) -> Result<Self, VaultError> {
        let decoded = code_alphabet()?.decode(text.expose().trim().as_bytes());
        let bytes = SecretBytes::new(decoded.map_err(|_| VaultError::ShareMistyped)?);
        Self::from_octets(bytes.expose()).ok_or(VaultError::ShareMistyped)
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        let (said, found) = octets.split_last_chunk::<CHECKSUM>()?;
        if octets.len() != WHOLE || *found != checksum(said) {
            return None;
        }
        let (&[threshold, number], rest) = said.split_first_chunk()?;
        let (&vault, rest) = rest.split_first_chunk()?;
        let (&set, value) = rest.split_first_chunk()?;
        let legal = (LEAST_THRESHOLD..=MOST_SHARES).contains(&threshold)
            && (1..=MOST_SHARES).contains(&number);
        legal.then(|| Self { threshold, number, vault, set, value: SecretBytes::copy_of(value) })
    }

    /// The share as people write it.
    ///
    /// # Errors
    /// `Cryptography`.
    pub fn text(&self) -> Result<Passphrase, VaultError> {
        let mut octets = Zeroizing::new(Vec::with_capacity(WHOLE));
        octets.extend([self.threshold, self.number]);
        octets.extend(self.vault);
        octets.extend(self.set);
        octets.extend(self.value.expose());
        let sum = checksum(&octets);
        octets.extend(sum);
        Ok(grouped(&code_alphabet()?, &octets))
    }

    /// How many are needed.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Its number among them, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The vault it is for, as eight digits.
    #[must_use]
    pub fn vault(&self) -> String {
        shown(self.vault)
    }

    /// Whether both are of the same set.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        (self.vault, self.set, self.threshold) == (other.vault, other.set, other.threshold)
    }
}

/// A vault's name as shares show it: eight digits.
pub(super) fn vault_mark(vault: &[u8]) -> String {
    shown(mark(vault))
}

/// A new secret, and its shares, for the slot with this salt.
pub(super) fn make(
    vault: &[u8],
    salt: &[u8],
    counts: ShareCounts,
) -> Result<(SecretBytes, Vec<Share>), VaultError> {
    let ShareCounts { threshold, shares } = counts;
    if !counts.are_legal() {
        return Err(VaultError::ShareCounts);
    }
    let mut secret = Zeroizing::new([0_u8; CODE]);
    aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(|_| VaultError::Random)?;
    let mut random = Random { failed: false };
    let split = Gf256::split_bytes(threshold.into(), shares.into(), secret.as_slice(), &mut random);
    let split = split.map_err(|_| VaultError::Cryptography)?;
    let mut made = Vec::with_capacity(split.len());
    for octets in split.into_iter().map(SecretBytes::new) {
        let (&number, value) = octets.expose().split_first().ok_or(VaultError::Cryptography)?;
        let value = SecretBytes::copy_of(value);
        made.push(Share { threshold, number, vault: mark(vault), set: mark(salt), value });
    }
    // Shares drawn without randomness would give the secret away.
    if random.failed { Err(VaultError::Random) } else { Ok((SecretBytes::copy_of(&*secret), made)) }
}

/// Refuses shares of another vault.
pub(super) fn check_vault(shares: &[Share], vault: &[u8]) -> Result<(), VaultError> {
    match shares.iter().find(|share| share.vault != mark(vault)) {
        None => Ok(()),
        Some(share) => {
            Err(VaultError::ShareOfAnotherVault { found: share.vault(), vault: vault_mark(vault) })
        }
    }
}

/// The secret that shares of the slot with this salt give; `None` when one is of another set.
pub(super) fn join(shares: &[Share], salt: &[u8]) -> Result<Option<SecretBytes>, VaultError> {
    let Some(first) = shares.first() else {
        return Err(VaultError::SharesTooFew { given: 0, needed: LEAST_THRESHOLD });
    };
    if first.set != mark(salt) || !shares.iter().all(|share| share.fits(first)) {
        return Ok(None);
    }
    let mut octets: Vec<Vec<u8>> = Vec::with_capacity(shares.len());
    for share in shares {
        if octets.iter().any(|other| other.first() == Some(&share.number)) {
            continue;
        }
        let mut share_octets = Vec::with_capacity(1 + CODE);
        share_octets.push(share.number);
        share_octets.extend(share.value.expose());
        octets.push(share_octets);
    }
    let octets = Zeroizing::new(octets);
    let given = u8::try_from(octets.len()).unwrap_or(u8::MAX);
    if given < first.threshold {
        return Err(VaultError::SharesTooFew { given, needed: first.threshold });
    }
    let joined = Gf256::combine_bytes(&*octets).map_err(|_| VaultError::Damaged)?;
    Ok(Some(SecretBytes::new(joined)))
}

impl ShareCounts {
    /// Whether so many can be made: 2 or more needed, and no more than there are, 16 at most.
    #[must_use]
    pub fn are_legal(self) -> bool {
        self.threshold >= LEAST_THRESHOLD
            && self.threshold <= self.shares
            && self.shares <= MOST_SHARES
    }
}

/// The random numbers of aws-lc. What they fail at is remembered, since the trait cannot say it.
struct Random {
    failed: bool,
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= aws_lc_rs::rand::fill(octets).is_err();
        Ok(())
    }
}

impl TryCryptoRng for Random {}

fn mark(octets: &[u8]) -> [u8; MARK] {
    octets.first_chunk().copied().unwrap_or_default()
}

fn shown(mark: [u8; MARK]) -> String {
    data_encoding::HEXUPPER.encode(&mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(threshold: u8, shares: u8) -> ShareCounts {
        ShareCounts { threshold, shares }
    }

    /// The shares as somebody else types them.
    fn typed(shares: &[Share]) -> Vec<Share> {
        let text = |share: &Share| share.text().unwrap().expose().to_lowercase().replace('-', " ");
        shares.iter().map(|share| Share::parse(&Passphrase::new(text(share))).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn any_that_suffice_give_the_secret_and_fewer_give_none(
            threshold in 2_u8..=16,
            more in 0_u8..=14,
            order in proptest::collection::vec(any::<u8>(), 16),
        ) {
            let shares = threshold.saturating_add(more).min(MOST_SHARES);
            let (secret, made) = make(b"vault", b"salt", counts(threshold, shares)).unwrap();
            let mut chosen = typed(&made);
            chosen.sort_by_key(|share| order[usize::from(share.number() - 1)]);
            chosen.truncate(threshold.into());
            let joined = join(&chosen, b"salt").unwrap().unwrap();
            prop_assert_eq!(joined.expose(), secret.expose());
            chosen.pop();
            // The same one twice is still one.
            chosen.extend(typed(chosen.get(..1).unwrap_or_default()));
            let refused = join(&chosen, b"salt").map(drop);
            let few = VaultError::SharesTooFew { given: threshold - 1, needed: threshold };
            prop_assert_eq!(refused, Err(few));
        }

        #[test]
        fn a_slip_of_the_pen_in_a_share_is_told(place in 0_usize..48, by in 1_u8..32) {
            let (_, made) = make(b"vault", b"salt", counts(2, 3)).unwrap();
            let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            let mut text = made[1].text().unwrap().expose().replace('-', "").into_bytes();
            let at = alphabet.iter().position(|symbol| *symbol == text[place]).unwrap();
            text[place] = alphabet[(at + usize::from(by)) % 32];
            let text = Passphrase::new(String::from_utf8(text).unwrap());
            prop_assert_eq!(Share::parse(&text).err(), Some(VaultError::ShareMistyped));
        }

        #[test]
        fn foreign_text_is_no_share_and_no_panic(text in "\\PC{0,70}|[0-9A-Z -]{48,60}") {
            prop_assert!(Share::parse(&Passphrase::new(text)).is_err());
        }
    }

    // Fewer shares than needed, passed off as enough, must not come near the secret.
    #[test]
    fn fewer_shares_with_a_forged_threshold_give_something_else() {
        let (secret, mut made) = make(b"vault", b"salt", counts(3, 3)).unwrap();
        made.truncate(2);
        made.iter_mut().for_each(|share| share.threshold = 2);
        let joined = join(&made, b"salt").unwrap().unwrap();
        assert_ne!(joined.expose(), secret.expose());
    }

    #[test]
    fn shares_of_another_vault_or_set_are_told_apart() {
        let (_, ours) = make(b"vault", b"salt", counts(2, 2)).unwrap();
        assert!(check_vault(&ours, b"vault").is_ok());
        let refused = check_vault(&ours, b"other").unwrap_err();
        let named = VaultError::ShareOfAnotherVault {
            found: "7661756C".to_owned(),
            vault: "6F746865".to_owned(),
        };
        assert_eq!(refused, named);
        assert!(join(&ours, b"tlas").unwrap().is_none());
    }

    #[test]
    fn counts_that_make_no_sense_are_refused() {
        for (threshold, shares) in [(1, 3), (0, 0), (4, 3), (2, 17)] {
            let refused = make(b"vault", b"salt", counts(threshold, shares)).err();
            assert_eq!(refused, Some(VaultError::ShareCounts), "{threshold} of {shares}");
        }
    }
}
