//! `sekisho config`, and the configuration that `sekisho serve` is started with.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::arguments::ConfigCheck;
use super::profile::Judgement;
use super::roles;
use super::screen::Screen;
use super::session::Session;
use crate::authority::DataFolder;
use crate::config::{self, AuthoritySettings, Config, Finding, Findings, Grade, Unseal};
use crate::config::{jma_receipt, sekisho_toml};
use crate::gate::delivery::files_of;
use crate::gate::{Limits, RefusalMode};
use crate::ground::access::Obstacle;
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;

/// Where a configuration comes from.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("configuration_file").required(true))]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct ConfigurationOptions {
    #[arg(long, value_name = "FILE", group = "configuration_file", conflicts_with_all = OF_THE_CONF_FILE)]
    pub(super) config: Option<PathBuf>,
    #[arg(long, value_name = "FILE", group = "configuration_file")]
    pub(super) jma_receipt_conf: Option<PathBuf>,
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    #[arg(long, value_name = "URL")]
    pub(super) upstream: Option<String>,
    #[arg(long)]
    pub(super) allow_clear_text_upstream: bool,
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Vec<PathBuf>,
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(super) crl_grace_days: u16,
    #[arg(long, value_enum, value_name = "MODE", default_value_t = RefusalMode::Explain)]
    pub(super) refusal: RefusalMode,
    #[arg(long)]
    pub(super) tls12: bool,
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().handshakes_per_second)]
    pub(super) handshakes_per_second: u32,
}

/// What goes with `--jma-receipt-conf` only: `sekisho.toml` says these itself.
const OF_THE_CONF_FILE: [&str; 8] = [
    "listen",
    "upstream",
    "allow_clear_text_upstream",
    "crl",
    "crl_grace_days",
    "refusal",
    "tls12",
    "handshakes_per_second",
];

/// The configuration that the words name, checked as a whole. What is wrong with it is printed line
/// by line.
///
/// # Errors
/// It cannot be used.
pub(super) fn read(
    session: &Session,
    screen: &Screen,
    options: &ConfigurationOptions,
) -> Result<Config, Refusal> {
    match find(session, options)? {
        Ok(config) => Ok(config),
        Err(findings) => {
            for finding in &findings.findings {
                screen.finding(&place(&findings.path, finding), finding);
            }
            Err(refused(&findings))
        }
    }
}

/// Checks everything that `serve` would check, and serves nobody.
pub(super) fn check(session: &Session, arguments: &ConfigCheck) -> Result<(), Refusal> {
    let options = &arguments.configuration;
    let path = path_of(options);
    let (findings, config) = match find(session, options)? {
        Ok(config) => {
            let mut findings = config::check::check(&config, session.now);
            findings.extend(check_authority(&config));
            if options.config.is_some() {
                findings.extend(check_service_files(&config));
            }
            (findings, Some(config))
        }
        Err(findings) => (findings.findings, None),
    };
    let screen = &session.screen;
    for finding in &findings {
        screen.finding(&place(path, finding), finding);
    }
    let (errors, language) = (errors(&findings), screen.language());
    let shown = |finding: &Finding| {
        serde_json::json!({
            "line": finding.line,
            "grade": if finding.grade == Grade::Error { "error" } else { "warning" },
            "code": finding.refusal.code(),
            "what": finding.refusal.what(language),
            "next": finding.refusal.next(language),
        })
    };
    let shown: Vec<serde_json::Value> = findings.iter().map(shown).collect();
    let verdict = if errors == 0 { "good" } else { "refused" };
    // What cannot be served cannot be held against anything.
    let profile = arguments.profile.filter(|_| errors == 0);
    let judged = profile.zip(config).map(|(profile, config)| Judgement {
        profile,
        requirements: profile.judge(&config, session.now),
    });
    let against = judged.as_ref().map(|judgement| judgement.json(language));
    screen.json(&serde_json::json!({
        "configuration": verdict,
        "findings": shown,
        "profile": against,
    }));
    if errors > 0 {
        return Err(refused_with(path, errors));
    }
    screen.say(&Text::ConfigurationGood {});
    judged.map_or(Ok(()), |judgement| judgement.conclude(screen, path))
}

