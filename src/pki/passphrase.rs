//! Passphrases of key containers: generated ones, and how long each kind is stretched.

use crate::ground::secret::Passphrase;

/// Characters of a generated passphrase.
const LENGTH: usize = 16;

/// ASCII letters and digits that are not mistaken for one another on paper (no 0 O o, 1 l I i):
/// 55 of them, so that 16 carry 92 bits.
const ALPHABET: &[u8; 55] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz";

/// Where a passphrase comes from, which decides how often it is hashed to make it slow to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From [`generate_passphrase`]: 92 random bits cannot be guessed at any speed, and a clinic
    /// issues hundreds at a time. 10,000 iterations, Java's own number.
    Generated,
    /// A person thought of it: 600,000 iterations (OWASP 2023, for PBKDF2-HMAC-SHA256).
    Chosen,
}

impl Origin {
    /// Iterations of the key derivation.
    pub(super) fn iterations(self) -> u32 {
        match self {
            Self::Generated => 10_000,
            Self::Chosen => 600_000,
        }
    }
}

/// A new passphrase of 16 letters and digits without look-alikes, each equally likely: 92 bits.
///
/// # Errors
/// The random number generator failed.
pub fn generate_passphrase() -> Result<Passphrase, aws_lc_rs::error::Unspecified> {
    let mut text = String::with_capacity(LENGTH);
    while text.len() < LENGTH {
        let mut byte = [0];
        aws_lc_rs::rand::fill(&mut byte)?;
        text.extend(character(byte[0]));
    }
    Ok(Passphrase::new(text))
}

/// The character of a random byte; none for the bytes that would favour the first characters.
fn character(byte: u8) -> Option<char> {
    let fair = u8::MAX - u8::MAX % 55;
    (byte < fair).then(|| ALPHABET.get(usize::from(byte % 55)).copied().map(char::from))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_passphrase_is_long_and_without_look_alikes() {
        let passphrase = generate_passphrase().unwrap();
        assert_eq!(passphrase.expose().len(), 16);
        assert!(
            passphrase
                .expose()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() && !"0Oo1lIi".contains(c))
        );
        assert_ne!(generate_passphrase().unwrap().expose(), passphrase.expose());
    }

    // A plain `byte % 55` would make 36 of the characters a quarter likelier than the others.
    #[test]
    fn every_character_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for character in (0..=u8::MAX).filter_map(character) {
            *counts.entry(character).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 55);
        assert!(counts.values().all(|count| *count == 4));
    }
}
