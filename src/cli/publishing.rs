//! Keeps the process of the publisher running: gives it its sockets, tells it the newest CRL and the
//! figures of the gates, and takes from it no more than that it lives.

use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use super::process::{Bounds, Process, Started};
use super::roles::{Pauses, Stage, Users, confined};
use crate::door::feed::{Confined, PublishedCrl};
use crate::door::figures::GateFigures;
use crate::ground::clock;
use crate::ground::files::{self, PUBLIC_FOLDER};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening::Role;
use crate::publisher::process::{Begin, FromPublisher, SAID_LIMIT, ToPublisher};
use crate::publisher::provision::Provision;

/// How often the figures of the gates are carried.
const FIGURES_EVERY: Duration = Duration::from_secs(1);

/// How long the publisher may leave a message unread: as long as a disk takes at its worst.
const STUCK: Duration = Duration::from_secs(10);

/// How long it may not say that it lives, which it does every second.
const SILENT: Duration = Duration::from_secs(30);

/// How long it may take to begin.
const BEGINNING: Duration = Duration::from_secs(60);

/// How long it may take to end once it was told to: longer than answers under way may take.
const FAREWELL: Duration = Duration::from_secs(10);

const BOUNDS: Bounds = Bounds { patience: STUCK, said: SAID_LIMIT };

/// The publisher, and what it is told.
pub(super) struct PublisherKeeper {
    pub(super) stage: Stage,
    pub(super) provision: Provision,
    pub(super) crl: watch::Receiver<Option<PublishedCrl>>,
    /// What each gate last said of itself, by its name.
    pub(super) gates: Vec<(String, watch::Receiver<Option<GateFigures>>)>,
    /// How the processes are confined.
    pub(super) confined: Arc<watch::Sender<Vec<Confined>>>,
}

/// A publisher's process at work.
struct Life {
    process: Process,
    said: mpsc::Receiver<Result<FromPublisher, &'static str>>,
}

impl PublisherKeeper {
    /// Starts the publisher for the first time.
    ///
    /// # Errors
    /// What it says is in its way.
    pub(super) async fn begin(mut self) -> Result<RunningPublisher, Refusal> {
        let life = self.start().await?;
        let provision = &self.provision;
        for (serves, address) in
            [("crl", provision.address()), ("metrics", provision.metrics_address())]
        {
            if let Some(address) = address {
                tracing::info!(%address, serves, "publisher: listening");
            }
        }
        Ok(RunningPublisher { keeper: self, life })
    }

    /// Starts the process, and waits until it serves.
    async fn start(&mut self) -> Result<Life, Refusal> {
        let failed =
            |error: std::io::Error| Refusal::PublisherNotStarted { reason: error.to_string() };
        let started = Process::start(&self.stage, Role::Publisher, BOUNDS).await;
        let Started { process, said, descriptors } = started.map_err(failed)?;
        let mut life = Life { process, said };
        let listeners = self.provision.listeners().map_err(failed)?;
        let begin = Begin {
            settings: self.provision.settings().clone(),
            gates: self.gates.iter().map(|(gate, _)| gate.clone()).collect(),
            terms: self.stage.terms(Role::Publisher),
        };
        let begun = async {
            life.process.tell(&ToPublisher::Begin(begin)).await?;
            // When they cannot be sent the process is gone, and that is found out by hearing.
            let _ = listeners.send(&descriptors).await;
            life.said.recv().await.unwrap_or(Err("it has ended"))
        };
        let begun = timeout(BEGINNING, begun).await;
        let reason = match begun.unwrap_or(Err("it did not begin in time")) {
            Ok(FromPublisher::Ready { layers }) => {
                confined(&self.confined, Role::Publisher, None, layers);
                // What its predecessor was told, it was not.
                self.crl.mark_changed();
                return Ok(life);
            }
            Ok(FromPublisher::Refused(refusal)) => {
                // It ends now; what it said counts.
                life.process.farewell(STUCK).await;
                return Err(refusal);
            }
            Ok(FromPublisher::Alive) => "it spoke before it had begun",
            Err(reason) => reason,
        };
        Err(Refusal::PublisherNotStarted { reason: life.process.give_up(reason).await })
    }
}

/// A publisher that serves.
pub(super) struct RunningPublisher {
    keeper: PublisherKeeper,
    life: Life,
}

impl RunningPublisher {
    /// Keeps it running until `stop`: then answers under way may end.
    pub(super) async fn keep(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut pauses = Pauses::new();
        let mut began = clock::monotonic();
        loop {
            if self.live(stop.as_mut()).await {
                return;
            }
            // Whoever asks now waits at the socket, which is ours.
            loop {
                tokio::select! {
                    () = sleep(pauses.after(began.elapsed())) => {}
                    () = stop.as_mut() => return,
                }
                began = clock::monotonic();
                let started = tokio::select! {
                    started = self.keeper.start() => started,
                    () = stop.as_mut() => return,
                };
                match started {
                    Ok(life) => {
                        self.life = life;
                        break;
                    }
                    Err(refusal) => {
                        let refusal = refusal.to_string();
                        let refusal = Untrusted(&refusal);
                        tracing::error!("the publisher was not started again: {refusal}");
                    }
                }
            }
            tracing::info!("the publisher was started again");
        }
    }

