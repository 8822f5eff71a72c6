//! A commented example of `sekisho.toml`.

use crate::ground::messages::Language;

/// The example in a language. It is a configuration that can be used as it is.
#[must_use]
pub fn example(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("example.en.toml"),
        Language::Japanese => include_str!("example.ja.toml"),
    }
}
