//! What the authority tells a gate, put in force: on a thread of its own, so that no number of
//! handshakes keeps a revocation waiting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::health::Health;
use super::material::ServerIdentity;
use super::metrics::GateMetrics;
use super::registry::Registry;
use super::settings::{ServerSource, Settings, StalePolicy, TrustSource};
use super::state::{Parts, State};
use crate::admission::{LedgerStatus, Refusal, StatusSource, TrustAnchors, UnknownIssuer};
use crate::door::feed::{
    Acknowledgement, Answer, Change, Event, FeedEnd, GateReport, Heartbeat, Sequence,
    ServerIdentity as SentIdentity, Snapshot,
};
use crate::ground::clock::{self, Timestamp};
use crate::ground::messages;
use crate::pki::Certificate;

/// How long the authority may say nothing before the stale policy applies.
const SILENCE: Duration = Duration::from_secs(5);

/// How long connections that are cut may take to close before the answer goes without them.
const CLOSING: Duration = Duration::from_millis(900);

/// Connections told of at once.
const LISTED: usize = 10_000;

/// The gate that a feed is put in force at.
pub(super) struct Audience {
    pub(super) settings: Settings,
    pub(super) address: SocketAddr,
    pub(super) state: State,
    pub(super) registry: Arc<Registry>,
    pub(super) metrics: GateMetrics,
    pub(super) upstream: Arc<Health>,
    /// When the server certificate ends, where it is known.
    pub(super) certificate_ends: Option<Timestamp>,
}

/// Listens to the feed until the other end of `stop` is dropped.
///
/// # Errors
/// The system gives us no thread.
pub(super) fn listen(
    audience: Audience,
    feed: FeedEnd,
    stop: oneshot::Receiver<Infallible>,
) -> Result<(), messages::Refusal> {
    let unavailable =
        |error: std::io::Error| messages::Refusal::FeedUnavailable { reason: error.to_string() };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(unavailable)?;
    audience.metrics.stale(false);
    let FeedEnd { events, answers } = feed;
    let listener = Listener {
        audience,
        answers,
        epoch: 0,
        ledger: None,
        silent_since: None,
        awaits_snapshot: false,
    };
    let listening = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = stop => {}
                () = listener.listen(events) => {}
            }
        });
    };
    std::thread::Builder::new().name("feed".to_owned()).spawn(listening).map_err(unavailable)?;
    Ok(())
}

/// What the feed has told so far.
struct Listener {
    audience: Audience,
    answers: mpsc::Sender<Answer>,
    epoch: Sequence,
    ledger: Option<LedgerStatus>,
    silent_since: Option<Timestamp>,
    /// The last snapshot could not be used: only another one ends the silence.
    awaits_snapshot: bool,
}

impl Listener {
    async fn listen(mut self, mut events: mpsc::Receiver<Arc<Event>>) {
        let mut ended = false;
        let mut last = Instant::from_std(clock::monotonic());
        loop {
            tokio::select! {
                // What was sent counts, however late it is read.
                biased;
                event = events.recv(), if !ended => match event {
                    Some(event) => {
                        self.hear(&event);
                        last = Instant::from_std(clock::monotonic());
                    }
                    None => ended = true,
                },
                () = sleep_until(last + SILENCE), if self.silent_since.is_none() => {
                    self.fall_silent();
                }
                else => return,
            }
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Snapshot(snapshot) => self.take_snapshot(snapshot),
            Event::Issued(change) => self.take_issued(change),
            Event::Revoked(change) => self.take_revoked(change),
            Event::ServerIdentity(identity) => self.take_identity(identity),
            // The supervisor keeps these to itself.
            Event::Crl(_) | Event::Sealed => {}
            Event::Heartbeat(heartbeat) => self.take_heartbeat(*heartbeat),
            Event::ListConnections { ask } => self.answer(Answer::Connections {
                ask: *ask,
                gate: self.gate(),
                connections: self.audience.registry.list(LISTED),
            }),
        }
        if self.silent_since.is_some() && !self.awaits_snapshot {
            self.put_in_force(None);
        }
        self.audience.metrics.heard(self.epoch, clock::now());
    }

