//! Everything a configuration names, wired together and run until the order to stop: the authority,
//! each gate and the publisher, each in a process of its own.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::environment::Environment;
use super::gates::{GateKeeper, RunningGate};
use super::notify::{Notifier, PassedSockets};
use super::publishing::{PublisherKeeper, RunningPublisher, make_folder};
use super::roles::{Stage, Users};
use super::secrets::{SecretSource, through_the_door};
use super::supervisor::{self, GateFeed, Standing, Supervisor};
use crate::authority::{DataFolder, Reservation};
use crate::config::{AuthoritySettings, Config, LogFormat, Unseal};
use crate::door::feed::{self, Confined, GateHello, Hello};
use crate::gate::provision::Provision;
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::hardening::{self, Confinement, Layer, Role, Terms, confine};
use crate::publisher::{self, LocalAddress};

/// Events that wait for a gate at most; one that is further behind is started again.
const WAITING: usize = 1024;

/// What the command line says of how it is run.
pub(super) struct Words<'a> {
    pub(super) log: LogFormat,
    /// The folder of the sockets at which somebody else starts the processes.
    pub(super) roles_from: Option<&'a Path>,
    pub(super) language: Language,
    pub(super) secrets: &'a SecretSource,
}

/// Runs what the configuration names until SIGTERM or SIGINT; `ready` is called once everybody who
/// may come in can.
///
/// # Errors
/// Something cannot be opened; nothing runs then.
pub(super) fn run(
    config: &Config,
    words: &Words<'_>,
    environment: &Environment,
    ready: impl FnOnce(),
) -> Result<(), Refusal> {
    let mut passed = PassedSockets::receive(&environment.service)?;
    let notifier = Notifier::new(&environment.service);
    if let Err(error) = hardening::keep_descriptors() {
        tracing::warn!(%error, "what was left open for us is left open for the processes we start");
    }
    if let Err(error) = hardening::raise_descriptor_limit() {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
    // Where they may be one user, they are whoever started the service.
    let one_user = config.accept_missing().contains(&Layer::SeparateUids);
    let users = match words.roles_from {
        _ if one_user => Users::Ours,
        // Without them nobody could tell whether somebody else starts the right ones.
        Some(_) => match Users::of_accounts() {
            Users::Ours => return Err(Refusal::RoleAccountsMissing {}),
            users @ Users::Separate { .. } => users,
        },
        None => Users::find(),
    };
    let stage = Stage {
        log: words.log,
        users,
        accept_missing: config.accept_missing().clone(),
        landlock_abi: config.landlock_abi(),
        roles_from: words.roles_from.map(Path::to_owned),
        environment: environment.kept.clone(),
    };
    let reserved = match config.authority() {
        Some(settings) => Some(reserve(settings.folder(), &stage)?),
        None => None,
    };
    let hello = match config.authority() {
        Some(settings) => Some(hello(config, settings, users, words, environment)?),
        None => None,
    };
    let confined = confine_ourselves(config, &stage)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(unavailable)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        // Without a gate nobody listens to it, and unheard it ends the process.
        let _hangup = signal(SignalKind::hangup()).map_err(unavailable)?;
        let mut stop = pin!(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            notifier.stopping();
        });
        let appliance = tokio::select! {
            opened = Appliance::open(config, hello, stage, confined, &mut passed) => opened?,
            // What was started ends with this.
            () = stop.as_mut() => return Ok(()),
        };
        passed.close();
        let ready = || {
            notifier.ready(&status(config, words.language));
            ready();
        };
        let ended = tokio::select! {
            ended = appliance.run(ready, stop) => ended,
            never = notifier.stay_alive() => match never {},
        };
        drop(reserved);
        ended
    })
}

/// Has the lock of the data folder taken, before anything listens and anybody is asked anything.
fn reserve(folder: &Path, stage: &Stage) -> Result<Reservation, Refusal> {
    let data = DataFolder::new(folder);
    if stage.roles_from.is_none()
        && let Some(user) = stage.users.of(Role::Authority)
    {
        data.require_initialised()?;
        data.give_to(user.uid, user.gid)?;
    }
    // Of its own, without a thread: there must be one only until we have confined ourselves.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unavailable)?;
    runtime.block_on(supervisor::reserve(stage, folder))
}

/// Everything begun; visitors wait until the authority has told who may come in.
struct Appliance {
    gates: Vec<RunningGate>,
    publisher: Option<RunningPublisher>,
    supervisor: Option<Supervisor>,
    standing: watch::Receiver<Standing>,
}

