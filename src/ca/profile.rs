//! The rules of each kind of certificate: how long it may last, and what it carries.

use crate::ground::clock::{DAY, Timestamp};
use crate::ground::messages::Refusal;
use crate::pki::Certificate;

use super::request::Validity;

/// Version of the rules, recorded with every certificate.
pub(super) const VERSION: u8 = 1;
/// notBefore lies this far back, for clocks that run behind.
const BACKDATED: i64 = 3_600;
/// The longest a certificate can be asked for, in days: a hundred years.
const LONGEST: u32 = 36_525;
/// Apple's devices refuse server certificates that last longer, in days.
pub const APPLE_LIMIT: i64 = 825;
/// How long a certificate authority lasts, in days: 20 years, five of them leap years.
pub const AUTHORITY_DAYS: u32 = 7_305;

/// From when to when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// notBefore.
    pub not_before: Timestamp,
    /// notAfter.
    pub not_after: Timestamp,
    /// Whether it was shortened to the issuer's end.
    pub shortened: bool,
}

/// The period of a certificate authority that signs itself.
///
/// # Errors
/// No days, or over a hundred years of them.
pub(super) fn root_period(days: u32, now: Timestamp) -> Result<Period, Refusal> {
    let days = checked_days(days)?;
    let (not_before, not_after) = (now.plus_seconds(-BACKDATED), now.plus_days(days));
    Ok(Period { not_before, not_after, shortened: false })
}

/// The period of a certificate under an issuer: it begins not before the issuer, and does not
/// outlive it.
///
/// # Errors
/// The issuer is not valid now, or ends earlier and shortening was not asked for.
pub(super) fn period(
    issuer: &Certificate,
    validity: Validity,
    now: Timestamp,
) -> Result<Period, Refusal> {
    check_issuer(issuer, now)?;
    let days = checked_days(validity.days)?;
    let not_before = now.plus_seconds(-BACKDATED).max(issuer.not_before());
    let asked = now.plus_days(days);
    if asked <= issuer.not_after() {
        return Ok(Period { not_before, not_after: asked, shortened: false });
    }
    if validity.shorten {
        return Ok(Period { not_before, not_after: issuer.not_after(), shortened: true });
    }
    Err(Refusal::ValidityBeyondIssuer {
        asked: asked.local_date(),
        last: issuer.not_after().local_date(),
        days: now.days_until(issuer.not_after()).to_string(),
    })
}

/// Refuses to sign anything with an issuer that is not valid now.
///
/// # Errors
/// `IssuerExpired`, `IssuerNotYetValid`.
pub fn check_issuer(issuer: &Certificate, now: Timestamp) -> Result<(), Refusal> {
    if now > issuer.not_after() {
        return Err(Refusal::IssuerExpired { ended: issuer.not_after().local() });
    }
    if now < issuer.not_before() {
        return Err(Refusal::IssuerNotYetValid {
            begins: issuer.not_before().local(),
            now: now.local(),
        });
    }
    Ok(())
}

/// Whether a server certificate lasts longer than Apple's devices accept.
#[must_use]
pub fn beyond_apple_limit(not_before: Timestamp, not_after: Timestamp) -> bool {
    not_after.unix() - not_before.unix() > APPLE_LIMIT * DAY
}

fn checked_days(days: u32) -> Result<i64, Refusal> {
    if days == 0 || days > LONGEST {
        return Err(Refusal::ValidityOutOfRange {
            days: days.to_string(),
            longest: LONGEST.to_string(),
        });
    }
    Ok(i64::from(days))
}