    /// The whole ledger. Who is inside is judged by it again; tickets and verified chains stay good
    /// while the authorities are the same.
    fn take_snapshot(&mut self, snapshot: &Snapshot) {
        self.epoch = snapshot.epoch;
        if !self.takes_trust() {
            return;
        }
        let Some((anchors, ledger)) = read(snapshot) else {
            tracing::error!("the authority's snapshot cannot be used: as good as silence");
            self.awaits_snapshot = true;
            return self.fall_silent();
        };
        let (ledger, lost) = match &self.ledger {
            Some(earlier) => ledger.keeping_revocations_of(earlier),
            None => (ledger, 0),
        };
        if lost > 0 {
            tracing::error!(
                lost,
                "the authority has forgotten revocations; this gate goes on refusing them: was an old ledger restored?"
            );
        }
        self.awaits_snapshot = false;
        self.ledger = Some(ledger);
        self.put_in_force(Some(anchors));
        self.judge_all();
        tracing::info!(epoch = self.epoch, "the authority's ledger is in force");
    }

    fn take_issued(&mut self, change: &Change) {
        self.epoch = change.epoch;
        let Some(ledger) = &self.ledger else { return };
        match ledger.issued(&change.issuer, &change.serials) {
            Ok(ledger) => {
                self.ledger = Some(ledger);
                self.put_in_force(None);
            }
            Err(UnknownIssuer) => tracing::error!("issued by an authority that is not known here"),
        }
    }

    /// First what is in force, then those who are inside: whoever comes in between registers too
    /// late for the one and is judged by the other.
    fn take_revoked(&mut self, change: &Change) {
        let begun = clock::monotonic();
        self.epoch = change.epoch;
        let (mut concerned, mut enforced) = (Vec::new(), false);
        if let Some(ledger) = &self.ledger {
            let revoked = ledger.revoked(&change.issuer, &change.serials);
            match (revoked, ledger.identify(&change.issuer, &change.serials)) {
                (Ok(ledger), Ok(certificates)) => {
                    self.ledger = Some(ledger);
                    concerned = certificates;
                    self.put_in_force(None);
                    enforced = true;
                }
                // Nobody of that authority is let in here.
                _ => tracing::error!("revoked by an authority that is not known here"),
            }
        }
        let closing = self.audience.registry.cut(&concerned, Refusal::Revoked);
        let (answers, gate, epoch) = (self.answers.clone(), self.gate(), self.epoch);
        tokio::spawn(async move {
            let cut = closing.cut;
            let left = closing.finish(CLOSING).await;
            let microseconds = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::info!(%gate, epoch, cut, microseconds, left, "revocation in force");
            let acknowledged = Acknowledgement { gate, epoch, enforced, cut, microseconds, left };
            // An authority that is gone needs no answer.
            let _ = answers.send(Answer::Acknowledged(acknowledged)).await;
        });
    }

    /// Connections that are open go on with the certificate they began with.
    fn take_identity(&mut self, identity: &SentIdentity) {
        let audience = &mut self.audience;
        let from_authority = matches!(audience.settings.server, ServerSource::Authority { .. });
        if !from_authority || identity.gate != audience.settings.name {
            return;
        }
        let Some(server) = ServerIdentity::of_authority(&identity.chain, identity.key.get()) else {
            tracing::error!("the server certificate from the authority cannot be used");
            return;
        };
        let ends = server.not_after();
        audience.certificate_ends = Some(ends);
        audience.metrics.certificate_ends(ends);
        audience.state.change(|parts| parts.set_server(Arc::new(server)));
        tracing::info!(%ends, "server certificate from the authority in force");
    }

    fn take_heartbeat(&mut self, heartbeat: Heartbeat) {
        self.epoch = self.epoch.max(heartbeat.epoch);
        if let Some(ledger) = &self.ledger
            && ledger.floor() != heartbeat.floor
        {
            self.ledger = Some(ledger.with_floor(heartbeat.floor));
            self.put_in_force(None);
        }
        let report = GateReport {
            gate: self.gate(),
            address: self.audience.address,
            epoch: self.epoch,
            connections: self.audience.registry.len(),
            upstream_up: self.audience.upstream.is_up(),
            certificate_ends: self.audience.certificate_ends,
        };
        // One that finds no room is followed by the next in a second.
        let _ = self.answers.try_send(Answer::Report(report));
    }

