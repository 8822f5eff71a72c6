//! What people and machines read: lines in the person's language, tables that line up, or JSON.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use unicode_width::UnicodeWidthStr;

use crate::config::{Finding, Grade};
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::untrusted::{Lines, Untrusted, is_hidden};

/// Where results go, and in which form.
pub(super) struct Screen {
    language: Language,
    json: bool,
    colours: bool,
    bilingual: bool,
    /// Whether a result could not be printed.
    lost: Cell<bool>,
}

/// The tone of a word, shown as a colour on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it is.
    Plain,
    /// All is well.
    Good,
    /// Look here.
    Warning,
    /// Refused or gone.
    Bad,
}

/// A table: rows of cells, each with a tone.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<(String, Tone)>>,
}

impl Screen {
    /// A screen in a language; colours only where a terminal watches.
    #[must_use]
    pub(super) fn new(language: Language, json: bool, colours: bool) -> Self {
        let colours = colours && !json && io::stdout().is_terminal();
        Self { language, json, colours, bilingual: false, lost: Cell::new(false) }
    }

    /// The same screen, but refusals are in both languages.
    pub(super) fn bilingual(&self) -> Self {
        Self { bilingual: true, lost: Cell::new(false), ..*self }
    }

    /// The person's language.
    #[must_use]
    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// Whether a machine reads.
    #[must_use]
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a sentence, unless a machine reads.
    pub(super) fn say(&self, text: &Text) {
        self.line(&text.render(self.language));
    }

    /// Prints a line, unless a machine reads.
    pub(super) fn line(&self, line: &str) {
        if !self.json {
            self.note(write_line(&mut io::stdout().lock(), line));
        }
    }

    /// Refuses to call something done whose result nobody could read, such as a passphrase.
    ///
    /// # Errors
    /// `ResultNotPrinted`.
    pub(super) fn check_printed(&self) -> Result<(), Refusal> {
        if self.lost.get() { Err(Refusal::ResultNotPrinted {}) } else { Ok(()) }
    }

    /// Whoever closed a pipe does not want to hear more; any other failure loses the result.
    fn note(&self, written: io::Result<()>) {
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.lost.set(true);
        }
    }

    /// Prints a question; the answer follows on the same line.
    pub(super) fn ask(&self, question: &str) {
        let mut stdout = io::stdout().lock();
        // Whoever closed the pipe will not answer either.
        let _ = write!(stdout, "{question}").and_then(|()| stdout.flush());
    }

    /// Prints a warning on standard error.
    pub(super) fn warn(&self, text: &Text) {
        let text = text.render(self.language);
        let mark = Text::Warning {}.render(self.language);
        aside(&format!("{mark}{text}"));
    }

    /// Prints the result for a machine, when one reads.
    pub(super) fn json(&self, value: &serde_json::Value) {
        if self.json {
            self.note(write_raw(&mut io::stdout().lock(), &value.to_string()));
        }
    }

    /// Prints a table, unless a machine reads.
    pub(super) fn table(&self, table: &Table) {
        for line in table.lines(self.colours).iter().filter(|_| !self.json) {
            self.note(write_raw(&mut io::stdout().lock(), line));
        }
    }

    /// Prints what the parser says of a mistake in the words, on standard error.
    pub(super) fn mistake(error: &clap::Error) {
        let mut text = error.to_string();
        for word in std::env::args_os() {
            let word = word.to_string_lossy();
            if word.chars().any(is_hidden) {
                text = text.replace(&*word, &Untrusted(&word).to_string());
            }
        }
        aside(text.trim_end());
    }

    /// Prints a refusal on standard error: what, and what to do next.
    pub(super) fn refuse(&self, refusal: &Refusal) {
        if self.json {
            let (what, next) = (refusal.what(self.language), refusal.next(self.language));
            let error = serde_json::json!({"code": refusal.code(), "what": what, "next": next});
            let error = serde_json::json!({ "error": error }).to_string();
            // As above: there is nowhere else to say it.
            let _ = write_raw(&mut io::stderr().lock(), &error);
        } else {
            self.say_refusal("", &Text::ErrorMark {}, refusal);
        }
    }

    /// Prints what was found in a configuration on standard error, unless a machine reads.
    pub(super) fn finding(&self, place: &str, finding: &Finding) {
        let mark = match finding.grade {
            Grade::Error => Text::ErrorMark {},
            Grade::Warning => Text::Warning {},
        };
        if !self.json {
            self.say_refusal(place, &mark, &finding.refusal);
        }
    }

    fn say_refusal(&self, place: &str, mark: &Text, refusal: &Refusal) {
        let mut languages = vec![self.language];
        if self.bilingual {
            let both = [Language::Japanese, Language::English];
            languages.extend(both.into_iter().filter(|other| *other != self.language));
        }
        for language in languages {
            let mark = mark.render(language);
            let (what, next) = (refusal.what(language), refusal.next(language));
            aside(&format!("{place}{mark}{what}\n  → {next}"));
        }
    }
}

impl Table {
    /// Adds a row.
    pub(super) fn row<const COLUMNS: usize>(&mut self, cells: [(String, Tone); COLUMNS]) {
        let harmless = |(text, tone): (String, Tone)| (Lines(&text).to_string(), tone);
        self.rows.push(cells.map(harmless).into());
    }

    /// Adds a row of a label and a value.
    pub(super) fn field(&mut self, label: &Text, value: impl Into<String>, language: Language) {
        let label = format!("  {}", label.render(language));
        self.row([(label, Tone::Plain), (value.into(), Tone::Plain)]);
    }

    fn lines(&self, colours: bool) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|(text, _)| text.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width_of).collect();
        self.rows.iter().map(|row| line_of(row, &widths, colours)).collect()
    }
}

fn line_of(row: &[(String, Tone)], widths: &[usize], colours: bool) -> String {
    let mut line = String::new();
    for (index, ((text, tone), width)) in row.iter().zip(widths).enumerate() {
        match (colours, tone.colour()) {
            (true, Some(colour)) => line.push_str(&format!("\u{1b}[{colour}m{text}\u{1b}[0m")),
            _ => line.push_str(text),
        }
        if index + 1 < row.len() {
            line.push_str(&" ".repeat(width.saturating_sub(text.width()) + 2));
        }
    }
    line
}

impl Tone {
    /// The colour's code (ECMA-48 section 8.3.117).
    fn colour(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Good => Some(32),
            Self::Warning => Some(33),
            Self::Bad => Some(31),
        }
    }
}

/// Writes text of ours in which words from outside may stand: a path, a name, an argument.
fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    write_raw(to, &Lines(line).to_string())
}

fn write_raw(to: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(to, "{line}")
}

/// What cannot be said on standard error can be said nowhere.
pub(super) fn aside(line: &str) {
    let _ = write_line(&mut io::stderr().lock(), line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> (String, Tone) {
        (text.to_owned(), Tone::Plain)
    }

    #[test]
    fn columns_line_up_also_in_japanese() {
        let mut table = Table::default();
        table.row([plain("受付1"), plain("a")]);
        table.row([plain("user1"), plain("b")]);
        table.row([plain("x"), (String::from("c"), Tone::Bad)]);
        assert_eq!(table.lines(false), ["受付1  a", "user1  b", "x      c"]);
        assert_eq!(table.lines(true)[2], "x      \u{1b}[31mc\u{1b}[0m");
    }
}
