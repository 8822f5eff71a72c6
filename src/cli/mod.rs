//! The verbs: each reads as a story in one function. Two fronts lead to the same commands, the
//! native one and the WebORCA manual's `orca-catool`.
//!
//! | file | holds |
//! |---|---|
//! | `arguments`, `help` | the words of the native front, and their help texts |
//! | `orca` | the manual's front |
//! | `init`, `quickstart` | a new CA |
//! | `issue`, `bulk`, `staff_list`, `renew` | certificates: one, many by a list, the next one |
//! | `list`, `revoke`, `crl` | looking at them, revoking, publishing, handing out again |
//! | `vault`, `shares`, `qr_code` | what opens the vault |
//! | `backup`, `restore`, `anchor` | copies of the CA, and what is kept elsewhere |
//! | `configuration`, `profile` | checking configurations, also against a guideline |
//! | `running`, `hardening` | looking at the running service, sealing it, opening it |
//! | `serve`, `appliance` | the service: its start, its parts, its end |
//! | `roles`, `process`, `supervisor`, `gates`, `publishing` | its processes, and what each is given and told |
//! | `notify`, `logging` | its service manager, its log |
//! | `session`, `owner` | one run of a command: which CA, and through which door |
//! | `secrets`, `terminal` | asking for what opens the vault |
//! | `screen`, `progress`, `handout` | what is printed and written for people |
//! | `environment` | the environment |

#![forbid(unsafe_code)]

mod anchor;
mod appliance;
mod arguments;
mod backup;
mod bulk;
mod configuration;
mod crl;
mod environment;
mod gates;
mod handout;
mod hardening;
mod help;
mod init;
mod issue;
mod list;
mod logging;
mod notify;
mod orca;
mod owner;
mod process;
mod profile;
mod progress;
mod publishing;
mod qr_code;
mod quickstart;
mod renew;
mod restore;
mod revoke;
mod roles;
mod running;
mod screen;
mod secrets;
mod serve;
mod session;
mod shares;
pub mod staff_list;
mod supervisor;
mod terminal;
mod vault;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::ground::messages::{Language, Refusal};
use crate::hardening::forbid_memory_dumps;
use arguments::{Anchor, Arguments, Clock, Config, Issue, Shares, Vault, Verb};
use environment::Environment;
use screen::Screen;
use session::Session;

/// Exit code of a refusal.
const REFUSED: u8 = 1;
/// Exit code of a mistake in the words.
const USAGE: u8 = 2;
/// Exit code of a ledger that was rolled back.
const ROLLED_BACK: u8 = 4;

/// Runs the command line: 0 done, 1 refused or failed, 2 usage.
#[must_use]
pub fn run() -> ExitCode {
    let environment = Environment::read();
    let words: Vec<OsString> = std::env::args_os().collect();
    // Refused only by an odd kernel; what follows is no less right without it.
    let _ = forbid_memory_dumps();
    if words.first().is_some_and(|program| orca::is_called(Path::new(program))) {
        return orca_catool(words.into_iter().skip(1).collect(), &environment);
    }
    let language = language_of(&words, &environment);
    let command = help::localise(Arguments::command(), "sekisho", language);
    let parsed = command
        .try_get_matches_from(words)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(Arguments { verb: Verb::OrcaCatool { words }, .. }) => orca_catool(words, &environment),
        Ok(arguments) => native(arguments, &environment),
        Err(error) => usage(&error, language),
    }
}

/// `sekisho` and `orca-catool` with their help texts, for the manual and the completions of shells.
#[must_use]
pub fn command_lines(language: Language) -> [clap::Command; 2] {
    let native = help::localise(Arguments::command(), "sekisho", language);
    [native, help::localise(orca::command(), "orca-catool", language)]
}