    fn fall_silent(&mut self) {
        self.silent_since = Some(clock::now());
        if !self.takes_trust() {
            return;
        }
        self.audience.metrics.stale(true);
        match self.audience.settings.stale {
            StalePolicy::Serve => tracing::warn!(
                "nothing is heard of the authority: what was last known holds, revocations do not arrive"
            ),
            StalePolicy::Refuse => {
                tracing::error!("nothing is heard of the authority: nobody new is let in");
            }
            StalePolicy::Cut => tracing::error!(
                "nothing is heard of the authority: nobody new is let in, and all connections are cut"
            ),
        }
        self.publish(None);
        self.judge_all();
    }

    /// Puts the ledger as it is known now in force, and ends a silence.
    fn put_in_force(&mut self, anchors: Option<Arc<TrustAnchors>>) {
        if !self.awaits_snapshot && self.silent_since.take().is_some() {
            self.audience.metrics.stale(false);
            tracing::info!("the authority is heard again");
        }
        self.publish(anchors);
    }

    fn publish(&self, anchors: Option<Arc<TrustAnchors>>) {
        let Some(ledger) = &self.ledger else { return };
        let silent = match self.audience.settings.stale {
            StalePolicy::Serve => None,
            StalePolicy::Refuse | StalePolicy::Cut => self.silent_since,
        };
        let source = StatusSource::Ledger(ledger.silent_since(silent));
        self.audience.state.change(|parts| match anchors {
            Some(anchors) => parts.set_trust(anchors, source),
            None => parts.set_source(source),
        });
    }

    fn judge_all(&self) {
        if let Some(now_in_force) = self.audience.state.current() {
            self.audience.registry.judge_all(&now_in_force);
        }
    }

    fn answer(&self, answer: Answer) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let _ = answers.send(answer).await;
        });
    }

    fn gate(&self) -> String {
        self.audience.settings.name.clone()
    }

    fn takes_trust(&self) -> bool {
        matches!(self.audience.settings.trust, TrustSource::Authority)
    }
}

impl Drop for Listener {
    /// A defect here must not leave a gate that hears of no revocation and lets everybody in.
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the feed is not listened to any more: restart the service");
            self.audience.settings.stale = StalePolicy::Cut;
            self.audience.state.change(Parts::spare_nobody);
            self.fall_silent();
        }
    }
}

