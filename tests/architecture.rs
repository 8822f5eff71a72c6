//! The map in `src/lib.rs` is the truth: which rooms there are, and which each of them may use, also
//! transitively. Read from the sources, with their comments and texts taken out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Rooms = BTreeMap<String, BTreeSet<String>>;

/// A source file: the modules it is (`gate`, `tls`), and its text.
struct Source {
    modules: Vec<String>,
    text: String,
}

#[test]
fn every_room_stays_within_what_the_map_allows() {
    let (map, sources) = (map(), sources());
    assert_eq!(breaches(&map, &sources), Vec::<String>::new());
}

#[test]
fn the_map_and_the_rooms_are_the_same() {
    let listed: BTreeSet<String> = map().into_keys().collect();
    let there: BTreeSet<String> = sources().iter().map(|s| s.modules[0].clone()).collect();
    assert_eq!(listed, there, "the map on the left, the folders of src on the right");
}

// Catches a table of files that a new file was not written into.
#[test]
fn every_table_of_files_names_every_file() {
    let sources = sources();
    let mut tables = 0;
    for of in &sources {
        let rows = of.text.lines().skip_while(|line| !line.starts_with("//! | file | "));
        let rows: Vec<&str> = rows.skip(2).take_while(|line| line.starts_with("//! | ")).collect();
        if rows.is_empty() {
            continue;
        }
        tables += 1;
        let cells = rows.iter().filter_map(|row| row.split('|').nth(1));
        let listed: BTreeSet<&str> =
            cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let beside = sources.iter().filter_map(|source| {
            let below = source.modules.strip_prefix(of.modules.as_slice())?;
            let for_tests = |name: &&String| ["tests", "specimen"].contains(&name.as_str());
            below.first().filter(|name| !for_tests(name)).map(String::as_str)
        });
        assert_eq!(listed, beside.collect(), "{:?}: listed, and there", of.modules);
    }
    assert!(tables > 5, "{tables}");
}

#[test]
fn the_gate_reaches_no_key_of_the_authority() {
    let reached = closure(&uses(&map(), &sources()));
    for room in ["ca", "vault", "ledger", "revocation", "authority"] {
        assert!(!reached["gate"].contains(room), "the gate reaches {room}");
        assert!(reached["cli"].contains(room), "the sources are read, or nothing would be found");
    }
}

#[test]
fn only_one_room_is_unsafe_and_every_other_forbids_it() {
    for source in sources() {
        let room = &source.modules[0];
        let words = words(&code_of(&source.text));
        let is_unsafe = words.iter().any(|word| word == "unsafe");
        assert!(!is_unsafe || room == "hardening", "{:?} has unsafe code", source.modules);
        let door = source.modules.len() == 1;
        if door && room != "hardening" {
            let forbids = source.text.contains("#![forbid(unsafe_code)]");
            assert!(forbids, "{room} does not forbid unsafe code");
        }
    }
}

#[test]
fn one_file_reads_time_and_few_rooms_ask_it_for_the_wall_clock() {
    for source in sources() {
        if source.modules == ["ground", "clock"] {
            continue;
        }
        let room = source.modules[0].as_str();
        // The service is the authority's process; the authority itself is told the time.
        let is_service = source.modules.join("/") == "authority/service";
        let may_ask = ["cli", "gate", "publisher"].contains(&room) || is_service;
        for reader in clock_readers(&source.text) {
            let wall = reader == "clock::now" && may_ask;
            let monotonic = reader == "clock::monotonic";
            assert!(wall || monotonic, "{:?} reads time by {reader}", source.modules);
        }
    }
}

#[test]
fn a_breach_is_found_however_it_is_written() {
    let map: Rooms = [("ground", ""), ("ledger", "ground"), ("gate", "ground")]
        .map(|(room, may)| (room.to_owned(), may.split_whitespace().map(str::to_owned).collect()))
        .into();
    let source = |modules: &[&str], text: &str| Source {
        modules: modules.iter().map(|&module| module.to_owned()).collect(),
        text: text.to_owned(),
    };
    let clean = "//! use crate::ledger;\nuse crate::ground::clock;\n/* crate::ledger */ const A: &str = \"crate::ledger\"; const B: &str = r#\"crate::ledger\"#; fn a<'a>(_: &'a str) {}";
    assert!(breaches(&map, &[source(&["gate", "tls"], clean)]).is_empty());
    for breach in [
        "use crate::ledger::Ledger;",
        "use crate::{ground::clock, ledger};",
        "use crate::{\n    ground::{clock, files},\n    ledger::{Ledger, Reader},\n};",
        "fn a() { crate::ledger::open() }",
        "fn a() { crate :: ledger :: open() }",
        "use super::super::ledger::Ledger;",
        "const Q: char = '\"'; use crate::ledger::Ledger; const R: char = '\"';",
        "use sekisho::ledger::Ledger;",
    ] {
        let found = breaches(&map, &[source(&["gate", "tls"], breach)]);
        assert_eq!(found, ["gate uses ledger"], "{breach}");
    }
    // Through another room that may: gate -> ground -> ledger.
    let through =
        [source(&["gate"], "use crate::ground::clock;"), source(&["ground"], "use crate::ledger;")];
    assert_eq!(breaches(&map, &through), ["gate uses ledger", "ground uses ledger"]);
    assert_eq!(clock_readers("let t = SystemTime::now();"), ["SystemTime::now"]);
    assert_eq!(clock_readers("jiff::Timestamp::now()"), ["Timestamp::now"]);
}

