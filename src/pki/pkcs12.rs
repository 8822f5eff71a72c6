//! PKCS#12 bundles (RFC 7292): a private key with its certificate chain, for browsers and programs.

use aws_lc_rs::hmac;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::oid::db::rfc5912::{ID_SHA_1, ID_SHA_256};
use der::{Decode, Encode, Tag};
use pkcs12::cms::cert::x509::spki::AlgorithmIdentifierOwned;
use pkcs12::cms::content_info::{CmsVersion, ContentInfo};
use pkcs12::cms::encrypted_data::EncryptedData;
use pkcs12::cms::enveloped_data::EncryptedContentInfo;
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use pkcs12::pbe_params::Pkcs12PbeParams;
use pkcs12::pfx::{Pfx, Version};
use pkcs12::{CertBag, DigestInfo, MacData, SafeBag};
use x509_cert::attr::{Attribute, Attributes};
use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::key::{KeyError, PrivateKey, Signer, key_identifier};
use super::passphrase::Origin;
use super::{pbes2, pkcs8};
use crate::ground::messages::Refusal;
use crate::ground::secret::Passphrase;

/// Octets of every salt.
const SALT: usize = 16;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
/// Oracle's trustedKeyUsage: without it Java does not trust a CA certificate that lies in a bundle.
const TRUSTED_KEY_USAGE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113894.746875.1.1");
const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// How a bundle is encrypted. The names it holds are encrypted too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// PBES2 with AES-256-CBC and PBKDF2-HMAC-SHA256, MAC with SHA-256: Windows 10 1709, macOS 15,
    /// iOS 18, OpenSSL 1.1, Java 8u301 and later.
    Modern,
    /// pbeWithSHAAnd3-KeyTripleDES-CBC, MAC with SHA-1: for older systems only.
    Legacy,
}

/// What goes into a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The private key.
    pub key: &'a PrivateKey,
    /// The certificate of that key.
    pub certificate: &'a Certificate,
    /// The certificates above it, nearest first, the root at the end.
    pub chain: &'a [Certificate],
    /// The name by which programs list the key; any Unicode.
    pub friendly_name: &'a str,
}

/// Why there is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs12Error {
    /// The certificate is of another key.
    OtherKey,
    /// The passphrase is empty or not ASCII, which Java does not take.
    Passphrase,
    /// The random number generator or a cipher failed.
    Unavailable,
    /// The bundle could not be written in DER.
    Encoding,
}

/// Builds a bundle. The passphrase is stretched as its origin demands; every salt is 16 random octets.
///
/// # Errors
/// See [`Pkcs12Error`].
pub fn build(
    contents: &Contents<'_>,
    passphrase: &Passphrase,
    origin: Origin,
    encryption: Encryption,
) -> Result<Vec<u8>, Pkcs12Error> {
    if contents.certificate.subject_public_key_info() != contents.key.subject_public_key_info() {
        return Err(Pkcs12Error::OtherKey);
    }
    if passphrase.expose().is_empty() || !passphrase.expose().is_ascii() {
        return Err(Pkcs12Error::Passphrase);
    }
    let protection = Protection { passphrase, origin, encryption };
    let certificates = protection.encrypted_content(&certificate_bags(contents)?.to_der()?)?;
    let keys = data_content(&vec![key_bag(contents, &protection)?].to_der()?)?;
    let safe = vec![certificates, keys].to_der()?;
    let mac_data = Some(protection.mac(&safe)?);
    Ok(Pfx { version: Version::V3, auth_safe: data_content(&safe)?, mac_data }.to_der()?)
}

impl From<der::Error> for Pkcs12Error {
    fn from(_: der::Error) -> Self {
        Self::Encoding
    }
}

impl From<KeyError> for Pkcs12Error {
    fn from(_: KeyError) -> Self {
        Self::Unavailable
    }
}

impl From<Pkcs12Error> for Refusal {
    fn from(error: Pkcs12Error) -> Self {
        match error {
            Pkcs12Error::OtherKey => Self::BundleOtherKey {},
            Pkcs12Error::Passphrase => Self::BundlePassphrase {},
            Pkcs12Error::Unavailable | Pkcs12Error::Encoding => Self::KeyUnavailable {},
        }
    }
}

fn certificate_bags(contents: &Contents<'_>) -> Result<Vec<SafeBag>, Pkcs12Error> {
    let mut bags = vec![certificate_bag(contents.certificate, key_attributes(contents)?)?];
    for certificate in contents.chain {
        let name = certificate.common_name().unwrap_or_default();
        let mut attributes = vec![attribute(FRIENDLY_NAME, bmp_string(&name)?)?];
        if certificate.is_self_issued() {
            let any_purpose = Any::encode_from(&ANY_EXTENDED_KEY_USAGE)?;
            attributes.push(attribute(TRUSTED_KEY_USAGE, any_purpose)?);
        }
        bags.push(certificate_bag(certificate, SetOfVec::from_iter(attributes)?)?);
    }
    Ok(bags)
}

