//! `sekisho revoke` and `sekisho forget-key`.

use serde_json::json;

use super::arguments::Revoke;
use super::list::shown_name;
use super::session::Session;
use crate::door::Door;
use crate::door::command::Selector;
use crate::door::reply::{Cut, RevocationReply};
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

/// Revokes a certificate. A running service cuts its holder off at every gate and publishes the CRL;
/// without one, a CRL is written where the vault can be opened.
pub(super) fn run(session: &Session, arguments: &Revoke) -> Result<(), Refusal> {
    let reason = reason(&arguments.reason)?;
    let since = arguments.since.as_deref().map(|text| time(text, session.now)).transpose()?;
    let which = Selector::Text(arguments.which.clone());
    match session.service()? {
        Some(mut door) => {
            let reply = door.revoke(which, reason, since, arguments.lineage)?;
            live(session, reason, &reply)
        }
        None => {
            offline(session, arguments, |door| door.revoke(which, reason, since, arguments.lineage))
        }
    }
}

/// What the service did, gate by gate.
fn live(session: &Session, reason: Reason, reply: &RevocationReply) -> Result<(), Refusal> {
    say_revoked(session, reply);
    for cut in &reply.cuts {
        say_cut(session, cut);
    }
    match &reply.crl {
        Some(Ok(crl)) => super::crl::say_written(session, crl),
        // The service is sealed, or something is wrong with the CRL: the gates know all the same.
        Some(Err(refusal)) => {
            session.screen.warn(&Text::CrlFollows { why: refusal.what(session.screen.language()) })
        }
        None => {}
    }
    let cuts: Vec<_> = reply.cuts.iter().map(json_of_cut).collect();
    session.screen.json(&json!({
        "revoked": numbers(reply).first(),
        "lineage": numbers(reply),
        "reason": reason.name(),
        "gates": cuts,
        "crl_number": reply.crl.as_ref().and_then(|crl| crl.as_ref().ok()).map(|crl| crl.number),
    }));
    match reply.cuts.iter().find(|cut| cut.done.is_none_or(|done| done.left > 0)) {
        None => Ok(()),
        Some(cut) => Err(Refusal::GateDidNotCut { gate: cut.gate.clone() }),
    }
}

fn offline(
    session: &Session,
    arguments: &Revoke,
    revoke: impl FnOnce(&mut Door) -> Result<RevocationReply, Refusal>,
) -> Result<(), Refusal> {
    let secret = session.secrets.secret(&session.folder, session.screen.language(), false);
    if let Err(Refusal::Cancelled {}) = secret {
        return Err(Refusal::Cancelled {});
    }
    let (secret, refused) = secret.map_or_else(|no| (None, Err(no)), |yes| (Some(yes), Ok(())));
    let (mut door, unlocked) = session.local(secret)?;
    let unlocked = refused.and(unlocked);
    let reply = revoke(&mut door)?;
    say_revoked(session, &reply);

    // The revocation stands whatever becomes of the CRL.
    let published = unlocked.and_then(|()| {
        let crl = door.sign_crl(arguments.crl_days)?;
        let files = session.publish(&crl.der, session.folder.path())?;
        super::crl::say_written(session, &crl);
        session.screen.line(&format!("  {}\n  {}", files.pem.display(), files.der.display()));
        Ok(files.pem)
    });
    session.screen.json(&json!({
        "revoked": numbers(&reply).first(),
        "lineage": numbers(&reply),
        "reason": reason(&arguments.reason)?.name(),
        "crl": published.as_ref().ok(),
    }));
    let number = reply.revoked.first().map(|view| format!("{:06}", view.number));
    published.map(drop).inspect_err(|_| {
        session.screen.warn(&Text::RevokedWithoutCrl { number: number.unwrap_or_default() });
    })
}

fn say_revoked(session: &Session, reply: &RevocationReply) {
    for view in &reply.revoked {
        let number = format!("{:06}", view.number);
        session.screen.say(&Text::Revoked { number, name: shown_name(view) });
    }
}

fn say_cut(session: &Session, cut: &Cut) {
    let gate = cut.gate.clone();
    match cut.done {
        Some(done) if !done.enforced => session.screen.warn(&Text::GateByFiles { gate }),
        Some(done) => session.screen.say(&Text::CutAtGate {
            gate,
            count: done.connections.to_string(),
            milliseconds: format!(
                "{}.{}",
                done.microseconds / 1000,
                done.microseconds % 1000 / 100
            ),
        }),
        None => session.screen.warn(&Text::GateSilent { gate }),
    }
}

fn json_of_cut(cut: &Cut) -> serde_json::Value {
    json!({
        "gate": cut.gate,
        "answered": cut.done.is_some(),
        "enforced": cut.done.map(|done| done.enforced),
        "cut": cut.done.map(|done| done.connections),
        "microseconds": cut.done.map(|done| done.microseconds),
        "left": cut.done.map(|done| done.left),
    })
}

fn numbers(reply: &RevocationReply) -> Vec<u64> {
    reply.revoked.iter().map(|view| view.number).collect()
}

/// Deletes the sealed copy of a private key for good.
pub(super) fn forget_key(session: &Session, which: &str) -> Result<(), Refusal> {
    let mut door = session.open_sealed()?;
    let view = door.forget_key(Selector::Text(which.to_owned()))?;
    let number = format!("{:06}", view.number);
    session.screen.say(&Text::KeyIsForgotten { number });
    session.screen.json(&json!({ "forgotten": view.number }));
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
