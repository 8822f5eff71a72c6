//! `sekisho list`, `sekisho show`, `sekisho verify`: what is known.

use serde_json::{Value, json};

use super::progress::Progress;
use super::screen::{Table, Tone};
use super::session::{Session, selector};
use crate::authority::{CertificateView, Standing};
use crate::ground::clock::Timestamp;
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::ledger::{Custody, Holder, Profile};
use crate::pki::SerialNumber;
use crate::pki::revocation_list::Reason;

/// Certificates read at a time.
const PAGE: usize = 512;
/// Days before its end at which a certificate is shown as ending soon.
const SOON: i64 = 60;

/// Lists the certificates; without `all` only those that are in force or will be.
pub(super) fn list(session: &Session, all: bool) -> Result<(), Refusal> {
    let authority = session.open_sealed()?;
    let language = session.screen.language();
    let mut table = Table::default();
    let heading = |text: Text| (text.render(language), Tone::Plain);
    table.row([
        heading(Text::ColumnNumber {}),
        heading(Text::ColumnKind {}),
        heading(Text::ColumnName {}),
        heading(Text::ColumnUntil {}),
        heading(Text::ColumnState {}),
    ]);
    let mut reports = Vec::new();
    let (mut first, mut hidden) = (1, 0_u64);
    loop {
        let page = authority.list(first, PAGE)?;
        let Some(last) = page.last() else { break };
        first = last.record.number() + 1;
        for view in &page {
            let standing = view.standing(session.now);
            if !all && !matches!(standing, Standing::Valid | Standing::NotYetValid) {
                hidden += 1;
                continue;
            }
            let record = &view.record;
            table.row([
                (format!("{:06}", record.number()), Tone::Plain),
                (kind(record.profile()).render(language), Tone::Plain),
                (shown_name(view), Tone::Plain),
                (record.not_after().local_date(), Tone::Plain),
                standing_text(standing, record.not_after(), session.now, language),
            ]);
            reports.push(json_of(view, session.now)?);
        }
    }
    session.screen.table(&table);
    if hidden > 0 {
        session.screen.say(&Text::ListHidden { count: hidden.to_string() });
    }
    session.screen.json(&json!({ "certificates": reports }));
    Ok(())
}

/// Shows everything that is known of one certificate.
pub(super) fn show(session: &Session, which: &str) -> Result<(), Refusal> {
    let authority = session.open_sealed()?;
    let view = authority.show(authority.resolve(&selector(&authority, which)?)?)?;
    let (screen, language, record) = (&session.screen, session.screen.language(), &view.record);
    let (standing, tone) =
        standing_text(view.standing(session.now), record.not_after(), session.now, language);
    let mut table = Table::default();
    table.field(&Text::ColumnNumber {}, format!("{:06}", record.number()), language);
    table.field(&Text::ColumnKind {}, kind(record.profile()).render(language), language);
    if let Some(holder) = &view.holder {
        table.field(&Text::LabelName {}, &holder.subject, language);
        let optional = [
            (
                Text::LabelHosts {},
                Some(&holder.alternative_names).filter(|names| !names.is_empty()),
            ),
            (Text::LabelPerson {}, holder.person.as_ref()),
            (Text::LabelDevice {}, holder.device.as_ref()),
            (Text::LabelSource {}, holder.source.as_ref()),
        ];
        for (label, value) in optional {
            if let Some(value) = value {
                table.field(&label, Untrusted(value).to_string(), language);
            }
        }
    }
    let label = format!("  {}", Text::ColumnState {}.render(language));
    table.row([(label, Tone::Plain), (standing, tone)]);
    if let Some(mark) = record.revocation() {
        let time = Timestamp::from_unix(i64::try_from(mark.time).unwrap_or(i64::MAX));
        let reason = Reason::of_code(mark.reason).map_or("?", Reason::name);
        table.field(&Text::LabelRevoked {}, format!("{} ({reason})", time.local()), language);
    }
    table.field(&Text::LabelFrom {}, record.not_before().local(), language);
    table.field(&Text::LabelUntil {}, record.not_after().local(), language);
    table.field(&Text::LabelSerial {}, serial(&view), language);
    let fingerprint = record.certificate_sha256().map(|hash| hex(&hash)).unwrap_or_default();
    table.field(&Text::LabelFingerprint {}, fingerprint, language);
    table.field(&Text::LabelKeyPlace {}, key_place(&view).render(language), language);
    screen.table(&table);
    screen.json(&json_of(&view, session.now)?);
    Ok(())
}