/// The anchors and the ledger of a snapshot; `None` when a certificate in it is no authority's.
fn read(snapshot: &Snapshot) -> Option<(Arc<TrustAnchors>, LedgerStatus)> {
    let mut certificates = Vec::with_capacity(snapshot.issuers.len());
    let mut ledger = LedgerStatus::new(snapshot.floor);
    for issuer in &snapshot.issuers {
        let certificate = Certificate::from_der(&issuer.certificate).ok()?;
        let (standing, revoked) = (issuer.standing.iter(), issuer.revoked.iter());
        ledger = ledger.with_issuer(&certificate, standing.copied(), revoked.copied());
        certificates.push(certificate);
    }
    Some((Arc::new(TrustAnchors::new(certificates).ok()?), ledger))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::door::frame;
    use crate::gate::registry::{NotEntered, Protocol};
    use crate::gate::specimen::{PEER, Stage};
    use prometheus_client::metrics::gauge::Gauge;

    fn listener(stage: &Stage) -> Listener {
        let metrics = GateMetrics::default();
        Listener {
            audience: Audience {
                settings: Settings::of_authority(Vec::new()),
                address: PEER,
                state: stage.state.clone(),
                registry: Registry::new(8, Gauge::default()),
                upstream: Arc::new(Health::new(&metrics)),
                metrics,
                certificate_ends: None,
            },
            answers: mpsc::channel(1).0,
            epoch: 0,
            ledger: Some(stage.good.clone()),
            silent_since: None,
            awaits_snapshot: false,
        }
    }

    // Catches a defect in this thread that would leave the gate open to the revoked for ever.
    #[test]
    fn a_listener_that_dies_closes_the_gate() {
        let stage = Stage::new();
        let listener = listener(&stage);
        let registry = Arc::clone(&listener.audience.registry);
        let enter = || registry.enter(&stage.state, &stage.chain, PEER, Protocol::Http1);
        let Ok((_, _live, mut notice)) = enter() else { panic!("refused") };
        let died = std::thread::spawn(move || {
            let _listener = listener;
            panic!("as a defect would");
        });
        assert!(died.join().is_err());
        assert!(notice.try_recv().is_ok(), "who is inside is cut");
        assert!(matches!(enter(), Err(NotEntered::Refused(Refusal::StatusStale { .. }))));
    }

    // Catches lists that are longer than the supervisor takes, which would end a busy gate for a true
    // answer, and a count that stops where the list does.
    #[tokio::test]
    async fn of_more_connections_than_can_be_told_of_the_oldest_are_listed_and_all_are_counted() {
        let stage = Stage::new();
        let mut listener = listener(&stage);
        let all = LISTED + 5;
        listener.audience.registry = Registry::new(all, Gauge::default());
        let registry = Arc::clone(&listener.audience.registry);
        let enter = |_| registry.enter(&stage.state, &stage.chain, PEER, Protocol::WebSocket).ok();
        let _inside: Vec<_> = (0..all).map(|place| enter(place).unwrap()).collect();
        let (answers, mut answered) = mpsc::channel(4);
        listener.answers = answers;
        listener.hear(&Event::ListConnections { ask: 1 });
        let listed = answered.recv().await.unwrap();
        // What the supervisor takes of a gate at once.
        let sent = frame::encode(&listed, 4 << 20).unwrap();
        let read_back = frame::read::<Answer>(&mut sent.as_slice(), 4 << 20).unwrap();
        let Some(Answer::Connections { connections, .. }) = read_back else {
            panic!("{read_back:?}")
        };
        assert_eq!(connections.len(), LISTED);
        let floor = Timestamp::from_unix(0);
        listener.hear(&Event::Heartbeat(Heartbeat { epoch: 1, floor, unsealed: true }));
        let Some(Answer::Report(report)) = answered.recv().await else { panic!("no report") };
        assert_eq!(usize::try_from(report.connections), Ok(all));
    }

    // I28, without sockets, thousands of times: catches a judgement that is not repeated once the
    // entry is made, an entry made after the last judgement, and a revocation that looks for
    // entries before it is in force.
    #[test]
    fn whoever_enters_while_a_revocation_comes_is_refused_or_told_to_leave() {
        let stage = Stage::new();
        let mut listener = listener(&stage);
        let registry = Arc::clone(&listener.audience.registry);
        let change = Change { epoch: 1, issuer: stage.issuer, serials: stage.serials.to_vec() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (begin, end) = (Barrier::new(2), Barrier::new(2));
        let (rounds, mut refused, mut told, mut stayed) = (60_000, 0, 0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _entered = runtime.enter();
                for round in 0..rounds {
                    listener.ledger = Some(stage.good.clone());
                    listener.put_in_force(None);
                    begin.wait();
                    for _ in 0..round % 50 * 8 {
                        std::hint::spin_loop();
                    }
                    listener.take_revoked(&change);
                    end.wait();
                }
            });
            for _ in 0..rounds {
                begin.wait();
                let entered = registry.enter(&stage.state, &stage.chain, PEER, Protocol::Http1);
                end.wait();
                match entered {
                    Ok((_, _live, mut notice)) => match notice.try_recv() {
                        Ok(_) => told += 1,
                        Err(_) => stayed += 1,
                    },
                    Err(_) => refused += 1,
                }
            }
        });
        assert_eq!(stayed, 0, "of {rounds}");
        assert!(refused > 100 && told > 100, "no race: {refused} refused, {told} told");
        assert_eq!(registry.len(), 0);
    }
}
