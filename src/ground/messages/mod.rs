//! Every sentence a person reads, in Japanese and English, in one catalogue.
//!
//! A [`Refusal`] says what is wrong and why, and then what to do next. It is also the stable name
//! ([`Refusal::code`]) that `--json` shows. A [`Text`] is any other sentence.

/// The language of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Japanese.
    Japanese,
    /// English.
    English,
}

impl Language {
    /// The language of a POSIX locale name such as `ja_JP.UTF-8`; English unless it is Japanese.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("ja") { Self::Japanese } else { Self::English }
    }
}

/// Declares an enum of refusals, after the empty list of the files that are left. Each has fields (text, already made safe to show) and, per
/// language, what is wrong `=>` what to do next.
macro_rules! refusals {
    ([] $( $(#[$doc:meta])* $name:ident { $($field:ident),* $(,)? }
        en $en:literal => $en_next:literal
        ja $ja:literal => $ja_next:literal )*) => {
        /// Why something was refused, and what to do next.
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, reason = "each text says what its fields are")]
        pub enum Refusal { $( $(#[$doc])* $name { $($field: String),* } ),* }

        impl Refusal {
            /// What is wrong, and why.
            #[must_use]
            pub fn what(&self, language: $crate::ground::messages::Language) -> String {
                use $crate::ground::messages::Language::{English, Japanese};
                match (self, language) { $(
                    (Self::$name { $($field),* }, English) => { $(let _ = $field;)* format!($en) }
                    (Self::$name { $($field),* }, Japanese) => { $(let _ = $field;)* format!($ja) }
                )* }
            }

            /// What to do next.
            #[must_use]
            pub fn next(&self, language: $crate::ground::messages::Language) -> String {
                use $crate::ground::messages::Language::{English, Japanese};
                match (self, language) { $(
                    (Self::$name { $($field),* }, English) => { $(let _ = $field;)* format!($en_next) }
                    (Self::$name { $($field),* }, Japanese) => { $(let _ = $field;)* format!($ja_next) }
                )* }
            }

            /// The stable name for machines.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $( Self::$name { .. } => stringify!($name) ),* }
            }
        }

        impl std::fmt::Display for Refusal {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let english = $crate::ground::messages::Language::English;
                write!(f, "{} ({})", self.what(english), self.next(english))
            }
        }

        impl std::error::Error for Refusal {}
    };
}

/// Declares an enum of other sentences, in both languages.
macro_rules! texts {
    ([] $( $(#[$doc:meta])* $name:ident { $($field:ident),* $(,)? }
        en $en:literal
        ja $ja:literal )*) => {
        /// A sentence that is no refusal.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each text says what its fields are")]
        pub enum Text { $( $(#[$doc])* $name { $($field: String),* } ),* }

        impl Text {
            /// The sentence in a language.
            #[must_use]
            pub fn render(&self, language: $crate::ground::messages::Language) -> String {
                use $crate::ground::messages::Language::{English, Japanese};
                match (self, language) { $(
                    (Self::$name { $($field),* }, English) => { $(let _ = $field;)* format!($en) }
                    (Self::$name { $($field),* }, Japanese) => { $(let _ = $field;)* format!($ja) }
                )* }
            }
        }
    };
}

mod help;
mod refusals;
mod texts;

pub use help::help;
pub use refusals::Refusal;
pub use texts::Text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_and_what_next_in_both_languages() {
        let refusal = Refusal::FileMissing { path: "/a".to_owned() };
        for language in [Language::English, Language::Japanese] {
            assert!(refusal.what(language).contains("/a"));
            assert!(!refusal.next(language).is_empty());
        }
        assert_eq!(refusal.code(), "FileMissing");
    }

    #[test]
    fn the_locale_names_the_language() {
        assert_eq!(Language::of_locale("ja_JP.UTF-8"), Language::Japanese);
        assert_eq!(Language::of_locale("C.UTF-8"), Language::English);
    }
}
