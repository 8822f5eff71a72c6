//! What the gates answer: kept for whoever waits for it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::door::feed::{
    Acknowledgement, Answer, Confined, GateHello, GateReport, LiveConnection, Sequence,
};
use crate::door::reply::{Cut, Done, GateConnections, GateStatus};
use crate::ground::clock;

/// How long gates may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Answers to revocations that are remembered of each gate.
const REMEMBERED: usize = 1024;

/// The gates, by name, as they answered.
pub(super) struct Gates {
    heard: Mutex<Heard>,
    news: Condvar,
}

struct Heard {
    gates: BTreeMap<String, Gate>,
    /// The asking for connections that answers are taken for.
    ask: u64,
    /// How the processes that serve are confined.
    processes: Vec<Confined>,
}

#[derive(Default)]
struct Gate {
    /// What was answered to the revocations of late, by their epochs.
    acknowledged: BTreeMap<Sequence, Acknowledgement>,
    report: Option<(GateReport, Instant)>,
    connections: Option<Vec<LiveConnection>>,
}

impl Gates {
    /// The gates of the configuration. Answers in other names are not heard.
    pub(super) fn new(gates: &[GateHello]) -> Self {
        let gates = gates.iter().map(|hello| (hello.gate.clone(), Gate::default())).collect();
        Self {
            heard: Mutex::new(Heard { gates, ask: 0, processes: Vec::new() }),
            news: Condvar::new(),
        }
    }

    /// Takes an answer down.
    pub(super) fn hear(&self, answer: Answer) {
        let mut heard = self.heard();
        match answer {
            Answer::Hello(_) | Answer::Reserve { .. } | Answer::TellAgain => {}
            Answer::Confined(processes) => heard.processes = processes,
            Answer::Acknowledged(acknowledged) => {
                if let Some(gate) = heard.gates.get_mut(&acknowledged.gate) {
                    gate.acknowledged.insert(acknowledged.epoch, acknowledged);
                    while gate.acknowledged.len() > REMEMBERED {
                        gate.acknowledged.pop_first();
                    }
                }
            }
            Answer::Connections { ask, gate, connections } => {
                if ask == heard.ask
                    && let Some(gate) = heard.gates.get_mut(&gate)
                {
                    gate.connections = Some(connections);
                }
            }
            Answer::Report(report) => {
                if let Some(gate) = heard.gates.get_mut(&report.gate) {
                    gate.report = Some((report, clock::monotonic()));
                }
            }
        }
        self.news.notify_all();
    }

    /// Waits until every gate has acted on the revocations of these epochs, a second at most.
    pub(super) fn cuts(&self, epochs: &[Sequence]) -> Vec<Cut> {
        let done = |gate: &Gate| {
            let mut done = Done { enforced: true, connections: 0, microseconds: 0, left: 0 };
            for epoch in epochs {
                let answer = gate.acknowledged.get(epoch)?;
                done.enforced &= answer.enforced;
                done.connections = done.connections.saturating_add(answer.cut);
                done.left = done.left.saturating_add(answer.left);
                done.microseconds = done.microseconds.max(answer.microseconds);
            }
            Some(done)
        };
        let heard = self.wait(|gate| done(gate).is_some());
        let cut = |(name, gate): (&String, &Gate)| Cut { gate: name.clone(), done: done(gate) };
        heard.gates.iter().map(cut).collect()
    }

    /// Waits until every gate has reported an epoch, a second at most. They report at once when
    /// they hear a heartbeat, and what was told before it they have taken down by then.
    pub(super) fn wait_for_reports(&self, epoch: Sequence) {
        drop(self.wait(|gate| gate.report.as_ref().is_some_and(|(told, _)| told.epoch >= epoch)));
    }

    /// A new asking for connections; its number goes out with the event.
    pub(super) fn ask_for_connections(&self) -> u64 {
        let mut heard = self.heard();
        heard.ask += 1;
        for gate in heard.gates.values_mut() {
            gate.connections = None;
        }
        heard.ask
    }

    /// Waits for the answers to the last asking, a second at most.
    pub(super) fn connections(&self) -> Vec<GateConnections> {
        let mut heard = self.wait(|gate| gate.connections.is_some());
        heard
            .gates
            .iter_mut()
            .map(|(name, gate)| GateConnections {
                gate: name.clone(),
                connections: gate.connections.take(),
            })
            .collect()
    }

    /// How the gates stand.
    pub(super) fn standing(&self) -> Vec<GateStatus> {
        let now = clock::monotonic();
        let status = |(name, gate): (&String, &Gate)| GateStatus {
            gate: name.clone(),
            report: gate.report.as_ref().map(|(report, _)| report.clone()),
            silent: gate.report.as_ref().map_or(u64::MAX, |(_, heard)| {
                let silent = now.saturating_duration_since(*heard).as_millis();
                u64::try_from(silent).unwrap_or(u64::MAX)
            }),
        };
        self.heard().gates.iter().map(status).collect()
    }

    /// How the processes that serve are confined.
    pub(super) fn processes(&self) -> Vec<Confined> {
        self.heard().processes.clone()
    }

    fn wait(&self, is_done: impl Fn(&Gate) -> bool) -> MutexGuard<'_, Heard> {
        let waited = self.news.wait_timeout_while(self.heard(), PATIENCE, |heard| {
            !heard.gates.values().all(&is_done)
        });
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
