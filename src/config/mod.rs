//! Checked settings from the files people write.
//!
//! | file | holds |
//! |---|---|
//! | [`sekisho_toml`] | `sekisho.toml`: its keys, and whether they fit together |
//! | `document`, [`finding`] | TOML with line numbers; what is wrong with it, all at once |
//! | [`check`] | what only this machine can tell: files, addresses, ends of certificates |
//! | [`profile`] | how a configuration stands against a published guideline |
//! | [`example`] | a commented example, in both languages |
//! | [`jma_receipt`], [`orca_catool`] | the files of WebORCA and of its manual |

#![forbid(unsafe_code)]

pub mod check;
mod document;
pub mod example;
pub mod finding;
pub mod jma_receipt;
pub mod orca_catool;
pub mod profile;
pub mod sekisho_toml;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use finding::{Finding, Findings, Grade};

use crate::gate;
use crate::ground::messages::Refusal;
use crate::hardening::Layer;
use crate::publisher;

/// What `serve` runs, checked as a whole. Whatever file or command it came from, there is no other
/// way to start.
#[derive(Clone, Debug)]
pub struct Config {
    authority: Option<AuthoritySettings>,
    publish: Option<publisher::Settings>,
    gates: Vec<gate::Settings>,
    accept_missing: BTreeSet<Layer>,
    landlock_abi: Option<u8>,
    log: LogFormat,
}

/// The authority that `serve` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySettings {
    folder: PathBuf,
    unseal: Unseal,
    admins: Vec<u32>,
    crl_days: u32,
    server_days: u32,
}

/// How the vault is opened at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Unseal {
    /// Somebody at a terminal is asked.
    #[default]
    Terminal,
    /// With a key file.
    KeyFile(PathBuf),
    /// With the credential of this name that systemd passes (`LoadCredential=`), a key file in
    /// `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// The form of log lines.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As in the WebORCA log: local time, then what happened.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Days a published CRL is good for.
const CRL_DAYS: u32 = 7;

/// Days a gate's server certificate lasts.
const SERVER_DAYS: u32 = 397;

impl Config {
    /// One gate in front of WebORCA, as its `jma-receipt.conf` says; no authority.
    ///
    /// # Errors
    /// As [`jma_receipt::load`], or what is wrong with an option.
    pub fn of_jma_receipt(path: &Path, options: &jma_receipt::Options) -> Result<Self, Refusal> {
        let settings = options.apply(jma_receipt::load(path)?)?;
        Ok(Self {
            authority: None,
            publish: None,
            gates: vec![settings],
            accept_missing: BTreeSet::new(),
            landlock_abi: None,
            log: LogFormat::Text,
        })
    }

    /// An authority and one gate of it for these host names, in front of an application or, without
    /// one, of the page that greets.
    ///
    /// # Errors
    /// The address or the URL cannot be used.
    pub fn of_quickstart(
        folder: PathBuf,
        unseal: Unseal,
        names: Vec<String>,
        listen: &str,
        upstream: Option<&str>,
    ) -> Result<Self, Refusal> {
        let gate = gate::Settings::of_authority(names).with_listen(listen)?;
        let gate = match upstream {
            Some(url) => gate.with_upstream(url, false)?,
            None => gate.with_greeting(),
        };
        Ok(Self {
            authority: Some(AuthoritySettings::new(folder, unseal)),
            publish: None,
            gates: vec![gate],
            // Whoever tries it out has installed nothing, and no users.
            accept_missing: BTreeSet::from([Layer::SeparateUids]),
            landlock_abi: None,
            log: LogFormat::Text,
        })
    }

    /// The authority, when `serve` runs one.
    #[must_use]
    pub fn authority(&self) -> Option<&AuthoritySettings> {
        self.authority.as_ref()
    }

    /// The same with the authority, where there is one, in another data folder.
    #[must_use]
    pub fn with_folder(mut self, folder: &Path) -> Self {
        if let Some(authority) = &mut self.authority {
            folder.clone_into(&mut authority.folder);
        }
        self
    }

    /// The same with the authority, where there is one, opened by another key file.
    #[must_use]
    pub fn with_key_file(mut self, path: &Path) -> Self {
        if let Some(authority) = &mut self.authority {
            authority.unseal = Unseal::KeyFile(path.to_owned());
        }
        self
    }

    /// The same with more layers of the confinement left out.
    #[must_use]
    pub fn accepting(mut self, missing: &[Layer]) -> Self {
        self.accept_missing.extend(missing);
        self
    }

    /// The layers of the confinement that are left out.
    #[must_use]
    pub fn accept_missing(&self) -> &BTreeSet<Layer> {
        &self.accept_missing
    }

    /// The same with Landlock used as if the kernel had no newer ABI than this.
    #[must_use]
    pub fn with_landlock_abi(mut self, abi: Option<u8>) -> Self {
        self.landlock_abi = abi;
        self
    }

    /// The newest Landlock ABI that is used; `None` for whatever the kernel has.
    #[must_use]
    pub fn landlock_abi(&self) -> Option<u8> {
        self.landlock_abi
    }

    /// What is published, if anything.
    #[must_use]
    pub fn publish(&self) -> Option<&publisher::Settings> {
        self.publish.as_ref()
    }

    /// The gates; their names differ, and so do their addresses.
    #[must_use]
    pub fn gates(&self) -> &[gate::Settings] {
        &self.gates
    }

    /// The form of log lines.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        self.log
    }

    /// Where all of it listens on the network, each with what it is for.
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let gates = self.gates.iter();
        let mut addresses: Vec<(String, SocketAddr)> =
            gates.map(|gate| (gate_title(gate.name()), gate.listen_address())).collect();
        if let Some(publish) = &self.publish {
            let listen = publish.listen().map(|address| ("[publish] listen".to_owned(), address));
            let metrics = publish.metrics().and_then(publisher::LocalAddress::tcp);
            let metrics = metrics.map(|address| ("[publish] metrics".to_owned(), address));
            addresses.extend(listen.into_iter().chain(metrics));
        }
        addresses
    }
}

impl AuthoritySettings {
    fn new(folder: PathBuf, unseal: Unseal) -> Self {
        Self { folder, unseal, admins: Vec::new(), crl_days: CRL_DAYS, server_days: SERVER_DAYS }
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How the vault is opened.
    #[must_use]
    pub fn unseal(&self) -> &Unseal {
        &self.unseal
    }

    /// The user ids that may use the control socket beside root and the service's own user.
    #[must_use]
    pub fn admins(&self) -> &[u32] {
        &self.admins
    }

    /// Days a published CRL is good for; 1 to 90.
    #[must_use]
    pub fn crl_days(&self) -> u32 {
        self.crl_days
    }

    /// Days a gate's server certificate lasts; 2 to 825.
    #[must_use]
    pub fn server_days(&self) -> u32 {
        self.server_days
    }
}

/// A gate as findings name it.
fn gate_title(name: &str) -> String {
    format!("[[gate]] {name}").trim_end().to_owned()
}