fn native(arguments: Arguments, environment: &Environment) -> ExitCode {
    let default = matches!(arguments.verb, Verb::Quickstart(_)).then_some(quickstart::FOLDER);
    let session = Session::new(&arguments.shared, environment, default);
    let done = match arguments.verb {
        Verb::Quickstart(options) => quickstart::run(&session, &options, environment),
        Verb::Init(options) => init::run(&session, &options),
        Verb::Issue(Issue::Server(options)) => issue::server(&session, &options),
        Verb::Issue(Issue::Client(options)) => issue::client(&session, &options),
        Verb::List(options) => list::list(&session, options.all),
        Verb::Show(options) => list::show(&session, &options.which),
        Verb::Export(options) => crl::export(&session, &options),
        Verb::Revoke(options) => revoke::run(&session, &options),
        Verb::Crl(options) => crl::run(&session, &options),
        Verb::ForgetKey(options) => revoke::forget_key(&session, &options.which),
        Verb::Verify => list::verify(&session),
        Verb::Vault(Vault::Passwd(options)) => vault::passwd(&session, &options),
        Verb::Vault(Vault::Slots) => vault::slots(&session),
        Verb::Vault(Vault::Shares(Shares::Create(arguments))) => {
            shares::create(&session, &arguments)
        }
        Verb::Vault(Vault::Shares(Shares::Remove)) => shares::remove(&session),
        // Its refusals are read in a log, by whoever comes: they are in both languages.
        Verb::Serve(options) => {
            let screen = session.screen.bilingual();
            return finish(serve::serve(&session, &screen, &options, environment), &screen);
        }
        Verb::Config(Config::Check(options)) => configuration::check(&session, &options),
        Verb::Config(Config::Example) => configuration::example(&session),
        Verb::Renew(options) => renew::run(&session, &options),
        Verb::Connections => running::connections(&session),
        Verb::Seal => running::seal(&session),
        Verb::Unseal => running::unseal(&session),
        Verb::Clock(Clock::Confirm) => running::confirm_clock(&session),
        Verb::Backup(options) => backup::run(&session, &options),
        Verb::Restore(options) => restore::run(&session, &options),
        Verb::Anchor(Anchor::Export(options)) => anchor::export(&session, &options),
        // Its exit code says what the ledger says to it.
        Verb::Anchor(Anchor::Check(options)) => return anchor::check(&session, &options),
        // Its exit code says how things stand.
        Verb::Status(options) if options.hardening => return hardening::show(&session),
        Verb::Status(_) => return running::status(&session),
        Verb::Authority(options) => {
            let screen = session.screen.bilingual();
            return finish(serve::authority(&options), &screen);
        }
        // What it cannot do, `serve` says.
        Verb::Gate => return exit_code(&serve::gate()),
        Verb::Publisher => return exit_code(&serve::publisher()),
        Verb::OrcaCatool { .. } => Ok(()),
    };
    finish(done.and_then(|()| session.screen.check_printed()), &session.screen)
}

/// The exit code of a process whose refusal is told elsewhere.
fn exit_code(done: &Result<(), Refusal>) -> ExitCode {
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
}

fn orca_catool(words: Vec<OsString>, environment: &Environment) -> ExitCode {
    let screen = Screen::new(environment.language, false, environment.colours);
    match orca::run(words, environment) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => usage(&error, environment.language),
        Err(refusal) => finish(Err(refusal), &screen),
    }
}

fn finish(done: Result<(), Refusal>, screen: &Screen) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            screen.refuse(&refusal);
            ExitCode::from(REFUSED)
        }
    }
}

fn usage(error: &clap::Error, language: Language) -> ExitCode {
    if error.use_stderr() && language == Language::Japanese && error.kind() != HELP_FOR_MISSING {
        Screen::new(language, false, false).refuse(&help::mistake(error));
    } else if error.use_stderr() {
        Screen::mistake(error);
    } else {
        // Nobody is left to tell when this cannot be printed.
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// The parser shows the help itself where a command is missing.
const HELP_FOR_MISSING: ErrorKind = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

/// The language of the help itself, which is needed before the words are understood.
fn language_of(words: &[OsString], environment: &Environment) -> Language {
    let mut asked = words.iter().skip_while(|word| *word != "--lang").skip(1);
    let joined = words.iter().find_map(|word| word.to_str()?.strip_prefix("--lang="));
    match joined.or_else(|| asked.next()?.to_str()) {
        Some("ja") => Language::Japanese,
        Some("en") => Language::English,
        _ => environment.language,
    }
}
