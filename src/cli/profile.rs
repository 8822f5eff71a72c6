//! `sekisho config check --profile`: how a configuration stands against a guideline, for people and
//! machines.

use std::path::Path;

use serde_json::{Value, json};

use super::screen::{Screen, Table, Tone};
use crate::config::profile::{Judged, Outcome, Profile, Source};
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::Untrusted;

/// A guideline, and how a configuration stands against each of its requirements.
pub(super) struct Judgement {
    pub(super) profile: Profile,
    pub(super) requirements: Vec<Judged>,
}

impl Judgement {
    /// Prints the table, with what to change below each requirement that is not met.
    ///
    /// # Errors
    /// `ProfileNotMet`.
    pub(super) fn conclude(&self, screen: &Screen, path: &Path) -> Result<(), Refusal> {
        let language = screen.language();
        screen.line("");
        screen.say(&Text::ProfileHeading {});
        self.show(screen);
        screen.line("");
        screen.say(&Text::ProfileSources {});
        let mut sources = Table::default();
        for source in Source::ALL {
            let short = (format!("  {}", source.short()), Tone::Plain);
            sources.row([short, (source.document().render(language), Tone::Plain)]);
        }
        screen.table(&sources);
        screen.line("");
        let count = self.not_met().count();
        if count > 0 {
            let path = Untrusted(&path.to_string_lossy()).to_string();
            let (profile, count) = (self.profile.name().to_owned(), count.to_string());
            return Err(Refusal::ProfileNotMet { path, profile, count });
        }
        screen.say(&Text::ProfileMet {});
        Ok(())
    }

    /// The same for machines.
    pub(super) fn json(&self, language: Language) -> Value {
        let requirement = |judged: &Judged| {
            let change = match &judged.outcome {
                Outcome::NotMet(change) => change.as_slice(),
                Outcome::Met | Outcome::NotApplicable => &[],
            };
            json!({
                "id": judged.id,
                "source": judged.source.short(),
                "requirement": judged.requirement.render(language),
                "outcome": code(&judged.outcome),
                "change": change.iter().map(|text| text.render(language)).collect::<Vec<_>>(),
            })
        };
        let sources = Source::ALL
            .map(|source| (source.short().to_owned(), source.document().render(language).into()));
        json!({
            "name": self.profile.name(),
            "met": self.not_met().next().is_none(),
            "requirements": self.requirements.iter().map(requirement).collect::<Vec<_>>(),
            "sources": Value::Object(sources.into_iter().collect()),
        })
    }

    /// A line for each requirement; the columns line up also where sentences stand between.
    fn show(&self, screen: &Screen) {
        let language = screen.language();
        let mut table = Table::default();
        for judged in &self.requirements {
            let (word, tone) = word(&judged.outcome);
            table.row([
                (format!("  {}", word.render(language)), tone),
                (judged.id.to_owned(), Tone::Plain),
                (judged.source.short().to_owned(), Tone::Plain),
                (judged.requirement.render(language), Tone::Plain),
            ]);
        }
        screen.table(&table);
        for judged in &self.requirements {
            let Outcome::NotMet(change) = &judged.outcome else { continue };
            screen.line("");
            screen.line(&format!("  {}: {}", judged.id, judged.requirement.render(language)));
            for text in change {
                screen.line(&format!("    → {}", text.render(language)));
            }
        }
    }

    fn not_met(&self) -> impl Iterator<Item = &Judged> {
        self.requirements.iter().filter(|judged| matches!(judged.outcome, Outcome::NotMet(_)))
    }
}

fn word(outcome: &Outcome) -> (Text, Tone) {
    match outcome {
        Outcome::Met => (Text::WordMet {}, Tone::Good),
        Outcome::NotMet(_) => (Text::WordNotMet {}, Tone::Bad),
        Outcome::NotApplicable => (Text::WordNotApplicable {}, Tone::Plain),
    }
}

fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "met",
        Outcome::NotMet(_) => "not_met",
        Outcome::NotApplicable => "not_applicable",
    }
}
