//! Help in the person's language: the parser's words get their texts from the message catalogue.

use clap::Command;

use crate::ground::messages::{Language, help};

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
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        localise(subcommand, &path, language)
    })
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
