//! The words of the native command line. Their help texts are in the message catalogue, in both
//! languages; a test holds that none is missing.

#![allow(missing_docs, reason = "each argument is described in the message catalogue")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::serve::{GateOptions, ServeOptions};

/// `sekisho`.
#[derive(Parser, Debug)]
#[command(name = "sekisho", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What every verb takes.
    #[command(flatten)]
    pub shared: Shared,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Args, Debug, Clone)]
pub struct Shared {
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["key_file", "recovery_code"])]
    pub passphrase_file: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "recovery_code")]
    pub key_file: Option<PathBuf>,
    #[arg(long, global = true)]
    pub recovery_code: bool,
    #[arg(long, global = true)]
    pub json: bool,
    #[arg(long, global = true, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<LanguageChoice>,
}

/// `--lang`.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub enum LanguageChoice {
    Ja,
    En,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
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
    Serve(ServeOptions),
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
pub struct Quickstart {
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8443")]
    pub listen: String,
}

#[derive(Args, Debug)]
pub struct Init {
    #[arg(long, value_name = "NAME", default_value = "Sekisho CA")]
    pub name: String,
    #[command(flatten)]
    pub subject: SubjectOptions,
    #[arg(long, value_name = "DAYS", default_value_t = crate::ca::AUTHORITY_DAYS)]
    pub days: u32,
    #[arg(long, value_name = "ALGORITHM", default_value = "p256")]
    pub key: String,
}

/// The parts of a subject beside the common name.
#[derive(Args, Debug, Clone)]
pub struct SubjectOptions {
    #[arg(long, value_name = "CC", default_value = "JP")]
    pub country: String,
    #[arg(long, value_name = "NAME", default_value = "orca")]
    pub organization: String,
    #[arg(long, value_name = "NAME")]
    pub unit: Option<String>,
}

#[derive(Subcommand, Debug)]
pub enum Issue {
    Server(IssueServer),
    Client(IssueClient),
}

#[derive(Args, Debug)]
pub struct IssueServer {
    #[arg(value_name = "HOST", required = true)]
    pub hosts: Vec<String>,
    #[arg(long, value_name = "DAYS", default_value_t = 825)]
    pub days: u32,
    #[command(flatten)]
    pub options: IssueOptions,
}

#[derive(Args, Debug)]
pub struct IssueClient {
    #[arg(value_name = "NAME", required_unless_present = "from")]
    pub name: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "csr", "person", "device"])]
    pub from: Option<PathBuf>,
    #[arg(long, value_name = "DAYS", default_value_t = 1095)]
    pub days: u32,
    #[arg(long, value_name = "NAME")]
    pub person: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    #[command(flatten)]
    pub options: IssueOptions,
}

/// What both kinds of issuing take.
#[derive(Args, Debug, Clone)]
pub struct IssueOptions {
    #[command(flatten)]
    pub subject: SubjectOptions,
    #[arg(long, value_name = "ALGORITHM", default_value = "p256", conflicts_with = "csr")]
    pub key: String,
    #[arg(long, value_name = "FILE")]
    pub csr: Option<PathBuf>,
    #[arg(long, conflicts_with = "csr")]
    pub escrow: bool,
    #[arg(long, conflicts_with = "csr")]
    pub legacy: bool,
    #[arg(long, conflicts_with = "csr")]
    pub pem: bool,
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub out: PathBuf,
}

#[derive(Args, Debug)]
pub struct List {
    #[arg(long)]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct Show {
    #[arg(value_name = "NUMBER")]
    pub which: String,
}

#[derive(Args, Debug)]
pub struct Export {
    #[arg(value_name = "NUMBER")]
    pub which: String,
    #[arg(long)]
    pub legacy: bool,
    #[arg(long)]
    pub pem: bool,
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub out: PathBuf,
}

#[derive(Args, Debug)]
pub struct Revoke {
    #[arg(value_name = "NUMBER")]
    pub which: String,
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    pub reason: String,
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub crl_days: u32,
}

#[derive(Args, Debug)]
pub struct Crl {
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub days: u32,
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ForgetKey {
    #[arg(value_name = "NUMBER")]
    pub which: String,
}

#[derive(Subcommand, Debug)]
pub enum Vault {
    Passwd(Passwd),
    Slots,
}

#[derive(Args, Debug)]
pub struct Passwd {
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
    #[arg(long)]
    pub rewrap_only: bool,
}

#[derive(Subcommand, Debug)]
pub enum Config {
    Check(GateOptions),
}
