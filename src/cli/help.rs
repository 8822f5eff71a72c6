//! Help in the person's language: the parser's words get their texts from the message catalogue.

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::ground::messages::{Language, Refusal, help};
use crate::ground::untrusted::Untrusted;

/// Gives a command, its arguments and everything under it their help texts.
#[must_use]
pub(super) fn localise(command: Command, path: &str, language: Language) -> Command {
    let command = match help(path, language) {
        Some(text) => command.about(text),
        None => command,
    };
    let command =
        command.mut_args(|argument| match help(&format!("--{}", argument.get_id()), language) {
            Some(text) => argument.help(text),
            None => argument,
        });
    let command = match language {
        Language::English => command,
        Language::Japanese => in_japanese(command),
    };
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        localise(subcommand, &path, language)
    })
}

/// The headings, and what the parser says of itself.
fn in_japanese(command: Command) -> Command {
    let mut command = command
        .help_template(
            "{before-help}{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}",
        )
        .subcommand_help_heading("コマンド")
        .mut_args(|argument| {
            let heading = if argument.is_positional() { "引数" } else { "オプション" };
            argument.help_heading(heading)
        });
    if !command.is_disable_help_flag_set() {
        let flag = Arg::new("help").short('h').long("help").action(ArgAction::Help);
        let flag = flag.help("使い方を表示します").help_heading("オプション");
        command = command.disable_help_flag(true).arg(flag);
    }
    if command.get_version().is_some() {
        let flag = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        let flag = flag.help("版を表示します").help_heading("オプション");
        command = command.disable_version_flag(true).arg(flag);
    }
    command
}

/// A mistake in the words, told in Japanese; the parser itself tells it in English.
#[must_use]
pub(super) fn mistake(error: &clap::Error) -> Refusal {
    let context = |kind| error.get(kind).map(|value| Untrusted(&value.to_string()).to_string());
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => Refusal::UsageUnknownArgument { argument },
        ErrorKind::InvalidSubcommand => Refusal::UsageUnknownCommand {
            command: context(ContextKind::InvalidSubcommand).unwrap_or_default(),
        },
        ErrorKind::MissingRequiredArgument => Refusal::UsageMissing { argument },
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            Refusal::UsageInvalidValue { argument, value }
        }
        ErrorKind::ArgumentConflict => Refusal::UsageConflict {
            argument,
            other: context(ContextKind::PriorArg).unwrap_or_default(),
        },
        _ => Refusal::UsageOther {},
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Arguments;
    use super::*;
    use clap::CommandFactory;

    fn missing(command: &Command, path: &str, language: Language, found: &mut Vec<String>) {
        if help(path, language).is_none() {
            found.push(path.to_owned());
        }
        for argument in command.get_arguments() {
            let key = format!("--{}", argument.get_id());
            if !["--help", "--version"].contains(&key.as_str()) && help(&key, language).is_none() {
                found.push(format!("{path} {key}"));
            }
        }
        for subcommand in command.get_subcommands() {
            missing(subcommand, &format!("{path} {}", subcommand.get_name()), language, found);
        }
    }

    #[test]
    fn every_verb_and_argument_is_explained_in_both_languages() {
        for language in [Language::English, Language::Japanese] {
            let mut found = Vec::new();
            missing(&Arguments::command(), "sekisho", language, &mut found);
            missing(&super::super::orca::command(), "orca-catool", language, &mut found);
            assert!(found.is_empty(), "no help text for: {found:#?}");
        }
    }
}
