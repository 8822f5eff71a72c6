//! The words of the native command line. Their help texts are in the message catalogue, in both
//! languages; a test holds that none is missing.

#![allow(missing_docs, reason = "each argument is described in the message catalogue")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::configuration::ConfigurationOptions;
use super::serve::{AuthorityOptions, ServeOptions};
use crate::config::profile::Profile;

/// `sekisho`.
#[derive(Parser, Debug)]
#[command(name = "sekisho", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// What every verb takes.
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The verb.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What every verb takes.
#[derive(Args, Debug, Clone)]
pub(super) struct Shared {
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["key_file", "recovery_code", "shares"])]
    pub(super) passphrase_file: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["recovery_code", "shares"])]
    pub(super) key_file: Option<PathBuf>,
    #[arg(long, global = true, conflicts_with = "shares")]
    pub(super) recovery_code: bool,
    #[arg(long, global = true)]
    pub(super) shares: bool,
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE")]
    pub(super) lang: Option<LanguageChoice>,
}

/// `--lang`.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(super) enum LanguageChoice {
    Ja,
    En,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub(super) enum Verb {
    Quickstart(Quickstart),
    Init(Init),
    #[command(subcommand, arg_required_else_help = true)]
    Issue(Issue),
    List(List),
    Show(Show),
    Export(Export),
    Revoke(Revoke),
    Crl(Crl),
    ForgetKey(ForgetKey),
    Verify,
    #[command(subcommand, arg_required_else_help = true)]
    Vault(Vault),
    Renew(Renew),
    Serve(ServeOptions),
    Status(StatusOptions),
    Connections,
    Seal,
    Unseal,
    #[command(subcommand, arg_required_else_help = true)]
    Clock(Clock),
    /// The authority's process, which `serve` starts.
    #[command(hide = true)]
    Authority(AuthorityOptions),
    /// The process of a gate, which `serve` starts.
    #[command(hide = true)]
    Gate,
    /// The publisher's process, which `serve` starts.
    #[command(hide = true)]
    Publisher,
    #[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
    Backup(Backup),
    #[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
    Restore(Restore),
    #[command(subcommand, arg_required_else_help = true)]
    Anchor(Anchor),
    #[command(subcommand, arg_required_else_help = true)]
    Config(Config),
    /// The manual's own tool; its words are its own.
    #[command(disable_help_flag = true)]
    OrcaCatool {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

#[derive(Args, Debug)]
pub(super) struct Quickstart {
    #[arg(long, value_name = "URL")]
    pub(super) upstream: Option<String>,
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8443")]
    pub(super) listen: String,
}

#[derive(Args, Debug)]
pub(super) struct StatusOptions {
    #[arg(long)]
    pub(super) hardening: bool,
}

#[derive(Args, Debug)]
pub(super) struct Init {
    #[arg(long, value_name = "NAME", default_value = "Sekisho CA")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) subject: SubjectOptions,
    #[arg(long, value_name = "DAYS", default_value_t = crate::ca::AUTHORITY_DAYS)]
    pub(super) days: u32,
    #[arg(long, value_name = "ALGORITHM", default_value = "p256")]
    pub(super) key: String,
}

/// The parts of a subject beside the common name.
#[derive(Args, Debug, Clone)]
pub(super) struct SubjectOptions {
    #[arg(long, value_name = "CC", default_value = "JP")]
    pub(super) country: String,
    #[arg(long, value_name = "NAME", default_value = "orca")]
    pub(super) organization: String,
    #[arg(long, value_name = "NAME")]
    pub(super) unit: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(super) enum Issue {
    Server(IssueServer),
    Client(IssueClient),
}

#[derive(Args, Debug)]
pub(super) struct IssueServer {
    #[arg(value_name = "HOST", required = true)]
    pub(super) hosts: Vec<String>,
    #[arg(long, value_name = "DAYS", default_value_t = 824)]
    pub(super) days: u32,
    #[command(flatten)]
    pub(super) options: IssueOptions,
}

#[derive(Args, Debug)]
pub(super) struct IssueClient {
    #[arg(value_name = "NAME", required_unless_present = "from")]
    pub(super) name: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "csr", "person", "device"])]
    pub(super) from: Option<PathBuf>,
    #[arg(long, value_name = "DAYS", default_value_t = 1095)]
    pub(super) days: u32,
    #[arg(long, value_name = "NAME")]
    pub(super) person: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(super) device: Option<String>,
    #[command(flatten)]
    pub(super) options: IssueOptions,
}