/// What the rooms reach and may not, in order.
fn breaches(map: &Rooms, sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (room, reached) in closure(&uses(map, sources)) {
        for other in reached {
            if other != room && !map[&room].contains(&other) {
                breaches.push(format!("{room} uses {other}"));
            }
        }
    }
    breaches
}

/// The rooms that each room names in its own code.
fn uses(map: &Rooms, sources: &[Source]) -> Rooms {
    let mut uses = Rooms::new();
    for source in sources {
        let room = source.modules.first().unwrap();
        let named = rooms_named(source, map);
        uses.entry(room.clone()).or_default().extend(named);
    }
    uses
}

/// What is reached over any number of rooms.
fn closure(uses: &Rooms) -> Rooms {
    let mut reached = uses.clone();
    loop {
        let before = reached.clone();
        for rooms in reached.values_mut() {
            let further: Vec<String> =
                rooms.iter().filter_map(|room| before.get(room)).flatten().cloned().collect();
            rooms.extend(further);
        }
        if reached == before {
            return reached;
        }
    }
}

/// The rooms a source names from the root of the crate: `crate::room`, `crate::{a, room::b}`, or
/// enough `super::` to get there.
fn rooms_named(source: &Source, map: &Rooms) -> BTreeSet<String> {
    let words = words(&code_of(&source.text));
    let mut named = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        let mut next = place + 1;
        let root = match word.as_str() {
            "crate" | "sekisho" => true,
            "super" if place == 0 || words[place - 1] != "::" => {
                let mut height = 1;
                while words[next..].starts_with(&["::".to_owned(), "super".to_owned()]) {
                    (next, height) = (next + 2, height + 1);
                }
                height >= source.modules.len()
            }
            _ => false,
        };
        if root && words.get(next).is_some_and(|word| word == "::") {
            named.extend(heads(&words[next + 1..]).into_iter().filter(|n| map.contains_key(n)));
        }
    }
    named
}

/// The first names after `crate::`: one, or each in braces.
fn heads(words: &[String]) -> Vec<String> {
    if words.first().is_none_or(|word| word != "{") {
        return words.first().cloned().into_iter().collect();
    }
    let (mut heads, mut depth, mut at_start) = (Vec::new(), 0, false);
    for word in words {
        match word.as_str() {
            "{" => (depth, at_start) = (depth + 1, depth == 0),
            "}" if depth == 1 => return heads,
            "}" => depth -= 1,
            "," => at_start = depth == 1,
            name if at_start => {
                heads.push(name.to_owned());
                at_start = false;
            }
            _ => {}
        }
    }
    heads
}

/// What reads a clock, by its last two names.
fn clock_readers(text: &str) -> Vec<String> {
    let words = words(&code_of(text));
    let call = |three: &[String]| {
        let [owner, colons, name] = three else { return None };
        let reads = ["now", "monotonic", "now_utc", "now_local", "clock_gettime", "elapsed"];
        (colons == "::" && reads.contains(&name.as_str())).then(|| format!("{owner}::{name}"))
    };
    words.windows(3).filter_map(call).collect()
}

/// Code without comments, texts and character literals.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = hashes + 2;
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skipped..];
    }
    code
}

/// The number of hashes of the raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Octets of a literal up to its closing quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            end if end == quote => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a quote begins a character, not a lifetime.
fn is_character(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// Names, `::`, and every other sign by itself.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = match name {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            name => name,
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// The table of `src/lib.rs`: each room, and the rooms it may use.
fn map() -> Rooms {
    let library = std::fs::read_to_string(source_folder().join("lib.rs")).unwrap();
    let rows: Vec<(String, String)> = library
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|row| {
            let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
            let name = cells[0].trim_end_matches(']').trim_end_matches('`').to_owned();
            (name, cells.last().unwrap().to_string())
        })
        .collect();
    assert!(rows.len() > 5, "no table in src/lib.rs");
    let all: BTreeSet<String> = rows.iter().map(|(room, _)| room.clone()).collect();
    let may = |cell: &str| match cell {
        "all" => all.clone(),
        "nothing of ours" => BTreeSet::new(),
        list => list.split(", ").map(str::to_owned).collect(),
    };
    for (room, cell) in &rows {
        let unknown: Vec<String> = may(cell).difference(&all).cloned().collect();
        assert!(unknown.is_empty(), "{room} may use rooms that are none: {unknown:?}");
    }
    rows.iter().map(|(room, cell)| (room.clone(), may(cell))).collect()
}

/// Every source but `lib.rs` and the thin `main.rs`.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&source_folder(), &[], &mut sources);
    assert!(sources.len() > 50);
    sources
}

fn collect(folder: &Path, modules: &[String], sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let below = [modules, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            collect(&path, &below, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_root = modules.is_empty() && ["lib", "main"].contains(&name.as_str());
            if !is_root {
                let modules = if name == "mod" { modules.to_vec() } else { below };
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push(Source { modules, text });
            }
        }
    }
}

fn source_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
