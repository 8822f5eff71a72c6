//! `sekisho status`, `connections`, `seal`, `unseal`, `clock confirm`: a running service.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::hardening;
use super::list::kind;
use super::restore;
use super::screen::{Table, Tone};
use super::secrets::through_the_door;
use super::session::Session;
use crate::door::Door;
use crate::door::feed::LiveConnection;
use crate::door::reply::{Ending, GateStatus, LastAnchorCheck, Status};
use crate::ground::clock::{ClockStanding, Timestamp};
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::Untrusted;

/// A gate that said nothing for as long as this, in milliseconds, is not at work.
const SILENT: u64 = 5_000;

/// Days before the end of the CA at which it is time to think of the next.
const AUTHORITY_SOON: i64 = 365;

/// The exit codes of `status`, as monitoring programs have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Good = 0,
    Warning = 1,
    Critical = 2,
}

/// No service answers.
pub(super) const UNKNOWN: u8 = 3;

/// Something a person should know of.
struct Remark {
    grade: Grade,
    text: Text,
}

/// Shows how everything stands. Exits with 0 when all is well, 1 when something needs looking after
/// soon, 2 when something does not work, 3 when no service answers.
pub(super) fn status(session: &Session) -> ExitCode {
    let status = service(session).and_then(|mut door| door.status());
    let status = match status {
        Ok(status) => status,
        Err(refusal) => {
            session.screen.refuse(&refusal);
            return ExitCode::from(UNKNOWN);
        }
    };
    let remarks = remarks(&status, session.now, session.screen.language());
    let worst = remarks.iter().map(|remark| remark.grade).max().unwrap_or(Grade::Good);
    show_status(session, &status, &remarks);
    session.screen.json(&json_of_status(&status, &remarks, worst, session.screen.language()));
    ExitCode::from(worst as u8)
}

/// Who is connected now, at all gates.
pub(super) fn connections(session: &Session) -> Result<(), Refusal> {
    let gates = service(session)?.connections()?;
    let language = session.screen.language();
    let mut table = Table::default();
    let heading = |text: Text| (text.render(language), Tone::Plain);
    table.row([
        heading(Text::ColumnGate {}),
        heading(Text::ColumnName {}),
        heading(Text::ColumnPeer {}),
        heading(Text::ColumnProtocol {}),
        heading(Text::ColumnSince {}),
        heading(Text::LabelSerial {}),
    ]);
    let mut all = 0_u64;
    for gate in &gates {
        match &gate.connections {
            Some(connections) => {
                for live in connections {
                    all += 1;
                    let cells = [
                        gate.gate.clone(),
                        Untrusted(&live.name).to_string(),
                        Untrusted(&live.peer).to_string(),
                        Untrusted(&live.protocol).to_string(),
                        live.since.local(),
                        live.serial.to_string(),
                    ];
                    table.row(cells.map(|cell| (cell, Tone::Plain)));
                }
            }
            None => session.screen.warn(&Text::GateNoAnswer { gate: gate.gate.clone() }),
        }
    }
    if all == 0 {
        session.screen.say(&Text::NobodyConnected {});
    } else {
        session.screen.table(&table);
    }
    let gates: Vec<Value> = gates
        .iter()
        .map(|gate| {
            let connections = gate.connections.as_ref();
            let connections = connections.map(|live| live.iter().map(json_of_live).collect());
            json!({ "gate": gate.gate, "connections": connections.unwrap_or(Value::Null) })
        })
        .collect();
    session.screen.json(&json!({ "gates": gates }));
    Ok(())
}

/// Opens the vault of the running service.
pub(super) fn unseal(session: &Session) -> Result<(), Refusal> {
    // Before anybody types a passphrase for nothing.
    drop(service(session)?);
    let secret = session.secrets.secret(&session.folder, session.screen.language(), true)?;
    service(session)?.unseal(through_the_door(secret))?;
    session.screen.say(&Text::Unsealed {});
    session.screen.json(&json!({ "unsealed": true }));
    Ok(())
}

/// Closes the vault of the running service.
pub(super) fn seal(session: &Session) -> Result<(), Refusal> {
    service(session)?.seal()?;
    session.screen.say(&Text::Sealed {});
    session.screen.json(&json!({ "unsealed": false }));
    Ok(())
}

/// Says that the clock is right, whatever it was before.
pub(super) fn confirm_clock(session: &Session) -> Result<(), Refusal> {
    let mut door = session.open_sealed()?;
    door.confirm_clock()?;
    session.screen.say(&Text::ClockConfirmed { now: session.now.local() });
    session.screen.json(&json!({ "clock": "confirmed", "now": session.now.rfc3339() }));
    Ok(())
}

