//! Secret bytes: wiped when dropped, never cloned, never shown.

use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes that must not outlive their use. No `Clone`; `Debug` shows only that there is a secret.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A copy of borrowed bytes. The caller wipes the original.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// The bytes. Named so that every place that looks at a secret can be found.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Cuts the line ending an editor or `echo` leaves behind a passphrase.
    #[must_use]
    pub fn without_line_ending(mut self) -> Self {
        while self.0.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            self.0.pop();
        }
        self
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}

/// A passphrase in UTF-8: wiped when dropped, never cloned, never shown by `Debug`.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A passphrase from bytes read elsewhere; `None` when they are not UTF-8.
    #[must_use]
    pub fn from_bytes(bytes: &SecretBytes) -> Option<Self> {
        std::str::from_utf8(bytes.expose()).ok().map(|text| Self::new(text.to_owned()))
    }

    /// The text. Named so that every place that looks at a secret can be found.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

impl Drop for Passphrase {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_secret() {
        let shown = format!(
            "{:?} {:?}",
            SecretBytes::copy_of(b"planted"),
            Passphrase::new("planted".to_owned())
        );
        assert!(!shown.contains("planted"), "{shown}");
    }

    #[test]
    fn only_line_endings_are_cut() {
        let secret = SecretBytes::copy_of(b" pass phrase \r\n").without_line_ending();
        assert_eq!(secret.expose(), b" pass phrase ");
    }
}
