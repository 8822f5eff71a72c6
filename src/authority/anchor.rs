//! Anchors: where the ledger's chain ended at some time, kept on paper or on another machine. A data
//! folder that was rolled back as a whole is consistent in itself; only what is kept elsewhere tells.
//!
//! An anchor is text, in Base32 (RFC 4648 section 6) of: version (1 octet), what names the vault (16),
//! the last entry's place (8), time (8) and hash (32), and, when the vault's key has sealed it, that
//! key's id (8) and its HMAC (32); then 4 octets of SHA-256 against typing errors.

use data_encoding::BASE32_NOPAD;
use der::{Decode, Encode, Sequence};

use super::{Authority, head_keys};
use crate::door::reply::{Anchor, AnchorCheck, AnchorSeal, AnchorStanding, LastAnchorCheck};
use crate::ground::clock::Timestamp;
use crate::ground::files::{self, PRIVATE};
use crate::ground::messages::Refusal;
use crate::ledger::{HeadMark, HeadSeal, sha256};
use crate::vault::SealedVault;

const VERSION: u8 = 1;
const CHECKSUM: usize = 4;
/// The first line; and what begins a line for people only.
const HEADING: &str = "SEKISHO ANCHOR";
const REMARK: char = '#';
/// Characters of a group, and groups of a line.
const GROUP: usize = 4;
const GROUPS: usize = 8;
/// Octets of the file that tells of the last check.
const LARGEST: u64 = 256;

/// The last check that went well, as it is stored.
#[derive(Sequence)]
struct Checked {
    version: u8,
    time: u64,
    sequence: u64,
}

/// An anchor as people keep it: a heading, a line for them, and groups of four characters.
#[must_use]
pub fn text(anchor: &Anchor) -> String {
    let mut octets = vec![VERSION];
    octets.extend_from_slice(&anchor.vault);
    octets.extend_from_slice(&anchor.sequence.to_be_bytes());
    octets.extend_from_slice(&anchor.time.unix_unsigned().to_be_bytes());
    octets.extend_from_slice(&anchor.hash);
    if let Some(seal) = &anchor.seal {
        octets.extend_from_slice(&seal.key.to_be_bytes());
        octets.extend_from_slice(&seal.mac);
    }
    let digest = sha256(&octets);
    octets.extend(digest.iter().take(CHECKSUM));
    let mut text = format!("{HEADING}\n# {} {}\n", anchor.sequence, anchor.time.rfc3339());
    for (place, character) in BASE32_NOPAD.encode(&octets).chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            text.push(if place % (GROUP * GROUPS) == 0 { '\n' } else { '-' });
        }
        text.push(character);
    }
    text.push('\n');
    text
}

/// Reads an anchor: as it was printed, or the groups alone, however they are typed.
///
/// # Errors
/// `NotAnAnchor`, `AnchorMistyped`, or of a later version.
pub fn parse(text: &str) -> Result<Anchor, Refusal> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(REMARK) && *line != HEADING);
    let typed: String = lines
        .flat_map(str::chars)
        .filter(|character| !character.is_whitespace() && *character != '-')
        .map(|character| character.to_ascii_uppercase())
        .collect();
    if typed.is_empty() || typed.len() > 4096 {
        return Err(Refusal::NotAnAnchor {});
    }
    let octets = BASE32_NOPAD.decode(typed.as_bytes()).map_err(|_| Refusal::AnchorMistyped {})?;
    let content = octets.len().checked_sub(CHECKSUM).and_then(|end| octets.split_at_checked(end));
    let (content, checksum) = content.ok_or(Refusal::AnchorMistyped {})?;
    let digest = sha256(content);
    if digest.get(..CHECKSUM) != Some(checksum) {
        return Err(Refusal::AnchorMistyped {});
    }
    let mut rest = content;
    let [version] = take(&mut rest)?;
    if version != VERSION {
        let version = version.to_string();
        return Err(Refusal::NewerFormat { what: "anchor".to_owned(), version });
    }
    let vault = take(&mut rest)?;
    let sequence = u64::from_be_bytes(take(&mut rest)?);
    let seconds = i64::try_from(u64::from_be_bytes(take(&mut rest)?)).unwrap_or(i64::MAX);
    let (time, hash) = (Timestamp::from_unix(seconds), take(&mut rest)?);
    let seal = if rest.is_empty() {
        None
    } else {
        Some(AnchorSeal { key: u64::from_be_bytes(take(&mut rest)?), mac: take(&mut rest)? })
    };
    if !rest.is_empty() {
        return Err(Refusal::NotAnAnchor {});
    }
    Ok(Anchor { vault, sequence, time, hash, seal })
}