/// What both kinds of issuing take.
#[derive(Args, Debug, Clone)]
pub(super) struct IssueOptions {
    #[command(flatten)]
    pub(super) subject: SubjectOptions,
    #[arg(long, value_name = "ALGORITHM", default_value = "p256", conflicts_with = "csr")]
    pub(super) key: String,
    #[arg(long, value_name = "FILE")]
    pub(super) csr: Option<PathBuf>,
    #[arg(long, conflicts_with = "csr")]
    pub(super) escrow: bool,
    #[arg(long, conflicts_with = "csr")]
    pub(super) legacy: bool,
    #[arg(long, conflicts_with = "csr")]
    pub(super) pem: bool,
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) out: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct List {
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    #[arg(value_name = "NUMBER")]
    pub(super) which: String,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    #[arg(value_name = "NUMBER")]
    pub(super) which: String,
    #[arg(long)]
    pub(super) legacy: bool,
    #[arg(long)]
    pub(super) pem: bool,
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) out: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    #[arg(value_name = "NUMBER")]
    pub(super) which: String,
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    pub(super) reason: String,
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<String>,
    #[arg(long)]
    pub(super) lineage: bool,
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(super) crl_days: u32,
}

#[derive(Args, Debug)]
pub(super) struct Renew {
    #[arg(value_name = "NUMBER")]
    pub(super) which: String,
    #[arg(long = "for-days", id = "renew_days", value_name = "DAYS")]
    pub(super) days: Option<u32>,
    #[arg(long)]
    pub(super) again: bool,
    #[arg(long, value_name = "ALGORITHM", default_value = "p256", conflicts_with = "csr")]
    pub(super) key: String,
    #[arg(long, value_name = "FILE")]
    pub(super) csr: Option<PathBuf>,
    #[arg(long, conflicts_with = "csr")]
    pub(super) escrow: bool,
    #[arg(long, conflicts_with = "csr")]
    pub(super) legacy: bool,
    #[arg(long, conflicts_with = "csr")]
    pub(super) pem: bool,
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) out: PathBuf,
}

#[derive(Subcommand, Debug)]
pub(super) enum Clock {
    Confirm,
}

#[derive(Args, Debug)]
pub(super) struct Crl {
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(super) days: u32,
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ForgetKey {
    #[arg(value_name = "NUMBER")]
    pub(super) which: String,
}

#[derive(Subcommand, Debug)]
pub(super) enum Vault {
    Passwd(Passwd),
    Slots,
    #[command(subcommand, arg_required_else_help = true)]
    Shares(Shares),
}

#[derive(Subcommand, Debug)]
pub(super) enum Shares {
    Create(CreateShares),
    Remove,
}

#[derive(Args, Debug)]
pub(super) struct CreateShares {
    #[arg(long, value_name = "NUMBER")]
    pub(super) threshold: u8,
    #[arg(long, value_name = "NUMBER")]
    pub(super) count: u8,
}

#[derive(Args, Debug)]
pub(super) struct Passwd {
    #[arg(long, value_name = "FILE")]
    pub(super) new_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub(super) new_key_file: Option<PathBuf>,
    #[arg(long)]
    pub(super) rewrap_only: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum Config {
    Check(ConfigCheck),
    Example,
}

#[derive(Args, Debug)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct Backup {
    #[arg(long = "to", value_name = "FILE", id = "backup_to", required = true)]
    pub(super) to: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub(super) backup_passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) drill: Option<BackupDrill>,
}

#[derive(Subcommand, Debug)]
pub(super) enum BackupDrill {
    Verify(BackupVerify),
}

#[derive(Args, Debug)]
pub(super) struct BackupVerify {
    #[arg(value_name = "FILE", id = "backup_file")]
    pub(super) file: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub(super) backup_passphrase_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct Restore {
    #[arg(value_name = "FILE", id = "backup_file", required = true)]
    pub(super) file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub(super) backup_passphrase_file: Option<PathBuf>,
    #[arg(long = "crl", value_name = "FILE", id = "published_crl")]
    pub(super) crl: Option<PathBuf>,
    #[arg(long, conflicts_with = "published_crl")]
    pub(super) without_crl: bool,
    #[command(subcommand)]
    pub(super) step: Option<RestoreStep>,
}

#[derive(Subcommand, Debug)]
pub(super) enum RestoreStep {
    #[command(arg_required_else_help = true)]
    Reconcile(ReconcileOptions),
}

#[derive(Args, Debug)]
pub(super) struct ReconcileOptions {
    #[arg(
        long = "crl",
        value_name = "FILE",
        id = "published_crl",
        required_unless_present = "without_crl"
    )]
    pub(super) crl: Option<PathBuf>,
    #[arg(long, conflicts_with = "published_crl")]
    pub(super) without_crl: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum Anchor {
    Export(AnchorExport),
    Check(AnchorCheck),
}

#[derive(Args, Debug)]
pub(super) struct AnchorExport {
    #[arg(long = "to", value_name = "FILE", id = "anchor_to")]
    pub(super) to: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct AnchorCheck {
    #[arg(value_name = "FILE|TEXT", required = true, id = "kept")]
    pub(super) kept: Vec<String>,
}

#[derive(Args, Debug)]
pub(super) struct ConfigCheck {
    #[command(flatten)]
    pub(super) configuration: ConfigurationOptions,
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) profile: Option<Profile>,
}