impl Appliance {
    async fn open(
        config: &Config,
        hello: Option<(Hello, Option<PathBuf>)>,
        stage: Stage,
        confined: Confined,
        passed: &mut PassedSockets,
    ) -> Result<Self, Refusal> {
        let (confined_in, confined) = watch::channel(vec![confined]);
        let confined_in = Arc::new(confined_in);
        let (answers_in, answers) = mpsc::channel(WAITING);
        let (crl_in, crl) = watch::channel(None);
        let (standing_in, standing) = watch::channel(Standing::default());
        let (mut gates, mut feeds, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for settings in config.gates() {
            let name = settings.name().to_owned();
            let is_behind = Arc::new(AtomicBool::new(false));
            let feed = hello.is_some().then(|| {
                let (events, feed) = mpsc::channel(WAITING);
                let is_behind = Arc::clone(&is_behind);
                feeds.push(GateFeed { gate: name.clone(), events, is_behind });
                feed
            });
            let (figures, told) = watch::channel(None);
            let socket = passed.take(&name, settings.listen_address());
            let provision = Provision::open(settings.clone(), socket).await?;
            let address = provision.address();
            let hangup = signal(SignalKind::hangup()).map_err(unavailable)?;
            let answers = answers_in.clone();
            let keeper = GateKeeper {
                stage: stage.clone(),
                provision,
                feed,
                is_behind,
                answers,
                figures,
                hangup,
                confined: Arc::clone(&confined_in),
            };
            gates.push(keeper.begin().await?);
            tracing::info!(gate = %name, %address, "listening");
            sources.push((name, told));
        }
        let publisher = match config.publish() {
            Some(settings) => {
                let provision = publisher::provision::Provision::open(settings.clone()).await?;
                let keeper = PublisherKeeper {
                    stage: stage.clone(),
                    provision,
                    crl,
                    gates: sources,
                    confined: Arc::clone(&confined_in),
                };
                Some(keeper.begin().await?)
            }
            None => None,
        };
        let supervisor = hello.map(|(hello, key_file)| Supervisor {
            hello: Hello { terms: stage.terms(Role::Authority), ..hello },
            key_file,
            stage,
            feeds,
            answers,
            crl: crl_in,
            standing: standing_in,
            confined,
        });
        Ok(Self { gates, publisher, supervisor, standing })
    }

    /// Serves until `stop`: then the gates finish requests under way, and the authority ends last.
    async fn run(
        self,
        ready: impl FnOnce(),
        stop: impl Future<Output = ()>,
    ) -> Result<(), Refusal> {
        let (stopping_in, stopping) = watch::channel(false);
        let mut keepers = JoinSet::new();
        for gate in self.gates {
            keepers.spawn(gate.keep(stopped(stopping.clone())));
        }
        if let Some(publisher) = self.publisher {
            keepers.spawn(publisher.keep(stopped(stopping)));
        }
        let has_authority = self.supervisor.is_some();
        let (drained_in, drained) = watch::channel(false);
        let supervisor = async {
            match self.supervisor {
                Some(supervisor) => supervisor.supervise(stopped(drained)).await,
                None => std::future::pending().await,
            }
        };
        let mut supervisor = pin!(supervisor);
        let mut standing = self.standing;
        let begun = async {
            if has_authority {
                // An error means that the supervisor has ended; its own outcome says why.
                let _ = standing.wait_for(|standing| standing.heard).await;
            }
        };
        let mut stop = pin!(stop);
        let served = async {
            tokio::select! {
                () = begun => {
                    ready();
                    stop.as_mut().await;
                }
                () = stop.as_mut() => {}
            }
        };
        let failed = tokio::select! {
            () = served => None,
            failed = &mut supervisor => Some(failed),
            never = async {
                finished(&mut keepers).await;
                std::future::pending::<Infallible>().await
            } => match never {},
        };
        stopping_in.send_replace(true);
        let all = finished(&mut keepers);
        let failed = match failed {
            Some(failed) => {
                all.await;
                Some(failed)
            }
            // While the gates finish, revocations still reach them.
            None => tokio::select! {
                () = all => None,
                failed = &mut supervisor => Some(failed),
            },
        };
        drained_in.send_replace(true);
        match failed {
            Some(failed) => failed,
            None if has_authority => supervisor.await,
            None => Ok(()),
        }
    }
}

/// Waits for those who keep a process each. A panic of one of them is one of the whole service: it must
/// not go on without a gate that nobody keeps.
async fn finished(keepers: &mut JoinSet<()>) {
    while let Some(kept) = keepers.join_next().await {
        if let Err(failed) = kept
            && let Ok(panic) = failed.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What the service manager shows of the service.
fn status(config: &Config, language: Language) -> String {
    let gates: Vec<&str> = config.gates().iter().map(|gate| gate.name()).collect();
    Text::ServiceStatus { gates: gates.join(", ") }.render(language)
}

/// Gives up what the supervisor itself does not need. It reads files and connects to upstreams for the
/// others. Where it starts them it writes where they write, since nothing it starts can do more than it.
fn confine_ourselves(config: &Config, stage: &Stage) -> Result<Confined, Refusal> {
    let mut write = vec![PathBuf::from("/dev/null")];
    let starts_them = stage.roles_from.is_none();
    if let Some(settings) = config.authority().filter(|_| starts_them) {
        let folder = DataFolder::new(settings.folder());
        write.push(folder.path().to_owned());
        write.extend(folder.control_socket().parent().map(Path::to_owned));
    }
    if let Some(settings) = config.publish() {
        let socket = settings.metrics().and_then(LocalAddress::unix);
        write.extend(socket.and_then(Path::parent).map(Path::to_owned));
        if let Some(folder) = settings.folder().filter(|_| starts_them) {
            make_folder(folder, stage.users)?;
            write.push(folder.to_owned());
        }
    }
    let role = Role::Supervisor;
    let terms = stage.terms(Role::Authority);
    let layers = confine(&Confinement { role, read: vec![PathBuf::from("/")], write, terms })?;
    let missing: Vec<&str> = stage.accept_missing.iter().map(|layer| layer.name()).collect();
    if !missing.is_empty() {
        tracing::warn!(
            "as configured, these layers of the confinement are left out: {}",
            missing.join(", ")
        );
    }
    Ok(Confined { role, gate: None, layers })
}

fn unavailable(error: std::io::Error) -> Refusal {
    Refusal::SignalsUnavailable { reason: error.to_string() }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the appliance itself is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// What the authority is told to do, and the key file that opens its vault. At a terminal the
/// passphrase is asked for, before anybody is served; where there is none, the vault stays sealed
/// until somebody opens it.
fn hello(
    config: &Config,
    settings: &AuthoritySettings,
    users: Users,
    words: &Words<'_>,
    environment: &Environment,
) -> Result<(Hello, Option<PathBuf>), Refusal> {
    // It is there: it was reserved. We may not be able to look into it.
    let folder = DataFolder::new(settings.folder());
    let Words { secrets, language, .. } = *words;
    let (unseal, key_file) = match settings.unseal() {
        // What the command line names goes before what the file says.
        _ if secrets.is_named() => {
            let secret = through_the_door(secrets.secret(&folder, language, true)?);
            (feed::Unseal::With(secret), None)
        }
        Unseal::KeyFile(path) => (feed::Unseal::Later, Some(path.clone())),
        Unseal::Credential(name) => (feed::Unseal::Later, Some(credential(name, environment)?)),
        Unseal::Terminal => match secrets.secret(&folder, language, true) {
            Ok(secret) => (feed::Unseal::With(through_the_door(secret)), None),
            Err(Refusal::NoTerminal {}) => (feed::Unseal::Later, None),
            Err(refusal) => return Err(refusal),
        },
    };
    let mut hello = configured(config, settings);
    (hello.unseal, hello.roles) = (unseal, users.all());
    if users == Users::Ours {
        // Who started the service runs it.
        hello.admins.push(rustix::process::geteuid().as_raw());
    }
    Ok((hello, key_file))
}

/// What the configuration says to the authority. Who has a role, and how it is confined, is not in it.
pub(super) fn configured(config: &Config, settings: &AuthoritySettings) -> Hello {
    let gates = config.gates().iter().map(|gate| GateHello {
        gate: gate.name().to_owned(),
        names: gate.certified_names().to_vec(),
    });
    Hello {
        folder: settings.folder().to_owned(),
        unseal: feed::Unseal::Later,
        admins: settings.admins().to_vec(),
        roles: Vec::new(),
        crl_days: settings.crl_days(),
        server_days: settings.server_days(),
        gates: gates.collect(),
        terms: Terms::default(),
    }
}

/// Where systemd puts a credential of this service (`LoadCredential=`).
fn credential(name: &str, environment: &Environment) -> Result<PathBuf, Refusal> {
    let folder = environment.credentials.as_ref();
    let missing = || Refusal::CredentialMissing { name: Untrusted(name).to_string() };
    Ok(folder.ok_or_else(missing)?.join(name))
}