/// Prints the example.
pub(super) fn example(session: &Session) -> Result<(), Refusal> {
    let text = config::example::example(session.screen.language());
    session.screen.line(text.trim_end());
    session.screen.json(&serde_json::json!({ "example": text }));
    Ok(())
}

/// The command line has precedence over the file.
fn find(
    session: &Session,
    options: &ConfigurationOptions,
) -> Result<Result<Config, Findings>, Refusal> {
    if let Some(path) = &options.config {
        return Ok(sekisho_toml::load(path).map(|mut config| {
            if session.names_folder {
                config = config.with_folder(session.folder.path());
            }
            match &session.secrets.key_file {
                Some(path) => config.with_key_file(path),
                None => config,
            }
        }));
    }
    let beside = jma_receipt::Options {
        listen: options.listen.clone(),
        upstream: options.upstream.clone(),
        allow_clear_text_upstream: options.allow_clear_text_upstream,
        revocation_lists: options.crl.clone(),
        grace_days: options.crl_grace_days,
        refusal: options.refusal,
        tls12: options.tls12,
        handshakes_per_second: options.handshakes_per_second,
    };
    Config::of_jma_receipt(path_of(options), &beside).map(Ok)
}

/// A CA that was never made cannot be served.
fn check_authority(config: &Config) -> Option<Finding> {
    let folder = config.authority()?.folder();
    let missing = !DataFolder::new(folder).is_initialised();
    let folder = Untrusted(&folder.to_string_lossy()).to_string();
    missing.then_some(Finding {
        line: None,
        grade: Grade::Error,
        refusal: Refusal::NotInitialised { folder },
    })
}

/// What root can read, and the packaged service cannot, which runs as a user of its own.
fn check_service_files(config: &Config) -> Vec<Finding> {
    let Some(service) = roles::packaged_supervisor() else { return Vec::new() };
    let key_file = match config.authority().map(AuthoritySettings::unseal) {
        Some(Unseal::KeyFile(path)) => Some((path.as_path(), true)),
        _ => None,
    };
    let files = key_file.into_iter().chain(config.gates().iter().flat_map(files_of));
    let refused = files.filter_map(|(path, is_secret)| {
        let Obstacle { path: stands, is_the_file, owner, group, mode } = service.obstacle(path)?;
        let [path, folder] = [path, &stands].map(|it| Untrusted(&it.to_string_lossy()).to_string());
        let (owner, mode) = (format!("{owner}:{group}"), format!("{mode:04o}"));
        Some(if is_the_file {
            let change = if is_secret { "chown sekisho:" } else { "chmod a+r" };
            let command = format!("{change} {path}");
            Refusal::NotForTheService { path, owner, mode, command }
        } else {
            Refusal::NoWayForTheService { path, folder, owner, mode }
        })
    });
    refused.map(|refusal| Finding { line: None, grade: Grade::Warning, refusal }).collect()
}

fn path_of(options: &ConfigurationOptions) -> &Path {
    let path = options.config.as_deref().or(options.jma_receipt_conf.as_deref());
    path.unwrap_or(Path::new(""))
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.grade == Grade::Error).count()
}

/// That a configuration cannot be used; what is wrong with it is not in it.
pub(super) fn refused(findings: &Findings) -> Refusal {
    refused_with(&findings.path, errors(&findings.findings))
}

fn refused_with(path: &Path, errors: usize) -> Refusal {
    let path = Untrusted(&path.to_string_lossy()).to_string();
    Refusal::ConfigurationRefused { path, count: errors.to_string() }
}

/// `sekisho.toml:12: `, as compilers say it: editors can jump there.
fn place(path: &Path, finding: &Finding) -> String {
    let path = path.to_string_lossy();
    let path = Untrusted(&path);
    finding.line.map_or_else(|| format!("{path}: "), |line| format!("{path}:{line}: "))
}
