//! TOML read section by section: each key is asked for by name and kind, and what was never asked
//! for is unknown.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Finding;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::{Untrusted, is_hidden};

/// Characters of a text.
const LONGEST_TEXT: usize = 1024;

/// A value and the line it stands in.
#[derive(Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// Where lines begin.
pub(super) struct LineNumbers(Vec<usize>);

impl LineNumbers {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect())
    }

    /// The line an octet is in, from 1.
    pub(super) fn line(&self, octet: usize) -> usize {
        self.0.partition_point(|end| *end < octet).saturating_add(1)
    }
}

/// A table while it is read.
pub(super) struct Section<'a> {
    title: String,
    line: usize,
    table: &'a DeTable<'a>,
    lines: &'a LineNumbers,
    asked: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl<'a> Section<'a> {
    /// The table of the whole file, shown under this title.
    pub(super) fn root(title: String, table: &'a DeTable<'a>, lines: &'a LineNumbers) -> Self {
        Self { title, line: 1, table, lines, asked: Vec::new(), findings: Vec::new() }
    }

    /// `[key]`
    pub(super) fn table(&mut self, key: &'static str) -> Option<Section<'a>> {
        let (value, line) = self.value(key)?;
        match value {
            DeValue::Table(table) => Some(self.below(format!("[{key}]"), line, table)),
            _ => self.refuse(line, Refusal::SettingNotTable { key: key.to_owned() }),
        }
    }

    /// `[[key]]`, any number of them.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some((value, line)) = self.value(key) else { return Vec::new() };
        let mut sections = Vec::new();
        for item in value.as_array().map(|array| array.iter()).into_iter().flatten() {
            if let DeValue::Table(table) = item.get_ref() {
                let line = self.lines.line(item.span().start);
                sections.push(self.below(format!("[[{key}]]"), line, table));
            }
        }
        if value.as_array().is_none_or(|array| array.len() != sections.len()) {
            self.find(Some(line), Refusal::SettingNotTables { key: key.to_owned() });
        }
        sections
    }

    /// A text on one line, not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        let (value, line) = self.value(key)?;
        match value {
            DeValue::String(text) => self.checked_text(key, text, line),
            _ => self.refuse(line, Refusal::SettingNotText { key: key.to_owned() }),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Located<Vec<String>>> {
        let (value, line) = self.value(key)?;
        let items: Option<Vec<_>> = value.as_array().and_then(|array| {
            array.iter().map(|item| Some((item.get_ref().as_str()?, item.span().start))).collect()
        });
        let Some(items) = items else {
            return self.refuse(line, Refusal::SettingNotTexts { key: key.to_owned() });
        };
        let lines = self.lines;
        let texts = items.into_iter().filter_map(|(text, at)| {
            self.checked_text(key, text, lines.line(at)).map(|text| text.value)
        });
        let value = texts.collect();
        Some(Located { value, line })
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u32>,
    ) -> Option<Located<u32>> {
        let (value, line) = self.value(key)?;
        match whole_number(value).filter(|number| bounds.contains(number)) {
            Some(value) => Some(Located { value, line }),
            None => {
                let (least, most) = (bounds.start().to_string(), bounds.end().to_string());
                self.refuse(line, Refusal::SettingNotNumber { key: key.to_owned(), least, most })
            }
        }
    }

    /// A list of whole numbers.
    pub(super) fn numbers(&mut self, key: &'static str) -> Option<Vec<u32>> {
        let (value, line) = self.value(key)?;
        let items = value.as_array().map(|array| array.iter());
        let numbers: Option<Vec<u32>> =
            items.and_then(|items| items.map(|item| whole_number(item.get_ref())).collect());
        numbers.or_else(|| self.refuse(line, Refusal::SettingNotNumbers { key: key.to_owned() }))
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<Located<bool>> {
        let (value, line) = self.value(key)?;
        match value {
            DeValue::Boolean(value) => Some(Located { value: *value, line }),
            _ => self.refuse(line, Refusal::SettingNotFlag { key: key.to_owned() }),
        }
    }

    /// One word of several.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<Located<T>> {
        let (value, line) = self.value(key)?;
        let found = value.as_str().unwrap_or_default();
        match choices.iter().find(|(word, _)| *word == found) {
            Some((_, value)) => Some(Located { value: *value, line }),
            None => {
                let choices: Vec<String> =
                    choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                let choices = choices.join(", ");
                self.refuse(line, Refusal::SettingNotOneOf { key: key.to_owned(), choices })
            }
        }
    }

    /// The path of a file or folder; what does not begin with `/` lies under the folder.
    pub(super) fn path(&mut self, key: &'static str, folder: &Path) -> Option<Located<PathBuf>> {
        let Located { value, line } = self.text(key)?;
        Some(Located { value: folder.join(value), line })
    }

    /// A value of whatever kind.
    pub(super) fn any(&mut self, key: &'static str) -> Option<Located<&'a DeValue<'a>>> {
        let (value, line) = self.value(key)?;
        Some(Located { value, line })
    }

    /// Takes over what was wrong in a section below.
    pub(super) fn absorb(&mut self, below: Section<'_>) {
        self.findings.extend(below.finish());
    }

    /// Shows the section under its name as well.
    pub(super) fn entitle(&mut self, title: String) {
        self.title = title;
    }

    /// The line the section begins in.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Notes what is wrong at a line of it.
    pub(super) fn find(&mut self, line: Option<usize>, refusal: Refusal) {
        self.findings.push(Finding::error(line, refusal));
    }

    /// Notes that a key is missing, unless it is there and no good, which is noted already.
    pub(super) fn miss(&mut self, key: &str) {
        if self.has(key) {
            return;
        }
        let (key, section) = (key.to_owned(), self.title.clone());
        self.find(Some(self.line), Refusal::SettingMissing { key, section });
    }

    /// Whether the key is there, with whatever value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// The value, or `None` once its refusal is noted.
    pub(super) fn accept<T>(&mut self, line: usize, result: Result<T, Refusal>) -> Option<T> {
        result.map_err(|refusal| self.find(Some(line), refusal)).ok()
    }

    /// Everything that was wrong in it, and every key that nobody asked for.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        for (key, _) in self.table {
            let (name, line) = (key.get_ref().as_ref(), self.lines.line(key.span().start));
            if !self.asked.contains(&name) {
                let refusal = self.unknown(name);
                self.find(Some(line), refusal);
            }
        }
        self.findings
    }

    /// The keys that were asked for: all there are.
    #[cfg(test)]
    pub(super) fn asked(&self) -> &[&'static str] {
        &self.asked
    }

    fn unknown(&self, name: &str) -> Refusal {
        let (key, section) = (Untrusted(name).to_string(), self.title.clone());
        // Long foreign keys are not worth the comparison.
        let short: String = name.chars().take(64).collect();
        let distance = |known: &str| strsim::damerau_levenshtein(known, &short);
        let nearest = self.asked.iter().min_by_key(|known| distance(known));
        match nearest {
            Some(known) if distance(known) <= known.len().div_ceil(3) => {
                Refusal::SettingUnknown { key, section, nearest: (*known).to_owned() }
            }
            _ => Refusal::SettingUnknownFar { key, section, known: self.asked.join(", ") },
        }
    }

    fn value(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, usize)> {
        self.asked.push(key);
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.get_ref(), self.line_of(value)))
    }

    fn checked_text(
        &mut self,
        key: &'static str,
        text: &str,
        line: usize,
    ) -> Option<Located<String>> {
        let key = key.to_owned();
        if text.trim().is_empty() {
            return self.refuse(line, Refusal::SettingEmpty { key });
        }
        if text.chars().count() > LONGEST_TEXT {
            let limit = LONGEST_TEXT.to_string();
            return self.refuse(line, Refusal::SettingTooLong { key, limit });
        }
        if text.chars().any(is_hidden) {
            return self.refuse(line, Refusal::SettingHidden { key });
        }
        Some(Located { value: text.to_owned(), line })
    }

    fn refuse<T>(&mut self, line: usize, refusal: Refusal) -> Option<T> {
        self.find(Some(line), refusal);
        None
    }

    fn below(&self, title: String, line: usize, table: &'a DeTable<'a>) -> Section<'a> {
        Section { title, line, ..Self::root(String::new(), table, self.lines) }
    }

    fn line_of(&self, value: &Spanned<DeValue<'_>>) -> usize {
        self.lines.line(value.span().start)
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u32> {
    let DeValue::Integer(number) = value else { return None };
    u32::from_str_radix(number.as_str(), number.radix()).ok()
}
