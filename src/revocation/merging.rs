//! Bringing back what was revoked since a copy of the ledger was made: the newest list that was
//! published says it.

use crate::ca::Issuer;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{
    Event, Ledger, LostSerial, Profile, Reconciled, Revoked, State, Transaction, octets,
};
use crate::pki::RevocationList;
use crate::pki::revocation_list::RevokedCertificate;

/// What became of a restored ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Certificates of the ledger that the list revoked.
    pub revoked: u64,
    /// Serials on the list of which the ledger knew nothing: issued after the copy.
    pub lost: u64,
    /// The number of the list; none without one.
    pub number: Option<u64>,
}

/// Lists that may have been signed after the one that is merged.
const UNSEEN_LISTS: u64 = 10_000;

/// Takes over what a list of the issuer says, in one durable change, and ends the waiting of a
/// restored ledger. Without a list it is given up: what was revoked since the copy is lost.
///
/// # Errors
/// A list that is older than the newest the ledger knows, or the ledger could not be written.
pub fn merge(
    ledger: &Ledger,
    issuer: &Issuer,
    list: Option<&RevocationList>,
    now: Timestamp,
    actor: &str,
) -> Result<Merged, Refusal> {
    let reader = ledger.reader()?;
    let known = reader.last_crl(issuer.number())?.map_or(0, |crl| crl.number);
    let number = list.map(number_of).transpose()?;
    if let Some(number) = number.filter(|number| *number < known) {
        let (list, known) = (number.to_string(), known.to_string());
        return Err(Refusal::RevocationListOlderThanBackup { list, known });
    }
    let mut merged = Merged { revoked: 0, lost: 0, number };
    let mut transaction = ledger.begin(now, actor)?;
    for entry in list.iter().flat_map(|list| list.entries()) {
        match reader.number_of_serial(entry.serial.as_bytes())? {
            Some(number) => merged.revoked += u64::from(revoke(&mut transaction, number, &entry)?),
            None => {
                let issuer = issuer.number();
                transaction.append(Event::LostRevoked(LostSerial {
                    issuer,
                    serial: octets(entry.serial.as_bytes())?,
                    reason: entry.reason.code(),
                    revoked_at: entry.revoked_at.unix_unsigned(),
                    invalidity: entry.invalid_since.map(Timestamp::unix_unsigned),
                }))?;
                merged.lost += 1;
            }
        }
    }
    transaction.append(Event::Reconciled(Reconciled {
        crl_number: number.map_or(0, |number| number.saturating_add(UNSEEN_LISTS)),
        revoked: merged.revoked,
        lost: merged.lost,
        merged: number,
    }))?;
    transaction.commit()?;
    Ok(merged)
}

/// Whether the ledger did not know of it yet.
fn revoke(
    transaction: &mut Transaction<'_>,
    number: u64,
    entry: &RevokedCertificate,
) -> Result<bool, Refusal> {
    let record = transaction.record(number)?;
    let in_force = record.is_some_and(|record| {
        let authority = matches!(record.profile(), Profile::Root | Profile::Issuing);
        record.state() == State::Issued && !authority
    });
    if in_force {
        transaction.append(Event::Revoked(Revoked {
            number,
            reason: entry.reason.code(),
            invalidity: entry.invalid_since.map(Timestamp::unix_unsigned),
            revoked_at: Some(entry.revoked_at.unix_unsigned()),
        }))?;
    }
    Ok(in_force)
}

/// Ours are counted from 1.
fn number_of(list: &RevocationList) -> Result<u64, Refusal> {
    let octets = list.number();
    let mut number = octets.as_bytes().iter();
    let number = number.try_fold(0_u64, |number, octet| {
        number.checked_mul(256).map(|number| number | u64::from(*octet))
    });
    number.ok_or(Refusal::RevocationListIncomplete {})
}
