//! `sekisho revoke` and `sekisho forget-key`.

use serde_json::json;

use super::arguments::Revoke;
use super::list::shown_name;
use super::session::{Session, selector};
use crate::ground::clock::Timestamp;
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::pki::revocation_list::Reason;

/// The reasons that revoke for good (RFC 5280 section 5.3.1); a hold could be lifted, and nothing
/// here lifts one.
const PERMANENT: [Reason; 6] = [
    Reason::Unspecified,
    Reason::KeyCompromise,
    Reason::AffiliationChanged,
    Reason::Superseded,
    Reason::CessationOfOperation,
    Reason::PrivilegeWithdrawn,
];

/// Revokes a certificate, then publishes a CRL of it where the vault can be opened.
pub(super) fn run(session: &Session, arguments: &Revoke) -> Result<(), Refusal> {
    let reason = reason(&arguments.reason)?;
    let since = arguments.since.as_deref().map(|text| time(text, session.now)).transpose()?;
    let secret = session.secrets.secret(&session.folder, session.screen.language());
    if let Err(Refusal::Cancelled {}) = secret {
        return Err(Refusal::Cancelled {});
    }
    let mut authority = session.open_sealed()?;
    let view = authority.revoke(&selector(&authority, &arguments.which)?, reason, since)?;
    let number = format!("{:06}", view.record.number());
    session.screen.say(&Text::Revoked { number: number.clone(), name: shown_name(&view) });

    // The revocation stands whatever becomes of the CRL.
    let published = secret.and_then(|secret| {
        authority.unlock(&secret)?;
        let crl = authority.sign_crl(arguments.crl_days)?;
        let files = session.publish(&crl, session.folder.path())?;
        session.screen.say(&Text::CrlWritten {
            number: crl.number.to_string(),
            entries: crl.entries.to_string(),
            until: crl.next_update.local(),
        });
        session.screen.line(&format!("  {}\n  {}", files.pem.display(), files.der.display()));
        Ok(files.pem)
    });
    session.screen.json(&json!({
        "revoked": view.record.number(),
        "reason": reason.name(),
        "crl": published.as_ref().ok(),
    }));
    published.map(drop).inspect_err(|_| session.screen.warn(&Text::RevokedWithoutCrl { number }))
}

/// Deletes the sealed copy of a private key for good.
pub(super) fn forget_key(session: &Session, which: &str) -> Result<(), Refusal> {
    let authority = session.open_sealed()?;
    let view = authority.forget_key(&selector(&authority, which)?)?;
    let number = format!("{:06}", view.record.number());
    session.screen.say(&Text::KeyIsForgotten { number });
    session.screen.json(&json!({ "forgotten": view.record.number() }));
    Ok(())
}

/// A reason by its name, in any case.
pub(super) fn reason(name: &str) -> Result<Reason, Refusal> {
    PERMANENT.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        Refusal::ReasonNotPermanent {
            reason: Untrusted(name).to_string(),
            permanent: PERMANENT.map(Reason::name).join(", "),
        }
    })
}

/// A past time in RFC 3339, or a date.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let invalid = || Refusal::TimeInvalid { time: Untrusted(text).to_string() };
    let seconds = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_second(),
        Err(_) => {
            let date: jiff::civil::Date = text.parse().map_err(|_| invalid())?;
            let zone = jiff::tz::TimeZone::system();
            date.to_zoned(zone).map_err(|_| invalid())?.timestamp().as_second()
        }
    };
    let time = Timestamp::from_unix(seconds);
    if time > now { Err(invalid()) } else { Ok(time) }
}
