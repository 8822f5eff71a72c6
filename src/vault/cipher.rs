//! Sealing: AES-256-GCM-SIV (RFC 8452) under keys that HKDF-SHA256 (RFC 5869) derives from the
//! vault's data key, one for each purpose.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use der::Sequence;
use der::asn1::OctetString;
use zeroize::Zeroizing;

use super::VaultError;
use crate::ground::secret::SecretBytes;
use crate::hardening::LockedKey;

/// What a derived key is for. No two purposes share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Private keys of certificate authorities, in the vault.
    AuthorityKeys,
    /// The data key before this one, in the vault, while what it sealed is sealed anew.
    RetiredDataKey,
    /// Private keys of certificates, in the ledger's side table.
    Escrow,
    /// The seal over the ledger's head.
    LedgerHead,
    /// The data key, in a slot.
    SlotWrap,
    /// The proof that a slot's key is the right one.
    SlotCommitment,
    /// The chunks of a stream.
    Stream,
    /// The proof that a stream's key is the right one.
    StreamCommitment,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::AuthorityKeys => b"sekisho vault v1 authority keys",
            Self::RetiredDataKey => b"sekisho vault v1 retired data key",
            Self::Escrow => b"sekisho vault v1 escrow",
            Self::LedgerHead => b"sekisho vault v1 ledger head",
            Self::SlotWrap => b"sekisho vault v1 slot wrap",
            Self::SlotCommitment => b"sekisho vault v1 slot commitment",
            Self::Stream => b"sekisho stream v1 chunks",
            Self::StreamCommitment => b"sekisho stream v1 commitment",
        }
    }
}

/// Ciphertext with the nonce it was made under.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Sealed {
    nonce: OctetString,
    ciphertext: OctetString,
}

/// What a ciphertext belongs to. It is authenticated with it, so that no ciphertext can be moved to
/// another place.
pub(super) struct Place<'a> {
    pub(super) vault: &'a [u8],
    pub(super) kind: &'static [u8],
    pub(super) id: u64,
}

impl Place<'_> {
    /// The parts, each after its length.
    fn associated_data(&self) -> Vec<u8> {
        let version = [super::file::VERSION];
        let mut out = Vec::new();
        for part in [self.vault, self.kind, &self.id.to_be_bytes(), &version] {
            out.extend_from_slice(&part.len().to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// The key for a purpose, from a data key or a slot's key.
pub(super) fn derive(
    key: &LockedKey,
    salt: &[u8],
    purpose: Purpose,
) -> Result<LockedKey, VaultError> {
    let label = [purpose.label()];
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.expose());
    let material = pseudorandom.expand(&label, hkdf::HKDF_SHA256);
    let mut out = Zeroizing::new([0_u8; 32]);
    material.and_then(|okm| okm.fill(out.as_mut_slice())).map_err(|_| VaultError::Cryptography)?;
    LockedKey::copy_of(out.as_slice()).ok_or(VaultError::Cryptography)
}

/// Seals a secret at its place, under a fresh random nonce.
pub(super) fn seal(
    key: &LockedKey,
    place: &Place<'_>,
    secret: &[u8],
) -> Result<Sealed, VaultError> {
    let mut nonce = [0_u8; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| VaultError::Random)?;
    // Room for the tag, so that growing leaves no copy of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM_SIV.tag_len()));
    bytes.extend_from_slice(secret);
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.associated_data()),
            &mut *bytes,
        )
        .map_err(|_| VaultError::Cryptography)?;
    Ok(Sealed {
        nonce: OctetString::new(nonce.as_slice())?,
        ciphertext: OctetString::new(bytes.as_slice())?,
    })
}

/// Opens what was sealed at this place under this key; `None` when it was not.
pub(super) fn open(
    key: &LockedKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<Option<SecretBytes>, VaultError> {
    let Ok(nonce) = Nonce::try_assume_unique_for_key(sealed.nonce.as_bytes()) else {
        return Ok(None);
    };
    let mut bytes = Zeroizing::new(sealed.ciphertext.as_bytes().to_vec());
    let aad = Aad::from(place.associated_data());
    let opened = cipher(key)?.open_in_place(nonce, aad, &mut bytes);
    Ok(opened.ok().map(|plain| SecretBytes::copy_of(plain)))
}

/// The cipher of one stream of chunks: STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, 2015), with
/// age's nonce, which is a chunk's place and whether it is the last. The key seals one stream only.
pub(super) struct ChunkCipher(LessSafeKey);

impl ChunkCipher {
    /// Octets by which a sealed chunk is longer.
    pub(super) const TAG: usize = 16;

    pub(super) fn new(key: &LockedKey) -> Result<Self, VaultError> {
        cipher(key).map(Self)
    }

    /// Seals a chunk in its own buffer, which has room for the tag.
    pub(super) fn seal(
        &self,
        place: u64,
        last: bool,
        stream: &[u8],
        chunk: &mut Vec<u8>,
    ) -> Result<(), VaultError> {
        let (nonce, stream) = (chunk_nonce(place, last), Aad::from(stream));
        let sealed = self.0.seal_in_place_append_tag(nonce, stream, chunk);
        sealed.map_err(|_| VaultError::Cryptography)
    }

    /// The content of a chunk, if it was sealed for this place of this stream.
    pub(super) fn open<'chunk>(
        &self,
        place: u64,
        last: bool,
        stream: &[u8],
        chunk: &'chunk mut [u8],
    ) -> Option<&'chunk mut [u8]> {
        self.0.open_in_place(chunk_nonce(place, last), Aad::from(stream), chunk).ok()
    }
}

fn chunk_nonce(place: u64, last: bool) -> Nonce {
    let [a, b, c, d, e, f, g, h] = place.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, a, b, c, d, e, f, g, h, u8::from(last)])
}

fn cipher(key: &LockedKey) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM_SIV, key.expose())
        .map(LessSafeKey::new)
        .map_err(|_| VaultError::Cryptography)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: u64) -> Place<'static> {
        Place { vault: b"vault", kind: b"kind", id }
    }

    #[test]
    fn a_ciphertext_opens_only_at_its_place_and_under_its_purpose() {
        let data = LockedKey::generate().unwrap();
        let key = derive(&data, b"salt", Purpose::Escrow).unwrap();
        let other = derive(&data, b"salt", Purpose::AuthorityKeys).unwrap();
        let sealed = seal(&key, &place(1), b"secret").unwrap();
        assert_eq!(open(&key, &place(1), &sealed).unwrap().unwrap().expose(), b"secret");
        assert!(open(&key, &place(2), &sealed).unwrap().is_none());
        assert!(open(&other, &place(1), &sealed).unwrap().is_none());
    }
}