fn certificate_bag(
    certificate: &Certificate,
    attributes: Attributes,
) -> Result<SafeBag, Pkcs12Error> {
    let bag = CertBag {
        cert_id: pkcs12::PKCS_12_X509_CERT_OID,
        cert_value: OctetString::new(certificate.der())?,
    };
    Ok(SafeBag {
        bag_id: pkcs12::PKCS_12_CERT_BAG_OID,
        bag_value: bag.to_der()?,
        bag_attributes: Some(attributes),
    })
}

fn key_bag(contents: &Contents<'_>, protection: &Protection<'_>) -> Result<SafeBag, Pkcs12Error> {
    let key = contents.key.pkcs8()?;
    let (scheme, ciphertext) = protection.encrypt(key.expose())?;
    Ok(SafeBag {
        bag_id: pkcs12::PKCS_12_PKCS8_KEY_BAG_OID,
        bag_value: pkcs8::encrypted_private_key_info(&scheme.to_der()?, &ciphertext)?,
        bag_attributes: Some(key_attributes(contents)?),
    })
}

/// The attributes by which readers find the certificate of a key.
fn key_attributes(contents: &Contents<'_>) -> Result<Attributes, Pkcs12Error> {
    let identifier = key_identifier(contents.key.subject_public_key_info());
    let identifier = OctetString::new(identifier.ok_or(Pkcs12Error::Encoding)?)?;
    Ok(SetOfVec::from_iter([
        attribute(FRIENDLY_NAME, bmp_string(contents.friendly_name)?)?,
        attribute(LOCAL_KEY_ID, Any::encode_from(&identifier)?)?,
    ])?)
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute { oid, values: SetOfVec::from_iter([value])? })
}

/// UTF-16, big-endian. Strictly a BMPString has no surrogate pairs, but every reader takes them, and
/// without them names such as 𠮷田 could not be shown.
fn bmp_string(text: &str) -> der::Result<Any> {
    Any::new(Tag::BmpString, text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
}

fn data_content(bytes: &[u8]) -> der::Result<ContentInfo> {
    let content = Any::encode_from(&OctetString::new(bytes)?)?;
    Ok(ContentInfo { content_type: DATA, content })
}

/// The passphrase and the way it protects a bundle.
struct Protection<'a> {
    passphrase: &'a Passphrase,
    origin: Origin,
    encryption: Encryption,
}

