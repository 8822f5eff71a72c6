//! `sekisho status --hardening`: how each process of the running service is confined.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::running::{UNKNOWN, service};
use super::screen::{Table, Tone};
use super::session::Session;
use crate::door::feed::Confined;
use crate::door::reply::Status;
use crate::ground::messages::{Language, Text};
use crate::hardening::{Layer, LayerReport, Reason, Role, Standing};

/// Shows every layer of every process. Exits with 0 when all that are required are in force, 1 when one
/// was left out, 3 when no service answers.
pub(super) fn show(session: &Session) -> ExitCode {
    let status = match service(session).and_then(|mut door| door.status()) {
        Ok(status) => status,
        Err(refusal) => {
            session.screen.refuse(&refusal);
            return ExitCode::from(UNKNOWN);
        }
    };
    let (screen, language) = (&session.screen, session.screen.language());
    let mut kernel = Table::default();
    let abi = status.landlock_abi.map_or_else(|| "-".to_owned(), |abi| abi.to_string());
    kernel.field(&Text::LabelLandlockAbi {}, abi, language);
    screen.table(&kernel);
    let mut table = Table::default();
    for process in &status.processes {
        let mut name = name(process, language);
        for report in &process.layers {
            let (standing, tone) = standing(*report, language);
            let layer = report.layer.name().to_owned();
            let name = format!("  {}", std::mem::take(&mut name));
            table.row([(name, Tone::Plain), (layer, Tone::Plain), (standing, tone)]);
        }
    }
    screen.line("");
    screen.table(&table);
    screen.json(&json!({
        "landlock_abi": status.landlock_abi,
        "processes": status.processes.iter().map(json_of).collect::<Vec<_>>(),
    }));
    ExitCode::from(u8::from(!left_out(&status).is_empty()))
}

/// The required layers that some process of the service is without, in the order of the layers.
pub(super) fn left_out(status: &Status) -> Vec<&'static str> {
    let is_missing = |layer: &Layer| {
        let mut reports = status.processes.iter().flat_map(|process| &process.layers);
        reports.any(|report| report.layer == *layer && report.standing != Standing::InForce)
    };
    Layer::REQUIRED.into_iter().filter(is_missing).map(Layer::name).collect()
}

fn name(process: &Confined, language: Language) -> String {
    let role = match process.role {
        Role::Supervisor => Text::RoleSupervisor {},
        Role::Authority => Text::RoleAuthority {},
        Role::Gate => Text::RoleGate {},
        Role::Publisher => Text::RolePublisher {},
    };
    let role = role.render(language);
    process.gate.as_ref().map_or_else(|| role.clone(), |gate| format!("{role} {gate}"))
}

fn standing(report: LayerReport, language: Language) -> (String, Tone) {
    let reason = match report.standing {
        Standing::InForce => return (Text::LayerInForce {}.render(language), Tone::Good),
        Standing::Missing(reason) => reason,
    };
    let why = match reason {
        Reason::NotOfThisRole => return (Text::LayerNotUsed {}.render(language), Tone::Plain),
        Reason::Unsupported => Text::LayerNotInKernel {},
        Reason::System { errno } => {
            Text::LayerDenied { reason: std::io::Error::from_raw_os_error(errno).to_string() }
        }
        Reason::Root => Text::LayerRoot {},
        Reason::SharedUser { uid } => Text::LayerSharedUser { uid: uid.to_string() },
        Reason::LeftOut => Text::LayerLeftOut {},
    };
    let required = Layer::REQUIRED.contains(&report.layer);
    (why.render(language), if required { Tone::Warning } else { Tone::Plain })
}

fn json_of(process: &Confined) -> Value {
    let layer = |report: &LayerReport| {
        let reason = match report.standing {
            Standing::InForce => None,
            Standing::Missing(reason) => Some(match reason {
                Reason::Unsupported => "unsupported",
                Reason::System { .. } => "denied",
                Reason::Root => "root",
                Reason::SharedUser { .. } => "shared_user",
                Reason::LeftOut => "left_out",
                Reason::NotOfThisRole => "not_used",
            }),
        };
        json!({
            "layer": report.layer.name(),
            "required": Layer::REQUIRED.contains(&report.layer),
            "in_force": reason.is_none(),
            "reason": reason,
        })
    };
    json!({
        "role": process.role.name(),
        "gate": process.gate,
        "layers": process.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}
