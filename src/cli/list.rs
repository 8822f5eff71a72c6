//! `sekisho list`, `sekisho show`, `sekisho verify`: what is known.

use serde_json::{Value, json};

use super::progress::Progress;
use super::restore;
use super::screen::{Table, Tone};
use super::session::Session;
use crate::door::command::Selector;
use crate::door::reply::{CertificateView, KeyPlace, Kind, Standing};
use crate::ground::clock::Timestamp;
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::pki::revocation_list::Reason;

/// Certificates read at a time.
const PAGE: u32 = 512;
/// Days before its end at which a certificate is shown as ending soon.
const SOON: i64 = 60;

/// Lists the certificates; without `all` only those that are in force or will be.
pub(super) fn list(session: &Session, all: bool) -> Result<(), Refusal> {
    let mut door = session.open_sealed()?;
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
        let page = door.list(first, PAGE)?;
        let Some(last) = page.last() else { break };
        first = last.number + 1;
        for view in &page {
            let standing = view.standing(session.now);
            if !all && !matches!(standing, Standing::Valid | Standing::NotYetValid) {
                hidden += 1;
                continue;
            }
            table.row(row(view, session.now, language));
            reports.push(json_of(view, session.now));
        }
    }
    session.screen.table(&table);
    if hidden > 0 {
        session.screen.say(&Text::ListHidden { count: hidden.to_string() });
    }
    let restoration = door.restoration()?;
    if let Some(restoration) = restoration {
        session.screen.say(&restore::story(restoration));
    }
    let restored = restoration.map(restore::json_of);
    session.screen.json(&json!({ "certificates": reports, "restored": restored }));
    Ok(())
}

/// Shows everything that is known of one certificate.
pub(super) fn show(session: &Session, which: &str) -> Result<(), Refusal> {
    let view = session.open_sealed()?.show(Selector::Text(which.to_owned()))?;
    let (screen, language) = (&session.screen, session.screen.language());
    let (standing, tone) = standing_text(&view, session.now, language);
    let mut table = Table::default();
    table.field(&Text::ColumnNumber {}, format!("{:06}", view.number), language);
    table.field(&Text::ColumnKind {}, kind(view.kind).render(language), language);
    if let Some(holder) = &view.holder {
        table.field(&Text::LabelName {}, &holder.subject, language);
        let hosts = holder.hosts.join(", ");
        let optional = [
            (Text::LabelHosts {}, Some(&hosts).filter(|names| !names.is_empty())),
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
    if let Some(revocation) = view.revocation {
        let reason = revocation.reason.map_or("?", Reason::name);
        let text = format!("{} ({reason})", revocation.at.local());
        table.field(&Text::LabelRevoked {}, text, language);
    }
    table.field(&Text::LabelFrom {}, view.not_before.local(), language);
    table.field(&Text::LabelUntil {}, view.not_after.local(), language);
    table.field(&Text::LabelSerial {}, view.serial.to_string(), language);
    let fingerprint = view.sha256.map(|hash| hex(&hash)).unwrap_or_default();
    table.field(&Text::LabelFingerprint {}, fingerprint, language);
    table.field(&Text::LabelKeyPlace {}, key_place(&view).render(language), language);
    screen.table(&table);
    screen.json(&json_of(&view, session.now));
    Ok(())
}

/// Reads the whole ledger and holds everything against everything else.
pub(super) fn verify(session: &Session) -> Result<(), Refusal> {
    let mut progress: Option<Progress> = None;
    let verified = session.open_sealed()?.verify(|entry, entries| {
        progress.get_or_insert_with(|| Progress::new(session, entries)).at(entry);
    });
    if let Some(progress) = progress {
        progress.finish();
    }
    let (entries, certificates) = verified?;
    session.screen.say(&Text::LedgerVerified {
        entries: entries.to_string(),
        certificates: certificates.to_string(),
    });
    session.screen.json(&json!({ "entries": entries, "certificates": certificates }));
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
pub(super) fn kind(kind: Kind) -> Text {
    match kind {
        Kind::Root | Kind::Issuing => Text::KindAuthority {},
        Kind::Server => Text::KindServer {},
        Kind::Client => Text::KindClient {},
    }
}

/// A certificate's line in a list: number, kind, name, last day, standing.
pub(super) fn row(
    view: &CertificateView,
    now: Timestamp,
    language: Language,
) -> [(String, Tone); 5] {
    [
        (format!("{:06}", view.number), Tone::Plain),
        (kind(view.kind).render(language), Tone::Plain),
        (shown_name(view), Tone::Plain),
        (view.not_after.local_date(), Tone::Plain),
        standing_text(view, now, language),
    ]
}

/// The word for how a certificate stands.
fn standing_text(view: &CertificateView, now: Timestamp, language: Language) -> (String, Tone) {
    let days = now.days_until(view.not_after);
    let (text, tone) = match view.standing(now) {
        Standing::Valid if days < SOON => {
            (Text::StandingSoon { days: days.to_string() }, Tone::Warning)
        }
        Standing::Valid => (Text::StandingValid {}, Tone::Good),
        Standing::NotYetValid => (Text::StandingNotYet {}, Tone::Warning),
        Standing::Expired => (Text::StandingExpired {}, Tone::Bad),
        Standing::Revoked => (Text::StandingRevoked {}, Tone::Bad),
        Standing::Abandoned => (Text::StandingAbandoned {}, Tone::Bad),
        Standing::Intended => (Text::StandingIntended {}, Tone::Warning),
    };
    (text.render(language), tone)
}

fn json_of(view: &CertificateView, now: Timestamp) -> Value {
    let holder = view.holder.as_ref();
    let standing = match view.standing(now) {
        Standing::Valid => "valid",
        Standing::NotYetValid => "not_yet_valid",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
        Standing::Abandoned => "abandoned",
        Standing::Intended => "intended",
    };
    let kind = match view.kind {
        Kind::Root => "root",
        Kind::Issuing => "issuing",
        Kind::Server => "server",
        Kind::Client => "client",
    };
    json!({
        "number": view.number,
        "serial": view.serial.to_string(),
        "kind": kind,
        "subject": holder.map(|holder| &holder.subject),
        "common_name": holder.map(|holder| &holder.common_name),
        "hosts": holder.map(|holder| &holder.hosts),
        "person": holder.and_then(|holder| holder.person.as_ref()),
        "device": holder.and_then(|holder| holder.device.as_ref()),
        "source": holder.and_then(|holder| holder.source.as_ref()),
        "not_before": view.not_before.rfc3339(),
        "not_after": view.not_after.rfc3339(),
        "state": standing,
        "revoked_at": view.revocation.map(|revocation| revocation.at.rfc3339()),
        "reason": view.revocation.and_then(|revocation| revocation.reason).map(Reason::name),
        "renews": view.renews,
        "sha256": view.sha256.map(|hash| hex(&hash)),
        "key_kept": view.key == KeyPlace::Escrowed,
    })
}

fn key_place(view: &CertificateView) -> Text {
    match view.key {
        KeyPlace::Vault => Text::KeyInVault {},
        KeyPlace::Escrowed => Text::KeyEscrowed {},
        KeyPlace::Forgotten => Text::KeyForgotten {},
        KeyPlace::HandedOut => Text::KeyHandedOut {},
        KeyPlace::Requester => Text::KeyOfRequester {},
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
