//! A backup tried out: brought back in memory, where it issues, revokes and signs a CRL, all of which
//! is then forgotten. Nothing touches a disk, and nothing is left when the process is killed.

use std::io::Read;

use super::content;
use super::orders;
use super::recovery::repair;
use super::slots::check_escrow;
use crate::ca::{Issuer, Signatory};
use crate::door::command::{Key, Order, Purpose, Subject};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{CopyWriter, Whole};
use crate::pki::pkcs12::Encryption;
use crate::pki::revocation_list::Reason;
use crate::pki::{KeyAlgorithm, RevocationList};
use crate::revocation;
use crate::vault::stream::Opener;
use crate::vault::{SealedVault, SlotSecret};

/// What a drill saw.
pub struct Drill {
    /// When the backup was made.
    pub made: Timestamp,
    /// What its ledger has.
    pub whole: Whole,
    /// Private keys that are kept in it; each was opened.
    pub keys: u64,
    /// The subject of its CA.
    pub authority: String,
    /// When that CA ends.
    pub authority_ends: Timestamp,
    /// The number of the certificate that was issued and revoked.
    pub issued: u64,
    /// Certificates on the CRL that was signed.
    pub crl_entries: u64,
}

/// Who acts in a drill.
const ACTOR: &str = "drill";

/// Days of the drill's certificate and CRL.
const DAYS: u32 = 1;

/// Tries a backup out with a secret of its vault. `progress` is told of steps done, and of how many.
///
/// # Errors
/// The first thing that would keep the CA from working once it is restored.
pub fn drill(
    from: Opener<impl Read>,
    secret: &SlotSecret,
    now: Timestamp,
    mut progress: impl FnMut(u64, u64),
) -> Result<Drill, Refusal> {
    let content = content::read(from, CopyWriter::in_memory()?, &mut progress)?;
    let mut ledger = content.ledger;
    // By its own time, if this machine's clock is behind.
    let now = now.max(ledger.reader()?.newest_time()?);
    let sealed = SealedVault::from_bytes(content.vault.expose())?;
    repair(&ledger, &sealed, now, ACTOR)?;
    let vault = sealed.open(secret)?;
    super::seal_ledger(&mut ledger, &vault)?;
    let (items, steps) = (content.manifest.items, content.manifest.steps());
    let whole = ledger.reader()?.verify(|entry| progress(items.saturating_add(entry), steps))?;
    let keys = check_escrow(&ledger.reader()?, &vault)?;

    let issuer = Issuer::newest(&ledger.reader()?)?;
    let signatory = Signatory {
        ledger: &ledger,
        vault: &vault,
        issuer: &issuer,
        encryption: Encryption::Modern,
        now,
        actor: ACTOR,
    };
    let issued = signatory.issue(vec![orders::check(order())?])?.pop();
    let issued = issued.ok_or(Refusal::CryptographyFailed {})??;
    issued
        .certificate
        .verify_signed_by(issuer.certificate())
        .map_err(|_| Refusal::CryptographyFailed {})?;
    revocation::revoke(&ledger, issued.number, Reason::CessationOfOperation, None, now, ACTOR)?;
    let crl = revocation::sign_crl(&ledger, &vault, &issuer, DAYS, now, ACTOR)?;
    let list = RevocationList::verify(&crl.der, issuer.certificate(), now)?;
    let serial = issued.certificate.serial();
    if !list.entries().any(|entry| entry.serial == serial) {
        return Err(Refusal::CryptographyFailed {});
    }
    ledger.reader()?.verify(|_| ())?;
    Ok(Drill {
        made: content.manifest.made(),
        whole,
        keys,
        authority: issuer.certificate().subject_text(),
        authority_ends: issuer.certificate().not_after(),
        issued: issued.number,
        crl_entries: u64::try_from(crl.entries).unwrap_or(u64::MAX),
    })
}

fn order() -> Order {
    Order {
        subject: Subject {
            common_name: "drill".to_owned(),
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            unit: None,
        },
        purpose: Purpose::Client,
        days: DAYS,
        shorten: true,
        key: Key::Generate { algorithm: KeyAlgorithm::EcdsaP256.name().to_owned(), escrow: false },
        person: None,
        device: None,
        source: None,
        request: None,
    }
}
