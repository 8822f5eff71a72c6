//! The envelope that certificates, requests and lists share:
//! `SEQUENCE { toBeSigned, signatureAlgorithm, signature BIT STRING }` (RFC 5280 sections 4.1.1 and 5.1.1).

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader};

use super::algorithm::{self, PublicKey};
use super::key::Signer;

/// The three parts, borrowed from the bytes they stand in.
pub(super) struct Signed<'a> {
    /// The bytes under the signature, tag and length included.
    pub(super) to_be_signed: &'a [u8],
    /// The content of the algorithm identifier.
    pub(super) algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Takes the envelope apart; nothing may follow it.
    pub(super) fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(bytes)?;
        let signed = reader.sequence(|inner| {
            let to_be_signed = inner.tlv_bytes()?;
            let algorithm = algorithm::read_identifier(inner)?;
            let signature: BitStringRef<'a> = inner.decode()?;
            let signature = signature.as_bytes().ok_or(der::ErrorKind::Failed)?;
            Ok::<_, der::Error>(Self { to_be_signed, algorithm, signature })
        })?;
        reader.finish()?;
        Ok(signed)
    }

    /// Whether some key could have made the signature by an algorithm we verify.
    pub(super) fn has_accepted_algorithm(&self) -> bool {
        algorithm::is_signature_identifier(self.algorithm)
    }

    /// Whether the signature is that of the holder of this public key.
    pub(super) fn is_signed_by(&self, subject_public_key_info: &[u8]) -> bool {
        PublicKey::from_der(subject_public_key_info)
            .is_ok_and(|key| key.verifies(self.algorithm, self.to_be_signed, self.signature))
    }
}

/// The signer gave no signature, or one that does not verify.
#[derive(Debug)]
pub(super) struct SigningFailure;

/// Signs and puts the envelope together. The signature is verified before anyone sees it: one that a
/// fault spoiled would be useless, and with RSA would give the key away.
pub(super) fn sign(to_be_signed: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SigningFailure> {
    let bytes = sign_with_throwaway(to_be_signed, signer)?;
    match Signed::from_der(&bytes) {
        Ok(signed) if signed.is_signed_by(signer.subject_public_key_info()) => Ok(bytes),
        _ => Err(SigningFailure),
    }
}

/// The same with a key that nobody relies on: its signature is not verified.
pub(super) fn sign_with_throwaway(
    to_be_signed: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SigningFailure> {
    let signature = signer.sign(to_be_signed).map_err(|_| SigningFailure)?;
    let assemble = || {
        Envelope {
            to_be_signed: AnyRef::from_der(to_be_signed)?,
            algorithm: signer.algorithm().signature_identifier()?,
            signature: BitStringRef::from_bytes(&signature)?,
        }
        .to_der()
    };
    assemble().map_err(|_: der::Error| SigningFailure)
}

#[derive(Sequence)]
struct Envelope<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}
