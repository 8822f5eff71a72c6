//! The file of `sekisho issue client --from FILE.csv`, as a spreadsheet writes it. Its columns are
//! `name` and, if wanted, `person`, `device` and `days`, named in its first line.

use serde::Deserialize;

use crate::ground::untrusted::Untrusted;

/// The columns a file may have; the first is a must.
const COLUMNS: [&str; 4] = ["name", "person", "device", "days"];

/// One line: one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The common name.
    pub name: String,
    /// Who holds it; never empty.
    pub person: Option<String>,
    /// On which device it is; never empty.
    pub device: Option<String>,
    /// Days it lasts.
    pub days: Option<u32>,
}

/// Why a file is no list. Its words are safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is not UTF-8.
    NotText,
    /// It is no CSV, or a line of it does not fit the first.
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
    /// Its first line does not name the columns.
    Columns {
        /// What it names.
        found: String,
    },
}

/// Reads a list, in the order of its lines, without its first.
///
/// # Errors
/// See [`Unread`].
pub fn read(bytes: &[u8]) -> Result<Vec<Row>, Unread> {
    let bytes = without_mark(bytes);
    if std::str::from_utf8(bytes).is_err() {
        return Err(Unread::NotText);
    }
    let malformed = |error: &csv::Error| Unread::Malformed {
        reason: Untrusted(&error.to_string()).to_string(),
    };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let columns = reader.headers().map_err(|error| malformed(&error))?.clone();
    if !columns.iter().any(|column| column == "name")
        || columns.iter().any(|column| !COLUMNS.contains(&column))
    {
        let found: Vec<String> =
            columns.iter().map(|column| Untrusted(column).to_string()).collect();
        return Err(Unread::Columns { found: found.join(", ") });
    }
    let rows = reader.records().map(|record| {
        let record = record.map_err(|error| malformed(&error))?;
        // Spreadsheets leave columns out at the end of a line, or add empty ones. What stands there
        // is another matter: a name with a comma in it would lose its second half.
        if record.iter().skip(columns.len()).any(|field| !field.is_empty()) {
            let line = record.position().map_or(0, csv::Position::line);
            let reason = format!("line {line} has more fields than there are columns");
            return Err(Unread::Malformed { reason });
        }
        let row: Row = record.deserialize(Some(&columns)).map_err(|error| malformed(&error))?;
        let present = |field: Option<String>| field.filter(|text| !text.is_empty());
        Ok(Row { person: present(row.person), device: present(row.device), ..row })
    });
    rows.collect()
}

/// The file without the byte order mark that spreadsheets put before the first column's name.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_be_short_and_may_end_in_empty_fields_but_loses_nothing() {
        let rows = read("\u{FEFF}name,person\n a ,\nb\nc,d,,\n".as_bytes()).unwrap();
        let row = |name: &str, person: Option<&str>| Row {
            name: name.to_owned(),
            person: person.map(str::to_owned),
            device: None,
            days: None,
        };
        assert_eq!(rows, [row("a", None), row("b", None), row("c", Some("d"))]);
        let reason = "line 3 has more fields than there are columns".to_owned();
        let cut = read(b"name\nSuzuki\nYamada, Taro\n");
        assert_eq!(cut, Err(Unread::Malformed { reason }));
    }
}