impl Protection<'_> {
    fn encrypted_content(&self, plaintext: &[u8]) -> Result<ContentInfo, Pkcs12Error> {
        let (content_enc_alg, ciphertext) = self.encrypt(plaintext)?;
        let data = EncryptedData {
            version: CmsVersion::V0,
            enc_content_info: EncryptedContentInfo {
                content_type: DATA,
                content_enc_alg,
                encrypted_content: Some(OctetString::new(ciphertext)?),
            },
            unprotected_attrs: None,
        };
        Ok(ContentInfo { content_type: ENCRYPTED_DATA, content: Any::encode_from(&data)? })
    }

    fn encrypt(&self, text: &[u8]) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), Pkcs12Error> {
        if self.encryption == Encryption::Legacy {
            return self.encrypt_with_triple_des(text);
        }
        // PBES2 takes the octets of the passphrase, without the BMPString and zero of RFC 7292 B.1.
        let iterations = self.origin.iterations();
        let encrypted = pbes2::encrypt(text, self.passphrase.expose(), iterations)
            .map_err(|_| Pkcs12Error::Unavailable)?;
        let scheme = AlgorithmIdentifierOwned::from_der(&encrypted.scheme.to_der()?)?;
        Ok((scheme, encrypted.ciphertext))
    }

    fn encrypt_with_triple_des(
        &self,
        text: &[u8],
    ) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), Pkcs12Error> {
        let salt = random_salt()?;
        let key = self.derive::<sha1::Sha1>(&salt, Pkcs12KeyType::EncryptionKey, 24)?;
        let vector = self.derive::<sha1::Sha1>(&salt, Pkcs12KeyType::Iv, 8)?;
        let cipher = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &vector)
            .map_err(|_| Pkcs12Error::Unavailable)?;
        let mut buffer = Zeroizing::new(vec![0; text.len() + 8]);
        if let Some(place) = buffer.get_mut(..text.len()) {
            place.copy_from_slice(text);
        }
        let ciphertext = cipher
            .encrypt_padded::<Pkcs7>(&mut buffer, text.len())
            .map_err(|_| Pkcs12Error::Unavailable)?
            .to_vec();
        let iterations = self.iterations()?;
        let parameters = Pkcs12PbeParams { salt: OctetString::new(salt)?, iterations };
        let scheme = AlgorithmIdentifierOwned {
            oid: pkcs12::PKCS_12_PBE_WITH_SHAAND3_KEY_TRIPLE_DES_CBC,
            parameters: Some(Any::encode_from(&parameters)?),
        };
        Ok((scheme, ciphertext))
    }

    /// The MAC over the content of the authenticated safe (RFC 7292 section 5.1).
    fn mac(&self, safe: &[u8]) -> Result<MacData, Pkcs12Error> {
        let salt = random_salt()?;
        let (algorithm, oid, key) = match self.encryption {
            Encryption::Modern => {
                let key = self.derive::<sha2::Sha256>(&salt, Pkcs12KeyType::Mac, 32)?;
                (hmac::HMAC_SHA256, ID_SHA_256, key)
            }
            Encryption::Legacy => {
                let key = self.derive::<sha1::Sha1>(&salt, Pkcs12KeyType::Mac, 20)?;
                (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, ID_SHA_1, key)
            }
        };
        let tag = hmac::sign(&hmac::Key::new(algorithm, &key), safe);
        let algorithm = AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) };
        Ok(MacData {
            mac: DigestInfo { algorithm, digest: OctetString::new(tag.as_ref())? },
            mac_salt: OctetString::new(salt)?,
            iterations: self.iterations()?,
        })
    }

    /// The key derivation of RFC 7292 appendix B.
    fn derive<D>(
        &self,
        salt: &[u8],
        purpose: Pkcs12KeyType,
        octets: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error>
    where
        D: sha2::digest::Digest
            + sha2::digest::FixedOutputReset
            + sha2::digest::block_api::BlockSizeUser,
    {
        let passphrase = self.passphrase.expose();
        Ok(derive_key_utf8::<D>(passphrase, salt, purpose, self.iterations()?, octets)
            .map(Zeroizing::new)?)
    }

    fn iterations(&self) -> Result<i32, Pkcs12Error> {
        i32::try_from(self.origin.iterations()).map_err(|_| Pkcs12Error::Encoding)
    }
}

fn random_salt() -> Result<[u8; SALT], Pkcs12Error> {
    let mut salt = [0; SALT];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| Pkcs12Error::Unavailable)?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::issue::Profile;
    use crate::pki::specimen::root;

    fn bundle(passphrase: &str, encryption: Encryption) -> Result<Vec<u8>, Pkcs12Error> {
        let ca = root("orca CA");
        let client = ca.issue(2, "user1", &Profile::Client);
        let contents = Contents {
            key: &client.key,
            certificate: &client.certificate,
            chain: &[ca.certificate],
            friendly_name: "𠮷田",
        };
        build(&contents, &Passphrase::new(passphrase.to_owned()), Origin::Generated, encryption)
    }

    // Java refuses other passphrases, and an empty one protects nothing.
    #[test]
    fn only_ascii_passphrases_are_taken() {
        for bad in ["", "パスワード"] {
            assert_eq!(bundle(bad, Encryption::Modern), Err(Pkcs12Error::Passphrase));
        }
    }

    #[test]
    fn a_certificate_of_another_key_is_refused() {
        let (one, two) = (root("one"), root("two"));
        let contents = Contents {
            key: &one.key,
            certificate: &two.certificate,
            chain: &[],
            friendly_name: "one",
        };
        let passphrase = Passphrase::new("pass".to_owned());
        let refused = build(&contents, &passphrase, Origin::Chosen, Encryption::Modern);
        assert_eq!(refused, Err(Pkcs12Error::OtherKey));
    }

    // I19, and the names of people stay unreadable without the passphrase.
    #[test]
    fn salts_are_random_and_names_are_encrypted() {
        for encryption in [Encryption::Modern, Encryption::Legacy] {
            let mac = |bytes: &[u8]| Pfx::from_der(bytes).unwrap().mac_data.unwrap();
            let (one, two) = (bundle("p", encryption).unwrap(), bundle("p", encryption).unwrap());
            assert_eq!(mac(&one).mac_salt.as_bytes().len(), 16);
            assert_ne!(mac(&one).mac_salt, mac(&two).mac_salt);
            assert!(!one.windows(5).any(|five| five == b"user1"));
        }
    }
}
