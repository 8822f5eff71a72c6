//! What is handed out: a certificate with its chain, and with its private key when there is one.

use std::io::{Cursor, Write};

use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ground::secret::{Passphrase, SecretBytes};
use crate::ground::untrusted::is_hidden;
use crate::pki::passphrase::{Origin, generate_passphrase};
use crate::pki::pkcs12::{self, Encryption};
use crate::pki::{Certificate, PrivateKey, name, pkcs8};

/// A certificate for its holder.
pub struct Bundle {
    /// What its files are called, without an ending: `000002__JP_orca_192.168.1.100`.
    pub stem: String,
    /// The certificate, and the intermediate ones after it.
    pub chain: Vec<Certificate>,
    /// The root.
    pub root: Certificate,
    /// What goes with a private key; none for a certificate authority or a request.
    pub key: Option<KeyMaterial>,
}

/// A private key in the forms people import it in.
pub struct KeyMaterial {
    /// PEM, in the clear.
    pub plain_pem: SecretBytes,
    /// PKCS#12 with the chain and the root in it.
    pub pkcs12: Vec<u8>,
    /// The passphrase of the PKCS#12, and of the encrypted PEM in the manual's zip.
    pub passphrase: Passphrase,
}

/// Octets of a stem: with the longest ending it stays under the 200 that every system takes.
const LONGEST_STEM: usize = 180;

impl Bundle {
    /// The bundle of a certificate and its private key.
    ///
    /// # Errors
    /// The random number generator or the cryptographic library failed.
    pub fn with_key(
        stem: String,
        chain: Vec<Certificate>,
        root: Certificate,
        key: &PrivateKey,
        encryption: Encryption,
    ) -> Result<Self, Refusal> {
        let failed = || Refusal::CryptographyFailed {};
        let passphrase = generate_passphrase().map_err(|_| failed())?;
        let (certificate, intermediates) = chain.split_first().ok_or_else(failed)?;
        let above = [intermediates, std::slice::from_ref(&root)].concat();
        let name = certificate.common_name().unwrap_or_else(|| stem.clone());
        let contents = pkcs12::Contents { key, certificate, chain: &above, friendly_name: &name };
        let pkcs12 = pkcs12::build(&contents, &passphrase, Origin::Generated, encryption)
            .map_err(|_| failed())?;
        let plain_pem = key.pkcs8_pem().map_err(|_| failed())?;
        let material = KeyMaterial { plain_pem, pkcs12, passphrase };
        Ok(Self { stem, chain, root, key: Some(material) })
    }

    /// The certificate, followed by the intermediate ones, in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(Certificate::pem).collect()
    }

    /// The manual's zip: one folder of exactly six files, named after it. For a certificate
    /// authority or a request there is no key, and so only the certificates.
    ///
    /// # Errors
    /// The key cannot be encrypted or the zip cannot be built; only for a lack of memory.
    pub fn manual_zip(&self, now: Timestamp) -> Result<SecretBytes, Refusal> {
        let mut entries: Vec<(String, &[u8])> = Vec::new();
        let certificate = self.chain_pem();
        let root = self.root.pem();
        // Only this form needs it, and its passphrase takes long to stretch.
        let encrypted_pem = self.key.as_ref().map(KeyMaterial::encrypted_pem).transpose()?;
        if let (Some(key), Some(encrypted_pem)) = (&self.key, &encrypted_pem) {
            entries.push((format!("{}.crt", self.stem), certificate.as_bytes()));
            entries.push((format!("{}.enc.pem", self.stem), encrypted_pem.as_bytes()));
            entries.push((format!("{}.p12", self.stem), &key.pkcs12));
            entries.push((format!("{}.pass", self.stem), key.passphrase.expose().as_bytes()));
            entries.push((format!("{}.pem", self.stem), key.plain_pem.expose()));
        } else if self.chain.first().is_some_and(|leaf| leaf.der() != self.root.der()) {
            entries.push((format!("{}.crt", self.stem), certificate.as_bytes()));
        }
        entries.push(("ca.crt".to_owned(), root.as_bytes()));
        zip(&self.stem, &entries, now).map_err(|_| Refusal::CryptographyFailed {})
    }
}

impl KeyMaterial {
    /// PEM, encrypted under the passphrase.
    fn encrypted_pem(&self) -> Result<String, Refusal> {
        let failed = |_| Refusal::CryptographyFailed {};
        let key = pkcs8::read_pem(&self.plain_pem).map_err(failed)?;
        pkcs8::encrypted_pem(&key, &self.passphrase, Origin::Generated).map_err(failed)
    }
}

/// The name of a certificate's files: its number in six digits and the values of its subject, with
/// everything that a file system or a shell could take for something else written as `%XX`.
#[must_use]
pub fn stem(number: u64, subject_der: &[u8]) -> String {
    let mut stem = format!("{number:06}_");
    for value in name::values_of_der(subject_der) {
        for escaped in std::iter::once("_".to_owned()).chain(value.chars().map(escape)) {
            if stem.len() + escaped.len() > LONGEST_STEM {
                return stem;
            }
            stem.push_str(&escaped);
        }
    }
    stem
}

