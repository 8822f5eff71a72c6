//! `sekisho issue client --from FILE.csv`: many certificates, resumable.
//!
//! [`staff_list`] reads the file. Beside the bundles, `results.csv` lists every line that is done
//! with its number, file and passphrase; it is secret. A second run with the same file and folder
//! goes on where the first stopped: a line is done when it is in `results.csv` and its bundle is
//! there. A certificate that was issued but whose bundle never reached the disk is revoked, since
//! nobody holds its key, and issued anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::IssueClient;
use super::handout::{self, Received};
use super::issue::{self, json_of};
use super::progress::Progress;
use super::screen::{Table, Tone};
use super::session::Session;
use super::staff_list::{self, Unread};
use crate::door::Door;
use crate::door::command::{Order, Purpose, Selector};
use crate::door::reply::State;
use crate::ground::files::{self, PRIVATE};
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::ledger::{Digest, sha256};
use crate::pki::revocation_list::Reason;

/// The largest file that is read, in octets.
const LARGEST: u64 = 16 << 20;
/// Certificates that share two durable commits. Large RSA keys take a second each, and nobody else's
/// command must wait long.
const BATCH: usize = 64;
const BATCH_OF_RSA: usize = 4;
/// The list of what is done.
const RESULTS: &str = "results.csv";

/// One line, ready to be asked for, or refused.
struct Line {
    place: usize,
    name: String,
    digest: Digest,
    order: Result<Order, Refusal>,
}

/// What became of a line.
enum Outcome {
    Issued { number: u64, file: PathBuf },
    DoneBefore { number: String },
    Refused(Refusal),
}

/// The lines that are done, as `results.csv` holds them.
struct Results {
    path: PathBuf,
    /// By the certificate's number: line, name, file, passphrase. Lines of several files may be here.
    rows: BTreeMap<u64, [String; 4]>,
}

pub(super) fn run(session: &Session, arguments: &IssueClient, file: &Path) -> Result<(), Refusal> {
    let lines = read(arguments, file)?;
    let folder = &arguments.options.out;
    files::ensure_folder(folder, files::PRIVATE_FOLDER)?;
    handout::check_writable(folder)?;
    let mut results = Results::load(folder)?;
    let mut door = session.open()?;

    let mut progress = Progress::new(session, u64::try_from(lines.len()).unwrap_or(u64::MAX));
    let mut outcomes: Vec<(usize, String, Outcome)> = Vec::new();
    let mut reports: Vec<Value> = Vec::new();
    let mut batch = Vec::new();
    let most = if arguments.options.key.starts_with("rsa") { BATCH_OF_RSA } else { BATCH };
    let mut waiting = lines.into_iter().peekable();
    while let Some(line) = waiting.next() {
        let (place, name) = (line.place, line.name.clone());
        match settle(session, &mut door, &mut results, line, folder)? {
            Settled::Outcome(outcome) => {
                outcomes.push((place, name, outcome));
                progress.step();
            }
            Settled::Ask(order) => batch.push((place, name, *order)),
        }
        if batch.len() == most || (waiting.peek().is_none() && !batch.is_empty()) {
            let (places, orders): (Vec<_>, Vec<_>) =
                batch.drain(..).map(|(place, name, order)| ((place, name), order)).unzip();
            let issued = door.issue(orders, issue::handout(arguments.options.legacy))?;
            for ((place, name), outcome) in places.into_iter().zip(issued) {
                // What cannot be written is revoked; the others of the batch are not lost with it.
                let handed_out = outcome.and_then(Received::of).and_then(|issued| {
                    hand_out(session, &mut door, &mut results, &issued, place, arguments)
                });
                let outcome = match handed_out {
                    Ok((outcome, report)) => {
                        reports.push(report);
                        outcome
                    }
                    Err(refusal) => Outcome::Refused(refusal),
                };
                outcomes.push((place, name, outcome));
                progress.step();
            }
            results.save()?;
        }
    }
    progress.finish();
    outcomes.sort_by_key(|(place, ..)| *place);
    report(session, &outcomes, &reports, &results)
}

fn read(arguments: &IssueClient, file: &Path) -> Result<Vec<Line>, Refusal> {
    let bytes = files::read(file, LARGEST)?;
    let whole = sha256(staff_list::without_mark(&bytes));
    let path = || Untrusted(&file.to_string_lossy()).to_string();
    let rows = staff_list::read(&bytes).map_err(|error| match error {
        Unread::NotText => Refusal::CsvNotText { path: path() },
        Unread::Malformed { reason } => Refusal::CsvMalformed { path: path(), reason },
        Unread::Columns { found } => Refusal::CsvColumns { path: path(), found },
    })?;
    let mut lines = Vec::new();
    for (place, row) in (2..).zip(rows) {
        let digest = sha256(&[whole.as_slice(), format!(" line {place}").as_bytes()].concat());
        let days = row.days.unwrap_or(arguments.days);
        let order =
            issue::order(&row.name, Purpose::Client, days, &arguments.options).map(|order| Order {
                person: row.person,
                device: row.device,
                source: Some(format!("{} line {place}", file.display())),
                request: Some(digest),
                ..order
            });
        lines.push(Line { place, name: row.name, digest, order });
    }
    Ok(lines)
}

