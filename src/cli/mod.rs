//! The verbs.

#![forbid(unsafe_code)]

mod logging;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::ground::messages::{Language, Refusal};

/// Certificate-based access for a small organisation.
#[derive(Parser)]
#[command(name = "sekisho", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lets holders of client certificates through to a web application.
    Serve(serve::Arguments),
}

/// Runs the command line; the exit code is 1 when something was refused.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Nobody is left to tell when this cannot be printed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            print_refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the one place that tells a person of a refusal")]
fn print_refusal(refusal: &Refusal) {
    for language in [Language::Japanese, Language::English] {
        eprintln!("{}\n  {}", refusal.what(language), refusal.next(language));
    }
}
