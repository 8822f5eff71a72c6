//! Revoking, and the CRLs that tell of it.

#![forbid(unsafe_code)]

mod merging;

use std::collections::BTreeMap;

pub use merging::{Merged, merge};

use crate::ca::{self, Issuer};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{
    CrlSigned, Event, Ledger, LostSerial, Numbered, Profile, Record, Revoked, State, Transaction,
    octets, sha256,
};
use crate::pki::SerialNumber;
use crate::pki::revocation_list::{Reason, RevocationListToBeSigned, RevokedCertificate};
use crate::vault::OpenVault;

/// A CRL that was signed just now.
pub struct SignedCrl {
    /// The CRL, in DER.
    pub der: Vec<u8>,
    /// Its number (RFC 5280 section 5.2.3).
    pub number: u64,
    /// How many certificates are on it.
    pub entries: usize,
    /// thisUpdate.
    pub this_update: Timestamp,
    /// nextUpdate.
    pub next_update: Timestamp,
}

/// Revokes a certificate. The ledger knows of it at once; the next CRL tells everybody else.
///
/// # Errors
/// Unknown number, revoked or abandoned already, or a certificate authority's own certificate.
pub fn revoke(
    ledger: &Ledger,
    number: u64,
    reason: Reason,
    invalidity: Option<Timestamp>,
    now: Timestamp,
    actor: &str,
) -> Result<Record, Refusal> {
    let mut transaction = ledger.begin(now, actor)?;
    let record = revocable(&transaction, number)?;
    if record.state() != State::Issued {
        return Err(not_in_force(&record));
    }
    let record = append(&mut transaction, number, reason, invalidity)?;
    transaction.commit()?;
    Ok(record)
}

/// Revokes a certificate with its whole lineage in one durable change: what it renews, what renews
/// it, and so on. What is only intended is abandoned, so that its signature never counts. Returns
/// what was revoked now, in order of number.
///
/// # Errors
/// Unknown number, a certificate authority's own certificate, or nothing of it is in force.
pub fn revoke_lineage(
    ledger: &Ledger,
    number: u64,
    reason: Reason,
    invalidity: Option<Timestamp>,
    now: Timestamp,
    actor: &str,
) -> Result<Vec<Record>, Refusal> {
    let mut transaction = ledger.begin(now, actor)?;
    let asked = revocable(&transaction, number)?;
    let mut revoked = Vec::new();
    let mut abandoned = false;
    for record in lineage(&transaction, &asked)? {
        let number = record.number();
        match record.state() {
            State::Issued => revoked.push(append(&mut transaction, number, reason, invalidity)?),
            State::Intended => {
                transaction.append(Event::Abandoned(Numbered { number }))?;
                abandoned = true;
            }
            State::Revoked | State::Abandoned => {}
        }
    }
    if revoked.is_empty() && !abandoned {
        return Err(not_in_force(&asked));
    }
    transaction.commit()?;
    Ok(revoked)
}

/// Signs a CRL of everything of the issuer that is revoked or abandoned, valid for some days from
/// now. What has expired is left out once a CRL later than its end has shown it (RFC 5280
/// section 5: it must appear on one regularly scheduled CRL beyond its validity).
///
/// # Errors
/// The issuer is not valid now, the ledger is not whole, or it could not be written.
pub fn sign_crl(
    ledger: &Ledger,
    vault: &OpenVault,
    issuer: &Issuer,
    days: u32,
    now: Timestamp,
    actor: &str,
) -> Result<SignedCrl, Refusal> {
    ca::check_issuer(issuer.certificate(), now)?;
    if days == 0 || days > LONGEST {
        return Err(Refusal::ValidityOutOfRange {
            days: days.to_string(),
            longest: LONGEST.to_string(),
        });
    }
    let key = vault.authority_key(issuer.number())?;
    let reader = ledger.reader()?;
    // A CRL that lacks a revocation lets somebody in: nothing is signed from an index alone.
    reader.verify_appended()?;
    let previous = reader.last_crl(issuer.number())?;
    let number = previous.as_ref().map_or(0, |crl| crl.number).max(reader.crl_floor()?) + 1;
    // Never beyond now: a CRL that was signed while the clock ran ahead must not hide anything.
    let shown_until = previous.map_or(0, |crl| crl.this_update).min(now.unix_unsigned());
    let mut entries: Vec<RevokedCertificate> = reader
        .revoked(issuer.number())?
        .iter()
        .filter(|record| record.not_after().unix_unsigned() >= shown_until)
        .map(|record| entry(record, now))
        .collect::<Result<_, _>>()?;
    // When those end is not known.
    for lost in reader.lost(issuer.number())? {
        entries.push(lost_entry(&lost, now)?);
    }
    let count = entries.len();
    let next_update = now.plus_days(i64::from(days)).min(issuer.certificate().not_after());
    let failed = |_| Refusal::CryptographyFailed {};
    let list =
        RevocationListToBeSigned::build(issuer.certificate(), number, now, next_update, entries)
            .map_err(|_| Refusal::CryptographyFailed {})?;
    let der = list.sign(key).map_err(failed)?;

    let mut transaction = ledger.begin(now, actor)?;
    transaction.append(Event::CrlSigned(CrlSigned {
        issuer: issuer.number(),
        number,
        this_update: now.unix_unsigned(),
        next_update: next_update.unix_unsigned(),
        sha256: octets(&sha256(&der))?,
    }))?;
    transaction.commit()?;
    Ok(SignedCrl { der, number, entries: count, this_update: now, next_update })
}