pub(super) fn service(session: &Session) -> Result<Door, Refusal> {
    session.service()?.ok_or(Refusal::ServiceNotRunning {})
}

/// What is wrong, or will be.
fn remarks(status: &Status, now: Timestamp, language: Language) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut remark = |grade, text| remarks.push(Remark { grade, text });
    if !status.unsealed {
        remark(Grade::Warning, Text::RemarkSealed {});
    }
    if let Some(refusal) = &status.failed_write {
        remark(Grade::Critical, Text::RemarkWriteFailed { reason: refusal.what(language) });
    }
    match status.clock {
        ClockStanding::Good => {}
        ClockStanding::Diverged { seconds } => {
            remark(Grade::Critical, Text::RemarkClockSet { seconds: seconds.to_string() });
        }
        ClockStanding::BehindLedger { seconds } => {
            remark(Grade::Critical, Text::RemarkClockBehind { seconds: seconds.to_string() });
        }
    }
    let awaits_reconciling =
        status.restoration.is_some_and(|restoration| restoration.reconciled.is_none());
    if awaits_reconciling {
        remark(Grade::Critical, Text::RemarkNotReconciled {});
    }
    match status.crl {
        None => remark(Grade::Warning, Text::RemarkNoCrl {}),
        Some(crl) if crl.next_update < now => {
            remark(Grade::Critical, Text::RemarkCrlExpired { since: crl.next_update.local() });
        }
        Some(crl) if !crl.complete => remark(Grade::Warning, Text::RemarkCrlIncomplete {}),
        Some(_) => {}
    }
    if now.days_until(status.authority_ends) < AUTHORITY_SOON {
        let until = status.authority_ends.local_date();
        remark(Grade::Warning, Text::RemarkAuthorityEnds { until });
    }
    for gate in &status.gates {
        let name = gate.gate.clone();
        match &gate.report {
            Some(report) if gate.silent <= SILENT => {
                if !report.upstream_up {
                    remark(Grade::Critical, Text::RemarkUpstreamDown { gate: name.clone() });
                }
                if report.epoch < status.epoch {
                    remark(Grade::Warning, Text::RemarkGateBehind { gate: name.clone() });
                }
                match report.certificate_ends {
                    None => {
                        remark(Grade::Critical, Text::RemarkGateWithoutCertificate { gate: name })
                    }
                    Some(ends) if ends < now => {
                        remark(Grade::Critical, Text::RemarkGateCertificateOver { gate: name });
                    }
                    Some(_) => {}
                }
            }
            _ => remark(Grade::Critical, Text::RemarkGateSilent { gate: name }),
        }
    }
    if !status.ending.is_empty() {
        remark(Grade::Warning, Text::RemarkEnding { count: status.ending.len().to_string() });
    }
    remarks
}

fn show_status(session: &Session, status: &Status, remarks: &[Remark]) {
    let (screen, language) = (&session.screen, session.screen.language());
    let word = |yes: bool| if yes { Text::WordOpen {} } else { Text::WordSealed {} };
    let mut table = Table::default();
    table.field(&Text::LabelVault {}, word(status.unsealed).render(language), language);
    table.field(&Text::LabelRunningSince {}, status.since.local(), language);
    table.field(&Text::LabelVersion {}, &status.version, language);
    if let Some(crl) = status.crl {
        let text = Text::CrlLine { number: crl.number.to_string(), until: crl.next_update.local() };
        table.field(&Text::LabelCrl {}, text.render(language), language);
    }
    table.field(&Text::LabelAuthorityUntil {}, status.authority_ends.local(), language);
    let backup =
        status.backed_up.map_or_else(|| Text::NoBackupYet {}.render(language), Timestamp::local);
    table.field(&Text::LabelLastBackup {}, backup, language);
    let anchor = match status.anchor {
        Some(LastAnchorCheck { time, sequence }) => {
            Text::AnchorFoundOn { time: time.local(), sequence: sequence.to_string() }
        }
        None => Text::NoAnchorKept {},
    };
    table.field(&Text::LabelAnchor {}, anchor.render(language), language);
    let without = hardening::left_out(status);
    let confined = if without.is_empty() {
        Text::AllLayersInForce {}
    } else {
        Text::LayersLeftOut { layers: without.join(", ") }
    };
    table.field(&Text::LabelConfinement {}, confined.render(language), language);
    screen.table(&table);
    if let Some(restoration) = status.restoration {
        screen.line("");
        screen.say(&restore::story(restoration));
    }
    screen.line("");
    let mut gates = Table::default();
    for gate in &status.gates {
        gates.row(gate_row(gate, language));
    }
    screen.table(&gates);
    if !status.ending.is_empty() {
        screen.line("");
        screen.say(&Text::EndingHeading {});
        let mut endings = Table::default();
        for ending in &status.ending {
            endings.row(ending_row(ending, session.now, language));
        }
        screen.table(&endings);
    }
    screen.line("");
    if remarks.is_empty() {
        screen.say(&Text::AllIsWell {});
    }
    let mut list = Table::default();
    for remark in remarks {
        let tone = if remark.grade == Grade::Critical { Tone::Bad } else { Tone::Warning };
        list.row([("!".to_owned(), tone), (remark.text.render(language), tone)]);
    }
    screen.table(&list);
}