    /// One life of its process, to its end; whether it was told to end.
    async fn live(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> bool {
        let Self { keeper, life } = self;
        let mut ticks = interval(FIGURES_EVERY);
        let (mut heard, mut draining) = (clock::monotonic(), false);
        let mut deadline = Instant::from_std(heard);
        let misbehaved = loop {
            let done = tokio::select! {
                // There is no other once the authority has ended for good.
                Ok(()) = keeper.crl.changed() => {
                    let crl = keeper.crl.borrow_and_update().clone();
                    match crl {
                        Some(crl) => life.process.tell(&ToPublisher::Crl(crl)).await,
                        None => Ok(()),
                    }
                }
                _ = ticks.tick() => match heard.elapsed() {
                    silence if silence > SILENT => Err("it does not say that it lives"),
                    _ => tell_figures(&mut life.process, &mut keeper.gates).await,
                },
                said = life.said.recv() => match said {
                    Some(Ok(FromPublisher::Alive)) => {
                        heard = clock::monotonic();
                        Ok(())
                    }
                    Some(Ok(FromPublisher::Refused(refusal))) => {
                        let refusal = refusal.to_string();
                        tracing::error!("the publisher ends: {}", Untrusted(&refusal));
                        Err("it serves no more")
                    }
                    Some(Ok(FromPublisher::Ready { .. })) => Err("it began twice"),
                    Some(Err(reason)) => Err(reason),
                    None => break None,
                },
                () = stop.as_mut(), if !draining => {
                    draining = true;
                    deadline = Instant::from_std(clock::monotonic() + FAREWELL);
                    keeper.provision.close();
                    life.process.tell(&ToPublisher::Drain).await
                }
                () = sleep_until(deadline), if draining => Err("it does not end"),
            };
            if let Err(reason) = done {
                break Some(reason);
            }
        };
        if let Some(reason) = misbehaved {
            tracing::error!(reason, "the publisher has misbehaved and is ended");
            life.process.kill().await;
        }
        let status = life.process.farewell(STUCK).await;
        if !draining {
            tracing::error!(status, "the publisher has ended; it is started again");
        }
        draining
    }
}

/// What gates have said since the last time. Of one that says nothing more, nothing is told.
async fn tell_figures(
    publisher: &mut Process,
    gates: &mut [(String, watch::Receiver<Option<GateFigures>>)],
) -> Result<(), &'static str> {
    for (gate, figures) in gates {
        if figures.has_changed().unwrap_or(false) {
            let (gate, figures) = (gate.clone(), figures.borrow_and_update().clone());
            publisher.tell(&ToPublisher::Figures { gate, figures }).await?;
        }
    }
    Ok(())
}

/// Makes the folder where there is none, and gives it to the publisher's user.
pub(super) fn make_folder(folder: &Path, users: Users) -> Result<(), Refusal> {
    if files::exists(folder) {
        return Ok(());
    }
    files::ensure_folder(folder, PUBLIC_FOLDER)?;
    let Some(user) = users.of(Role::Publisher) else { return Ok(()) };
    std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid))
        .map_err(|error| files::FileError::from_io(folder, &error).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::LogFormat;
    use crate::door::frame;
    use crate::publisher::Settings;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;
    use tokio::process::Command;

    /// A publisher that says these octets, and then nothing more.
    async fn after(said: &[u8]) -> RunningPublisher {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(said).await.unwrap();
        let child = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
        // As long as it runs its end is open.
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(theirs);
        });
        let (process, said) = Process::of_test(child, ours, Role::Publisher, BOUNDS);
        let keeper = PublisherKeeper {
            stage: Stage {
                log: LogFormat::Text,
                users: Users::Ours,
                accept_missing: BTreeSet::new(),
                landlock_abi: None,
                roles_from: None,
                environment: Vec::new(),
            },
            provision: Provision::open(Settings::default()).await.unwrap(),
            crl: watch::channel(None).1,
            gates: Vec::new(),
            confined: Arc::new(watch::channel(Vec::new()).0),
        };
        RunningPublisher { keeper, life: Life { process, said } }
    }

    // Catches a captured publisher that goes on being listened to, or that ends the supervisor.
    #[tokio::test]
    async fn a_publisher_that_says_what_it_may_not_is_ended() {
        let frame_of = |said: &FromPublisher| frame::encode(said, SAID_LIMIT).unwrap().to_vec();
        let alive = frame_of(&FromPublisher::Alive);
        let huge = [&u32::MAX.to_be_bytes()[..], &alive[4..]].concat();
        let unknown = [&alive[..6], &[9]].concat();
        let twice = frame_of(&FromPublisher::Ready { layers: Vec::new() });
        for said in [huge, unknown, twice, [alive, b"HTTP/1.1 200 OK".to_vec()].concat()] {
            let mut publisher = after(&said).await;
            let stop = pin!(std::future::pending());
            let ended = timeout(BEGINNING, publisher.live(stop)).await;
            assert_eq!(ended, Ok(false), "{said:x?}");
            let ended = publisher.life.process.farewell(BEGINNING).await;
            assert_eq!(ended, "signal: 9 (SIGKILL)", "it lives on: {said:x?}");
        }
    }
}
