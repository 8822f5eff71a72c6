//! The vault's file, version 1.
//!
//! | octets | what |
//! |---|---|
//! | 16 | `SEKISHO VAULT 1` and a newline |
//! | 4 | length of the body, big endian, at most 1 MiB |
//! | length | the body: DER |
//! | 32 | SHA-256 of everything before |
//!
//! The length tells a truncated file, and the digest a flipped bit, before anything of the body is
//! believed.

use der::asn1::OctetString;
use der::{Decode, Encode, Enumerated, Sequence};

use super::VaultError;
use super::cipher::Sealed;
use super::slot::Slot;

/// Version of the body's form.
pub(super) const VERSION: u8 = 1;

const MAGIC: &[u8; 16] = b"SEKISHO VAULT 1\n";
const LARGEST_BODY: usize = 1 << 20;
const DIGEST: usize = 32;

/// The largest vault file that is read.
pub(super) const LARGEST: u64 = 16 + 4 + (1 << 20) + 32;

/// What a record of the vault holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(super) enum RecordKind {
    /// The private key of a certificate authority; its id is the certificate's number.
    AuthorityKey = 1,
    /// The data key before this one; its id is that key's id.
    RetiredDataKey = 2,
}

/// One sealed secret.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Record {
    pub(super) kind: RecordKind,
    pub(super) id: u64,
    pub(super) sealed: Sealed,
}

/// The body.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Body {
    pub(super) version: u8,
    /// 16 random octets that name this vault.
    pub(super) vault: OctetString,
    /// Counts the changes, from 1.
    pub(super) generation: u64,
    /// The generation that made the data key.
    pub(super) data_key: u64,
    pub(super) slots: Vec<Slot>,
    pub(super) records: Vec<Record>,
}

impl Body {
    pub(super) fn to_file(&self) -> Result<Vec<u8>, VaultError> {
        let body = self.to_der()?;
        let length = u32::try_from(body.len()).map_err(|_| VaultError::Damaged)?;
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&length.to_be_bytes());
        file.extend_from_slice(&body);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &file);
        file.extend_from_slice(digest.as_ref());
        Ok(file)
    }

    pub(super) fn from_file(file: &[u8]) -> Result<Self, VaultError> {
        let Some((magic, rest)) = file.split_first_chunk::<16>() else {
            let begun = MAGIC.starts_with(file);
            return Err(if begun { VaultError::Truncated } else { VaultError::NotAVault });
        };
        if magic != MAGIC {
            return Err(VaultError::NotAVault);
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(VaultError::Truncated)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > LARGEST_BODY {
            return Err(VaultError::Damaged);
        }
        let (body, digest) = rest.split_at_checked(length).ok_or(VaultError::Truncated)?;
        if digest.len() < DIGEST {
            return Err(VaultError::Truncated);
        }
        let signed = file.get(..MAGIC.len() + 4 + length).unwrap_or_default();
        let computed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signed);
        if computed.as_ref() != digest {
            return Err(VaultError::Damaged);
        }
        let body = Self::from_der(body)?;
        if body.version != VERSION {
            return Err(VaultError::UnknownVersion { found: body.version });
        }
        body.slots.iter().try_for_each(Slot::check)?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body() -> Body {
        let vault = OctetString::new([1; 16].as_slice()).unwrap();
        Body { version: VERSION, vault, generation: 3, data_key: 1, slots: vec![], records: vec![] }
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let file = body().to_file().unwrap();
        assert_eq!(Body::from_file(&file).unwrap(), body());
        for length in 0..file.len() {
            let refused = Body::from_file(&file[..length]).unwrap_err();
            assert!(matches!(refused, VaultError::Truncated), "{length}: {refused:?}");
        }
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Body::from_file(&flipped).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_an_error_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Body::from_file(&bytes).is_err());
            let mut framed = MAGIC.to_vec();
            framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
            framed.extend_from_slice(&bytes);
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &framed);
            framed.extend_from_slice(digest.as_ref());
            prop_assert!(Body::from_file(&framed).is_err());
        }
    }
}
