//! Secret bytes on their way through the door.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ground::secret::SecretBytes;

/// Secret bytes in a message. They are written into a frame that is wiped, and read out of one with
/// a single copy; no message with one can be cloned or shown.
pub struct WireSecret(SecretBytes);

impl WireSecret {
    /// The bytes.
    #[must_use]
    pub fn into_inner(self) -> SecretBytes {
        self.0
    }

    /// The bytes, borrowed.
    #[must_use]
    pub fn get(&self) -> &SecretBytes {
        &self.0
    }
}

impl From<SecretBytes> for WireSecret {
    fn from(bytes: SecretBytes) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for WireSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireSecret(redacted)")
    }
}

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for WireSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(SecretVisitor)
    }
}

struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = WireSecret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("octets")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<WireSecret, E> {
        Ok(WireSecret(SecretBytes::copy_of(bytes)))
    }
}