fn escape(character: char) -> String {
    let unsafe_in_names = "/\\:*?\"<>|%$`'&;!#~(){}[]".contains(character);
    if !unsafe_in_names && !is_hidden(character) && !character.is_whitespace() {
        return character.to_string();
    }
    let mut buffer = [0; 4];
    character.encode_utf8(&mut buffer).bytes().map(|octet| format!("%{octet:02X}")).collect()
}

/// A zip of one folder, stored and not compressed, in one allocation that is wiped.
fn zip(
    folder: &str,
    entries: &[(String, &[u8])],
    now: Timestamp,
) -> zip::result::ZipResult<SecretBytes> {
    // Per entry: two headers with the path, and their fixed parts with room to spare.
    let size =
        entries.iter().map(|(name, data)| data.len() + 2 * (folder.len() + name.len()) + 400);
    let buffer = Zeroizing::new(Vec::with_capacity(size.sum::<usize>() + 4_096));
    let mut writer = ZipWriter::new(Wiped(Cursor::new(buffer)));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(entry_time(now));
    writer.add_directory(folder, options.unix_permissions(0o700))?;
    for (name, data) in entries {
        writer.start_file(format!("{folder}/{name}"), options.unix_permissions(0o600))?;
        writer.write_all(data)?;
    }
    let Wiped(cursor) = writer.finish()?;
    Ok(SecretBytes::copy_of(&cursor.into_inner()))
}

/// The time of entries, in the local zone as zip has it; the earliest it can say for a clock before 1980.
fn entry_time(now: Timestamp) -> zip::DateTime {
    let (year, month, day, hour, minute, second) = now.local_parts();
    let year = u16::try_from(year).unwrap_or(0);
    let octet = |part: i8| u8::try_from(part).unwrap_or(0);
    let (month, day) = (octet(month), octet(day));
    zip::DateTime::from_date_and_time(year, month, day, octet(hour), octet(minute), octet(second))
        .unwrap_or_default()
}

/// A cursor over wiped memory; the zip library wants to write and seek.
struct Wiped(Cursor<Zeroizing<Vec<u8>>>);

impl Write for Wiped {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let position = usize::try_from(self.0.position()).unwrap_or(usize::MAX);
        let bytes = self.0.get_mut();
        let end = position.saturating_add(data.len());
        if end > bytes.capacity() {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        if end > bytes.len() {
            bytes.resize(end, 0);
        }
        if let Some(place) = bytes.get_mut(position..end) {
            place.copy_from_slice(data);
        }
        self.0.set_position(u64::try_from(end).unwrap_or(u64::MAX));
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Wiped {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        match to {
            std::io::SeekFrom::End(offset) => {
                let length = i64::try_from(self.0.get_ref().len()).unwrap_or(i64::MAX);
                let place = u64::try_from(length.saturating_add(offset)).unwrap_or(0);
                self.0.set_position(place);
            }
            std::io::SeekFrom::Start(place) => self.0.set_position(place),
            std::io::SeekFrom::Current(offset) => {
                let place = self.0.position().saturating_add_signed(offset);
                self.0.set_position(place);
            }
        }
        Ok(self.0.position())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{CommonName, DistinguishedName};
    use proptest::prelude::*;

    fn stem_of(number: u64, common_name: &str) -> String {
        let name = CommonName::parse(common_name).unwrap();
        stem(number, &DistinguishedName::new(name).to_der().unwrap())
    }

    #[test]
    fn file_names_are_those_of_the_manual() {
        assert_eq!(stem_of(2, "192.168.1.100"), "000002__JP_orca_192.168.1.100");
        assert_eq!(stem_of(3, "受付1"), "000003__JP_orca_受付1");
        assert_eq!(stem_of(1_234_567, "user1"), "1234567__JP_orca_user1");
    }

    #[test]
    fn a_name_cannot_leave_its_folder_or_speak_to_the_shell() {
        assert_eq!(stem_of(4, "../../etc"), "000004__JP_orca_..%2F..%2Fetc");
        assert_eq!(stem_of(4, "a b;$(c)"), "000004__JP_orca_a%20b%3B%24%28c%29");
    }

    proptest! {
        #[test]
        fn a_stem_is_a_file_name_of_at_most_180_octets(name in any::<String>()) {
            prop_assume!(CommonName::parse(&name).is_ok());
            let stem = stem_of(5, &name);
            prop_assert!(stem.len() <= LONGEST_STEM);
            let odd = |c: char| c == '/' || c.is_control() || c.is_whitespace();
            prop_assert!(!stem.contains(odd));
        }
    }

    #[test]
    fn the_zip_is_built_in_one_allocation() {
        let entries = vec![("a".to_owned(), [1_u8; 9_000].as_slice()), ("b".to_owned(), &[2; 10])];
        let zip = zip("folder", &entries, Timestamp::from_unix(1_800_000_000)).unwrap();
        assert!(zip.expose().starts_with(b"PK"));
    }
}