/// Reads the whole ledger and holds everything against everything else.
pub(super) fn verify(session: &Session) -> Result<(), Refusal> {
    let authority = session.open_sealed()?;
    let mut progress = Progress::new(session, authority.entries()?);
    let verified = authority.verify(|entry| progress.at(entry));
    progress.finish();
    let verified = verified?;
    session.screen.say(&Text::LedgerVerified {
        entries: verified.entries.to_string(),
        certificates: verified.certificates.to_string(),
    });
    session.screen.json(&json!({
        "entries": verified.entries,
        "certificates": verified.certificates,
    }));
    Ok(())
}

/// The name by which people know a certificate.
pub(super) fn shown_name(view: &CertificateView) -> String {
    match &view.holder {
        Some(holder) => Untrusted(&holder.common_name).to_string(),
        None => "-".to_owned(),
    }
}

/// The word for a kind of certificate.
pub(super) fn kind(profile: Profile) -> Text {
    match profile {
        Profile::Root | Profile::Issuing => Text::KindAuthority {},
        Profile::Server => Text::KindServer {},
        Profile::Client => Text::KindClient {},
    }
}

/// The word for how a certificate stands.
pub(super) fn standing_text(
    standing: Standing,
    not_after: Timestamp,
    now: Timestamp,
    language: Language,
) -> (String, Tone) {
    let days = now.days_until(not_after);
    let (text, tone) = match standing {
        Standing::Valid if days < SOON => {
            (Text::StandingSoon { days: days.to_string() }, Tone::Warning)
        }
        Standing::Valid => (Text::StandingValid {}, Tone::Good),
        Standing::NotYetValid => (Text::StandingNotYet {}, Tone::Warning),
        Standing::Expired => (Text::StandingExpired {}, Tone::Bad),
        Standing::Revoked(_) => (Text::StandingRevoked {}, Tone::Bad),
        Standing::Abandoned => (Text::StandingAbandoned {}, Tone::Bad),
        Standing::Intended => (Text::StandingIntended {}, Tone::Warning),
    };
    (text.render(language), tone)
}

fn json_of(view: &CertificateView, now: Timestamp) -> Result<Value, Refusal> {
    let record = &view.record;
    let standing = match view.standing(now) {
        Standing::Valid => "valid",
        Standing::NotYetValid => "not_yet_valid",
        Standing::Expired => "expired",
        Standing::Revoked(_) => "revoked",
        Standing::Abandoned => "abandoned",
        Standing::Intended => "intended",
    };
    let kind = match record.profile() {
        Profile::Root => "root",
        Profile::Issuing => "issuing",
        Profile::Server => "server",
        Profile::Client => "client",
    };
    let time = |seconds| Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX)).rfc3339();
    Ok(json!({
        "number": record.number(),
        "serial": serial(view),
        "kind": kind,
        "subject": view.holder.as_ref().map(|holder| &holder.subject),
        "common_name": view.holder.as_ref().map(|holder| &holder.common_name),
        "hosts": view.holder.as_ref().map(hosts),
        "person": view.holder.as_ref().and_then(|holder| holder.person.as_ref()),
        "device": view.holder.as_ref().and_then(|holder| holder.device.as_ref()),
        "source": view.holder.as_ref().and_then(|holder| holder.source.as_ref()),
        "not_before": record.not_before().rfc3339(),
        "not_after": record.not_after().rfc3339(),
        "state": standing,
        "revoked_at": record.revocation().map(|mark| time(mark.time)),
        "reason": record.revocation().and_then(|mark| Reason::of_code(mark.reason)).map(Reason::name),
        "sha256": record.certificate_sha256().map(|hash| hex(&hash)),
        "key_kept": record.escrowed(),
    }))
}

fn serial(view: &CertificateView) -> String {
    SerialNumber::from_der_integer(view.record.serial())
        .map(|serial| serial.to_string())
        .unwrap_or_default()
}

/// The host names and addresses of a server certificate.
fn hosts(holder: &Holder) -> Vec<&str> {
    holder.alternative_names.split(", ").filter(|name| !name.is_empty()).collect()
}

fn key_place(view: &CertificateView) -> Text {
    match view.record.custody() {
        Custody::Vault => Text::KeyInVault {},
        Custody::Escrowed if view.record.escrowed() => Text::KeyEscrowed {},
        Custody::Escrowed => Text::KeyForgotten {},
        Custody::HandedOut => Text::KeyHandedOut {},
        Custody::Requester => Text::KeyOfRequester {},
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