fn gate_row(gate: &GateStatus, language: Language) -> [(String, Tone); 4] {
    let name = (format!("  {}", gate.gate), Tone::Plain);
    match &gate.report {
        Some(report) if gate.silent <= SILENT => {
            let connections = Text::CountConnections { count: report.connections.to_string() };
            let upstream = if report.upstream_up {
                (Text::UpstreamUp {}.render(language), Tone::Good)
            } else {
                (Text::UpstreamIsDown {}.render(language), Tone::Bad)
            };
            let connections = (connections.render(language), Tone::Plain);
            [name, (report.address.to_string(), Tone::Plain), connections, upstream]
        }
        _ => {
            let silent = (Text::WordSilent {}.render(language), Tone::Bad);
            [name, (String::new(), Tone::Plain), silent, (String::new(), Tone::Plain)]
        }
    }
}

fn ending_row(ending: &Ending, now: Timestamp, language: Language) -> [(String, Tone); 4] {
    let days = now.days_until(ending.not_after);
    let tone = if days < 14 { Tone::Bad } else { Tone::Warning };
    let name = ending
        .common_name
        .as_deref()
        .map_or_else(|| "-".to_owned(), |name| Untrusted(name).to_string());
    [
        (format!("  {:06}", ending.number), Tone::Plain),
        (kind(ending.kind).render(language), Tone::Plain),
        (name, Tone::Plain),
        (Text::StandingSoon { days: days.to_string() }.render(language), tone),
    ]
}

fn json_of_status(status: &Status, remarks: &[Remark], worst: Grade, language: Language) -> Value {
    let grade = |grade| match grade {
        Grade::Good => "good",
        Grade::Warning => "warning",
        Grade::Critical => "critical",
    };
    json!({
        "grade": grade(worst),
        "remarks": remarks.iter().map(|remark| json!({
            "grade": grade(remark.grade),
            "text": remark.text.render(language),
        })).collect::<Vec<_>>(),
        "version": status.version,
        "since": status.since.rfc3339(),
        "unsealed": status.unsealed,
        "epoch": status.epoch,
        "failed_write": status.failed_write.as_ref().map(Refusal::code),
        "clock": match status.clock {
            ClockStanding::Good => "good",
            ClockStanding::Diverged { .. } => "diverged",
            ClockStanding::BehindLedger { .. } => "behind_ledger",
        },
        "authority_ends": status.authority_ends.rfc3339(),
        "backed_up": status.backed_up.map(Timestamp::rfc3339),
        "anchor": status.anchor.map(|anchor| json!({
            "found_at": anchor.time.rfc3339(),
            "sequence": anchor.sequence,
        })),
        "without_layers": hardening::left_out(status),
        "restored": status.restoration.map(restore::json_of),
        "crl": status.crl.map(|crl| json!({
            "number": crl.number,
            "this_update": crl.this_update.rfc3339(),
            "next_update": crl.next_update.rfc3339(),
            "complete": crl.complete,
        })),
        "gates": status.gates.iter().map(|gate| json!({
            "gate": gate.gate,
            "answers": gate.report.is_some() && gate.silent <= SILENT,
            "address": gate.report.as_ref().map(|report| report.address),
            "connections": gate.report.as_ref().map(|report| report.connections),
            "epoch": gate.report.as_ref().map(|report| report.epoch),
            "upstream_up": gate.report.as_ref().map(|report| report.upstream_up),
            "certificate_ends":
                gate.report.as_ref().and_then(|report| report.certificate_ends).map(Timestamp::rfc3339),
        })).collect::<Vec<_>>(),
        "ending": status.ending.iter().map(|ending| json!({
            "number": ending.number,
            "common_name": ending.common_name,
            "not_after": ending.not_after.rfc3339(),
            "step": ending.step,
        })).collect::<Vec<_>>(),
    })
}

fn json_of_live(live: &LiveConnection) -> Value {
    json!({
        "name": live.name,
        "serial": live.serial.to_string(),
        "peer": live.peer,
        "since": live.since.rfc3339(),
        "protocol": live.protocol,
    })
}