/// What is to be done about a line.
enum Settled {
    Outcome(Outcome),
    Ask(Box<Order>),
}

fn settle(
    session: &Session,
    door: &mut Door,
    results: &mut Results,
    line: Line,
    folder: &Path,
) -> Result<Settled, Refusal> {
    let order = match line.order {
        Ok(order) => order,
        Err(refusal) => return Ok(Settled::Outcome(Outcome::Refused(refusal))),
    };
    if let Some(number) = door.issued_for(line.digest)? {
        let row = results.rows.get(&number);
        let done = row.is_some_and(|[_, _, file, _]| files::exists(&folder.join(file)));
        if done {
            let number = format!("{number:06}");
            return Ok(Settled::Outcome(Outcome::DoneBefore { number }));
        }
        results.rows.remove(&number);
        let number_of = Selector::Number(number);
        if door.show(number_of.clone())?.state == State::Issued {
            door.revoke(number_of, Reason::CessationOfOperation, None, false)?;
            session.screen.warn(&Text::UndeliveredRevoked { number: format!("{number:06}") });
        }
    }
    issue::warn_of_look_alikes(session, door, &order)?;
    Ok(Settled::Ask(Box::new(order)))
}

fn hand_out(
    session: &Session,
    door: &mut Door,
    results: &mut Results,
    issued: &Received,
    place: usize,
    arguments: &IssueClient,
) -> Result<(Outcome, Value), Refusal> {
    let options = &arguments.options;
    let written = session.deliver(door, issued, |issued| {
        handout::write(&issued.bundle, &options.out, options.pem)
    })?;
    let number = issued.number;
    let name = issued.certificate.common_name().unwrap_or_default();
    let file = written.main.file_name().map(|name| name.to_string_lossy().into_owned());
    let passphrase = issued.bundle.key.as_ref().map(|key| key.passphrase.expose().to_owned());
    let row = [place.to_string(), name, file.unwrap_or_default(), passphrase.unwrap_or_default()];
    results.rows.insert(number, row);
    let report = json_of(issued, &written);
    Ok((Outcome::Issued { number, file: written.main }, report))
}

impl Results {
    fn load(folder: &Path) -> Result<Self, Refusal> {
        let path = folder.join(RESULTS);
        let mut rows = BTreeMap::new();
        if files::exists(&path) {
            let bytes = files::read_secret(&path, LARGEST)?;
            let mut reader = csv::Reader::from_reader(bytes.expose());
            for row in reader.deserialize::<(String, u64, String, String, String)>() {
                let (place, number, name, file, passphrase) = row.map_err(|error| {
                    let reason = Untrusted(&error.to_string()).to_string();
                    Refusal::CsvMalformed { path: path.display().to_string(), reason }
                })?;
                rows.insert(number, [place, name, file, passphrase]);
            }
        }
        Ok(Self { path, rows })
    }

    fn save(&self) -> Result<(), Refusal> {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        let mut writer = csv::Writer::from_writer(&mut *bytes);
        let mut write =
            |row: &[&str]| writer.write_record(row).map_err(|_| Refusal::CryptographyFailed {});
        write(&["line", "number", "name", "file", "passphrase"])?;
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(number, [place, ..])| (place.parse().unwrap_or(u64::MAX), **number));
        for (number, [place, name, file, passphrase]) in rows {
            write(&[place, &format!("{number:06}"), &inert(name), file, passphrase])?;
        }
        writer.flush().map_err(|_| Refusal::CryptographyFailed {})?;
        drop(writer);
        Ok(files::write_atomic(&self.path, &bytes, PRIVATE)?)
    }
}

/// A name as a spreadsheet shows it and does not compute it: these first characters begin formulas.
fn inert(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@']) { format!("'{name}") } else { name.to_owned() }
}

fn report(
    session: &Session,
    outcomes: &[(usize, String, Outcome)],
    reports: &[Value],
    results: &Results,
) -> Result<(), Refusal> {
    let language = session.screen.language();
    let mut table = Table::default();
    let mut refused = Vec::new();
    for (place, name, outcome) in outcomes {
        let (what, tone) = match outcome {
            Outcome::Issued { number, file } => {
                (format!("{number:06}  {}", file.display()), Tone::Good)
            }
            Outcome::DoneBefore { number } => {
                let done = Text::DoneBefore { number: number.clone() };
                (done.render(language), Tone::Plain)
            }
            Outcome::Refused(refusal) => {
                refused.push(
                    json!({"line": place, "code": refusal.code(), "what": refusal.what(language)}),
                );
                (refusal.what(language), Tone::Bad)
            }
        };
        let place = Text::LineNumber { line: place.to_string() }.render(language);
        let name = Untrusted(name).to_string();
        table.row([(place, Tone::Plain), (name, Tone::Plain), (what, tone)]);
    }
    session.screen.table(&table);
    if files::exists(&results.path) {
        session.screen.say(&Text::BulkResults { path: results.path.display().to_string() });
    }
    session.screen.json(&json!({
        "issued": reports,
        "refused": refused,
        "results": results.path,
    }));
    if refused.is_empty() {
        return Ok(());
    }
    Err(Refusal::LinesRefused { count: refused.len().to_string() })
}