impl Authority {
    /// Where the ledger's chain ends now.
    ///
    /// # Errors
    /// Vault or ledger could not be read.
    pub fn export_anchor(&self) -> Result<Anchor, Refusal> {
        let reader = self.ledger.reader()?;
        let HeadMark { sequence, hash, seal } = reader.head()?;
        let seal = seal.map(|HeadSeal { key, mac }| AnchorSeal { key, mac });
        Ok(Anchor { vault: self.vault_id()?, sequence, time: reader.newest_time()?, hash, seal })
    }

    /// Whether this ledger has grown from what an anchor shows. When it has, that is remembered.
    ///
    /// # Errors
    /// Vault or ledger could not be read; or the chain after the anchor's place does not hang
    /// together.
    pub fn check_anchor(&self, anchor: &Anchor) -> Result<AnchorCheck, Refusal> {
        let reader = self.ledger.reader()?;
        let entries = reader.entries()?;
        if anchor.vault != self.vault_id()? {
            let standing = AnchorStanding::OtherVault;
            return Ok(AnchorCheck { standing, entries, seal_fits: None });
        }
        let standing = match reader.descends_from(anchor.sequence, &anchor.hash)? {
            None => AnchorStanding::Shorter,
            Some(false) => AnchorStanding::Different,
            Some(true) => AnchorStanding::Contained,
        };
        let seal_fits = self.seal_fits(anchor)?;
        if standing == AnchorStanding::Contained && seal_fits != Some(false) {
            let (time, sequence) = (self.now.unix_unsigned(), anchor.sequence);
            let checked = Checked { version: VERSION, time, sequence };
            let bytes = checked.to_der().map_err(|_| Refusal::CryptographyFailed {})?;
            files::write_atomic(&self.folder.anchor_check(), &bytes, PRIVATE)?;
        }
        Ok(AnchorCheck { standing, entries, seal_fits })
    }

    /// When an anchor was last found in the ledger; none as long as that never was.
    #[must_use]
    pub fn last_anchor_check(&self) -> Option<LastAnchorCheck> {
        let bytes = files::read(&self.folder.anchor_check(), LARGEST).ok()?;
        let checked = Checked::from_der(&bytes).ok().filter(|known| known.version == VERSION)?;
        let time = Timestamp::from_unix(i64::try_from(checked.time).unwrap_or(i64::MAX));
        Some(LastAnchorCheck { time, sequence: checked.sequence })
    }

    /// Whether the vault's key made an anchor's seal; `None` without a seal, or without its key.
    fn seal_fits(&self, anchor: &Anchor) -> Result<Option<bool>, Refusal> {
        let (Some(vault), Some(seal)) = (&self.open_vault, &anchor.seal) else { return Ok(None) };
        let seal = Some(HeadSeal { key: seal.key, mac: seal.mac });
        let mark = HeadMark { sequence: anchor.sequence, hash: anchor.hash, seal };
        Ok(mark.is_sealed_by(&head_keys(vault)?))
    }

    fn vault_id(&self) -> Result<[u8; 16], Refusal> {
        let sealed = SealedVault::read(&self.folder.vault())?;
        sealed.id().try_into().map_err(|_| Refusal::VaultDamaged {})
    }
}

fn take<const LENGTH: usize>(rest: &mut &[u8]) -> Result<[u8; LENGTH], Refusal> {
    let (taken, later) = rest.split_first_chunk().ok_or(Refusal::NotAnAnchor {})?;
    *rest = later;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn anchor(seal: bool) -> Anchor {
        let seal = seal.then_some(AnchorSeal { key: 3, mac: [9; 32] });
        let time = Timestamp::from_unix(1_800_000_000);
        Anchor { vault: [7; 16], sequence: 41, time, hash: [5; 32], seal }
    }

    #[test]
    fn an_anchor_reads_back_however_it_is_typed() {
        for anchor in [anchor(true), anchor(false)] {
            let printed = text(&anchor);
            assert_eq!(parse(&printed).unwrap(), anchor);
            let groups: String = printed.lines().skip(2).collect::<Vec<_>>().join(" ");
            assert_eq!(parse(&groups.to_lowercase().replace('-', " ")).unwrap(), anchor);
        }
    }

    #[test]
    fn every_single_wrong_character_is_noticed() {
        let printed: String = text(&anchor(true)).lines().skip(2).collect();
        let typed: Vec<char> = printed.chars().filter(|character| *character != '-').collect();
        for place in 0..typed.len() {
            let mut wrong = typed.clone();
            wrong[place] = if wrong[place] == 'A' { 'B' } else { 'A' };
            let refused = parse(&wrong.iter().collect::<String>()).unwrap_err();
            assert_eq!(refused, Refusal::AnchorMistyped {}, "{place}");
        }
    }

    proptest! {
        #[test]
        fn foreign_text_is_an_error_never_a_panic(typed in "[A-Za-z2-7 \n#-]{0,300}") {
            prop_assert!(parse(&typed).is_err());
        }
    }
}
