//! The help texts of the command line: for each verb by its words, for each argument by its name.

mod arguments;
mod verbs;

use super::Language;
use arguments::ARGUMENTS;
use verbs::VERBS;

/// The help text of a verb (`sekisho issue client`) or of an argument (`--days`).
#[must_use]
pub fn help(name: &str, language: Language) -> Option<&'static str> {
    let (_, english, japanese) =
        VERBS.iter().chain(ARGUMENTS).find(|(known, ..)| *known == name)?;
    Some(match language {
        Language::English => english,
        Language::Japanese => japanese,
    })
}