/// The longest a CRL can be valid, in days.
const LONGEST: u32 = 36_525;

fn lost_entry(lost: &LostSerial, now: Timestamp) -> Result<RevokedCertificate, Refusal> {
    let damaged = || Refusal::LedgerDamaged { reason: "a lost serial".to_owned() };
    Ok(RevokedCertificate {
        serial: SerialNumber::from_der_integer(lost.serial.as_bytes()).map_err(|_| damaged())?,
        revoked_at: time_of(lost.revoked_at).min(now),
        reason: Reason::of_code(lost.reason).ok_or_else(damaged)?,
        invalid_since: lost.invalidity.map(time_of),
    })
}

fn time_of(seconds: u64) -> Timestamp {
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// A revocation recorded while the clock ran ahead is of now: some readers disregard one to come.
fn entry(record: &Record, now: Timestamp) -> Result<RevokedCertificate, Refusal> {
    let damaged = || Refusal::LedgerDamaged { reason: format!("record {}", record.number()) };
    let mark = record.revocation().ok_or_else(damaged)?;
    Ok(RevokedCertificate {
        serial: SerialNumber::from_der_integer(record.serial()).map_err(|_| damaged())?,
        revoked_at: time_of(mark.time).min(now),
        reason: Reason::of_code(mark.reason).ok_or_else(damaged)?,
        invalid_since: mark.invalidity.map(time_of),
    })
}

/// A certificate that may be revoked, if it is in force.
fn revocable(transaction: &Transaction<'_>, number: u64) -> Result<Record, Refusal> {
    let shown = || format!("{number:06}");
    let record = transaction.record(number)?;
    let record = record.ok_or_else(|| Refusal::UnknownNumber { number: shown() })?;
    if matches!(record.profile(), Profile::Root | Profile::Issuing) {
        return Err(Refusal::AuthorityNotRevocable { number: shown() });
    }
    Ok(record)
}

fn append(
    transaction: &mut Transaction<'_>,
    number: u64,
    reason: Reason,
    invalidity: Option<Timestamp>,
) -> Result<Record, Refusal> {
    let invalidity = invalidity.map(Timestamp::unix_unsigned);
    let (reason, revoked_at) = (reason.code(), None);
    transaction.append(Event::Revoked(Revoked { number, reason, invalidity, revoked_at }))?;
    revocable(transaction, number)
}

/// Everything that descends from what a certificate descends from, in order of number. It is a tree:
/// whatever renews has a higher number than what it renews.
fn lineage(transaction: &Transaction<'_>, member: &Record) -> Result<Vec<Record>, Refusal> {
    let mut oldest = member.clone();
    while let Some(renewed) = oldest.renews() {
        oldest = revocable(transaction, renewed)?;
    }
    let mut found = BTreeMap::new();
    let mut open = vec![oldest];
    while let Some(record) = open.pop() {
        for follower in transaction.renewals(record.number())? {
            open.push(revocable(transaction, follower)?);
        }
        found.insert(record.number(), record);
    }
    Ok(found.into_values().collect())
}

fn not_in_force(record: &Record) -> Refusal {
    match record.state() {
        State::Revoked => already_revoked(record),
        _ => Refusal::NeverIssued { number: format!("{:06}", record.number()) },
    }
}

fn already_revoked(record: &Record) -> Refusal {
    let time = time_of(record.revocation().map_or(0, |mark| mark.time));
    Refusal::AlreadyRevoked { number: format!("{:06}", record.number()), time: time.local() }
}
