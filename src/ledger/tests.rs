//! The promises of the ledger as a whole.

use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::*;
use crate::pki::SerialNumber;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ledger")
    }
}

/// When every certificate here ends.
const END: u64 = 4_000_000_000;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_700_000_000 + seconds)
}

fn serial(number: u64) -> SerialNumber {
    SerialNumber::new(number, [9; 12])
}

fn key(id: u64) -> HeadKey {
    HeadKey::new(id, &[7; 32])
}

fn holder(name: &str) -> Holder {
    Holder::new(format!("CN={name}"), name.to_owned(), String::new()).unwrap()
}

fn intended(number: u64, holder: &Holder) -> Event {
    renewing(number, holder, None)
}

fn renewing(number: u64, holder: &Holder, renews: Option<u64>) -> Event {
    let digest = octets(&[1; 32]).unwrap();
    Event::Intended(Intended {
        number,
        serial: octets(serial(number).as_bytes()).unwrap(),
        issuer: 1,
        profile: Profile::Client,
        profile_version: 1,
        not_before: 0,
        not_after: END,
        key_sha256: digest.clone(),
        to_be_signed_sha256: digest,
        custody: Custody::HandedOut,
        holder_sha256: octets(&holder.sha256().unwrap()).unwrap(),
        renews,
        audience: None,
        request: None,
    })
}

/// Issues one certificate in two transactions, as `ca` does.
fn issue(ledger: &Ledger, name: &str) -> u64 {
    issue_renewing(ledger, name, None)
}

fn issue_renewing(ledger: &Ledger, name: &str, renews: Option<u64>) -> u64 {
    let holder = holder(name);
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    let number = transaction.next_number().unwrap();
    transaction.append(renewing(number, &holder, renews)).unwrap();
    transaction.put_holder(number, &holder, &[name]).unwrap();
    transaction.commit().unwrap();
    let certificate = format!("certificate {number}").into_bytes();
    let mut transaction = ledger.begin(time(1), "uid:0").unwrap();
    let sha256 = octets(&sha256(&certificate)).unwrap();
    transaction.append(Event::Issued(Issued { number, sha256 })).unwrap();
    transaction.put_certificate(number, &certificate);
    transaction.commit().unwrap();
    number
}

fn revoke(ledger: &Ledger, number: u64) -> Result<(), LedgerError> {
    let mut transaction = ledger.begin(time(2), "uid:0")?;
    transaction.append(Event::Revoked(Revoked {
        number,
        reason: 1,
        invalidity: None,
        revoked_at: None,
    }))?;
    transaction.commit()
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let number = issue(&ledger, "受付1");
    revoke(&ledger, number).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&folder.path()).unwrap();
    let reader = ledger.reader().unwrap();
    let record = reader.record(number).unwrap().unwrap();
    assert_eq!(record.state(), State::Revoked);
    assert_eq!(reader.numbers_of_name("受付1").unwrap(), [number]);
    assert!(reader.numbers_of_name("受付").unwrap().is_empty());
    assert_eq!(reader.revoked(1).unwrap().len(), 1);
    assert_eq!(reader.holder(&record).unwrap().unwrap().common_name, "受付1");
    assert_eq!(reader.verify(|_| ()).unwrap().entries, 3);
}

#[test]
fn a_transaction_that_is_not_committed_leaves_nothing() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    transaction.append(intended(1, &holder("a"))).unwrap();
    drop(transaction);
    assert_eq!(ledger.reader().unwrap().next_number().unwrap(), 1);
    assert_eq!(issue(&ledger, "a"), 1);
}

#[test]
fn a_number_is_never_used_twice_and_nothing_is_revoked_twice() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let number = issue(&ledger, "a");
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    let again = transaction.append(intended(number, &holder("b")));
    assert!(matches!(again, Err(LedgerError::OutOfOrder { .. })), "{again:?}");
    drop(transaction);
    revoke(&ledger, number).unwrap();
    let again = revoke(&ledger, number);
    assert!(matches!(again, Err(LedgerError::OutOfOrder { .. })), "{again:?}");
}

#[test]
fn an_intent_without_its_issue_is_found_and_counts_as_revoked_when_abandoned() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    issue(&ledger, "a");
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    transaction.append(intended(2, &holder("b"))).unwrap();
    transaction.commit().unwrap();
    assert_eq!(ledger.reader().unwrap().open_intents().unwrap(), [2]);
    let mut transaction = ledger.begin(time(1), "uid:0").unwrap();
    transaction.append(Event::Abandoned(Numbered { number: 2 })).unwrap();
    transaction.commit().unwrap();
    let reader = ledger.reader().unwrap();
    assert!(reader.open_intents().unwrap().is_empty());
    assert_eq!(reader.revoked(1).unwrap()[0].number(), 2);
    assert_eq!(issue(&ledger, "c"), 3);
}

#[test]
fn a_chain_edited_without_the_key_is_found() {
    let folder = Folder::new();
    let mut ledger = Ledger::create(&folder.path()).unwrap();
    ledger.seal_with(vec![key(1)]).unwrap();
    issue(&ledger, "a");
    // Somebody replaces the last entry and makes the head fit it.
    let view = ledger.store.write().unwrap();
    let mut entry =
        Entry::from_bytes(&view.get(ENTRIES, &2_u64.to_be_bytes()).unwrap().unwrap()).unwrap();
    entry.actor = "uid:12345".to_owned();
    let bytes = entry.to_bytes().unwrap();
    view.put(ENTRIES, &2_u64.to_be_bytes(), &bytes);
    let mut head = Head::load(&view).unwrap();
    head.advance(2, sha256(&bytes));
    head.save(&view).unwrap();
    view.commit().unwrap();
    drop(ledger);
    let mut ledger = Ledger::open(&folder.path()).unwrap();
    ledger.reader().unwrap().verify(|_| ()).unwrap();
    let found = ledger.seal_with(vec![key(1)]);
    assert!(matches!(found, Err(LedgerError::HeadForged { sequence: 2 })), "{found:?}");
}

#[test]
fn what_was_written_while_the_vault_was_closed_is_sealed_at_the_next_opening() {
    let folder = Folder::new();
    let mut ledger = Ledger::create(&folder.path()).unwrap();
    ledger.seal_with(vec![key(1)]).unwrap();
    let number = issue(&ledger, "a");
    drop(ledger);
    let mut ledger = Ledger::open(&folder.path()).unwrap();
    revoke(&ledger, number).unwrap();
    ledger.seal_with(vec![key(2), key(1)]).unwrap();
    drop(ledger);
    let mut ledger = Ledger::open(&folder.path()).unwrap();
    ledger.seal_with(vec![key(2)]).unwrap();
}

#[test]
fn a_record_that_disagrees_with_the_chain_is_found() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let first = issue(&ledger, "a");
    let second = issue(&ledger, "b");
    revoke(&ledger, second).unwrap();
    let view = ledger.store.write().unwrap();
    let bytes = view.get(RECORDS, &first.to_be_bytes()).unwrap().unwrap();
    view.put(RECORDS, &second.to_be_bytes(), &bytes);
    view.commit().unwrap();
    let found = ledger.reader().unwrap().verify(|_| ());
    assert!(matches!(found, Err(LedgerError::RecordDisagrees { number: 2 })), "{found:?}");
}

#[test]
fn a_chain_whose_seal_was_taken_away_is_found() {
    let folder = Folder::new();
    let mut ledger = Ledger::create(&folder.path()).unwrap();
    ledger.seal_with(vec![key(1)]).unwrap();
    issue(&ledger, "a");
    let view = ledger.store.write().unwrap();
    let mut unsealed = Head::empty();
    let head = Head::load(&view).unwrap();
    unsealed.advance(head.sequence(), head.hash());
    unsealed.save(&view).unwrap();
    view.commit().unwrap();
    let found = ledger.seal_with(vec![key(1)]);
    assert!(matches!(found, Err(LedgerError::HeadForged { sequence: 0 })), "{found:?}");
}

#[test]
fn an_index_that_disagrees_with_the_chain_is_found() {
    for (table, key) in [
        (store::REVOKED, pair_key(1, 1)),
        (store::SERIALS, serial(1).as_bytes().to_vec()),
        (store::STATE, NEXT_NUMBER.to_vec()),
        (store::RENEWALS, pair_key(1, 2)),
        (store::ENDINGS, pair_key(END, 2)),
        (store::STANDINGS, pair_key(1, 1)),
    ] {
        let folder = Folder::new();
        let ledger = Ledger::create(&folder.path()).unwrap();
        let number = issue(&ledger, "a");
        issue_renewing(&ledger, "a", Some(number));
        revoke(&ledger, number).unwrap();
        let view = ledger.store.write().unwrap();
        assert!(view.get(table, &key).unwrap().is_some());
        view.remove(table, &key);
        view.commit().unwrap();
        let found = ledger.reader().unwrap().verify(|_| ());
        assert!(matches!(found, Err(LedgerError::IndexDisagrees { .. })), "{table}: {found:?}");
    }
}

// Catches: a revocation that is older than what came before it, and so hidden by it.
#[test]
fn times_never_go_back_but_for_a_confirmation_of_the_clock() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let newest = || ledger.reader().unwrap().newest_time().unwrap();
    assert_eq!(newest().unix(), 0);
    let number = issue(&ledger, "a");
    let append_at = |seconds, event| {
        let mut transaction = ledger.begin(time(seconds), "uid:0").unwrap();
        transaction.append(event).unwrap();
        transaction.commit().unwrap();
    };
    let revoked = Event::Revoked(Revoked { number, reason: 1, invalidity: None, revoked_at: None });
    append_at(-5_000, revoked);
    let record = ledger.reader().unwrap().record(number).unwrap().unwrap();
    assert_eq!(record.revocation().unwrap().time, time(1).unix_unsigned());
    assert_eq!(newest(), time(1));
    append_at(-5_000, Event::ClockConfirmed(ClockConfirmed { newest: 0 }));
    assert_eq!(newest(), time(-5_000));
    assert_eq!(ledger.reader().unwrap().verify(|_| ()).unwrap().entries, 4);
}

// Catches: a notice for what is renewed, and none for what is not renewed any more.
#[test]
fn what_ends_is_what_no_certificate_in_force_renews() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let endings = || {
        let end = Timestamp::from_unix(END.cast_signed());
        let reader = ledger.reader().unwrap();
        assert!(reader.endings(time(0), end, 10).unwrap().is_empty());
        reader.endings(end, end.plus_seconds(1), 10).unwrap()
    };
    let first = issue(&ledger, "a");
    assert_eq!(endings(), [first]);
    let second = issue_renewing(&ledger, "a", Some(first));
    assert_eq!(endings(), [second]);
    let branch = issue_renewing(&ledger, "a", Some(first));
    assert_eq!(endings(), [second, branch]);
    revoke(&ledger, second).unwrap();
    assert_eq!(endings(), [branch]);
    revoke(&ledger, branch).unwrap();
    assert_eq!(endings(), [first]);
    assert_eq!(ledger.reader().unwrap().renewals(first).unwrap(), [second, branch]);
    ledger.reader().unwrap().verify(|_| ()).unwrap();
    revoke(&ledger, first).unwrap();
    assert!(endings().is_empty());
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    let heir = transaction.append(renewing(4, &holder("a"), Some(first)));
    assert!(matches!(heir, Err(LedgerError::OutOfOrder { .. })), "{heir:?}");
}

#[test]
fn what_stands_for_admission_is_told_by_serial() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let (first, second) = (issue(&ledger, "a"), issue(&ledger, "b"));
    revoke(&ledger, first).unwrap();
    let mut transaction = ledger.begin(time(0), "uid:0").unwrap();
    transaction.append(intended(3, &holder("c"))).unwrap();
    transaction.append(Event::Abandoned(Numbered { number: 3 })).unwrap();
    transaction.append(intended(4, &holder("d"))).unwrap();
    transaction.commit().unwrap();
    let reader = ledger.reader().unwrap();
    let standings = reader.standings(1).unwrap();
    assert_eq!(standings.standing, [serial(second)]);
    assert_eq!(standings.revoked, [serial(first), serial(3)]);
    assert!(reader.standings(2).unwrap().standing.is_empty());
}

// Catches: a list signed from an index that lacks what was revoked since the last whole look.
#[test]
fn what_was_appended_since_the_last_whole_look_is_verified() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let verify = || ledger.reader().unwrap().verify_appended();
    let (first, second) = (issue(&ledger, "a"), issue(&ledger, "b"));
    revoke(&ledger, first).unwrap();
    verify().unwrap();
    revoke(&ledger, second).unwrap();
    verify().unwrap();
    verify().unwrap();
    let third = issue(&ledger, "c");
    revoke(&ledger, third).unwrap();
    let forget = |table, key: &[u8]| {
        let view = ledger.store.write().unwrap();
        view.remove(table, key);
        view.commit().unwrap();
    };
    forget(store::REVOKED, &pair_key(1, third));
    let found = verify();
    assert!(matches!(found, Err(LedgerError::IndexDisagrees { .. })), "{found:?}");
    forget(ENTRIES, &8_u64.to_be_bytes());
    let found = verify();
    assert!(matches!(found, Err(LedgerError::ChainBroken { sequence: 8 })), "{found:?}");
}

// Catches: a ledger of the first version whose new indexes are empty.
#[test]
fn a_ledger_of_the_first_version_gets_the_indexes_it_lacks() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let first = issue(&ledger, "a");
    let second = issue_renewing(&ledger, "a", Some(first));
    revoke(&ledger, first).unwrap();
    ledger.store.drop_tables(&[store::RENEWALS, store::ENDINGS, store::STANDINGS]).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&folder.path()).unwrap();
    let reader = ledger.reader().unwrap();
    assert_eq!(reader.renewals(first).unwrap(), [second]);
    reader.verify(|_| ()).unwrap();
}

#[test]
fn a_frame_of_zeros_is_a_clear_error_or_the_right_answer() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    issue(&ledger, "a");
    drop(ledger);
    let whole = std::fs::read(folder.path()).unwrap();
    let frame = 4096 + 8 + 16;
    for start in (0..whole.len()).step_by(frame) {
        let damaged = Folder::new();
        let mut bytes = whole.clone();
        bytes[start..start + frame].fill(0);
        crate::ground::files::write_new(&damaged.path(), &bytes, 0o600).unwrap();
        let answer =
            Ledger::open(&damaged.path()).and_then(|ledger| ledger.reader()?.verify(|_| ()));
        match answer {
            Ok(whole) => assert_eq!(whole.entries, 2, "frame at {start}"),
            Err(error) => assert!(matches!(error, LedgerError::Damaged(_)), "{start}: {error:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_a_clear_error_or_the_right_answer() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    for name in ["a", "b", "c"] {
        let number = issue(&ledger, name);
        if name == "b" {
            revoke(&ledger, number).unwrap();
        }
    }
    drop(ledger);
    let whole = std::fs::read(folder.path()).unwrap();
    let mut errors = 0_u32;
    for step in 0..4_000_usize {
        let damaged = Folder::new();
        let position = step * 7_919 % whole.len();
        std::fs::copy(folder.path(), damaged.path()).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(damaged.path()).unwrap();
        let flipped = whole[position] ^ (1 << (step % 8));
        file.write_all_at(&[flipped], u64::try_from(position).unwrap()).unwrap();
        let answers = Ledger::open(&damaged.path()).and_then(|ledger| {
            let reader = ledger.reader()?;
            reader.verify(|_| ())?;
            Ok((
                reader.records(0, 10)?.iter().map(Record::state).collect::<Vec<_>>(),
                reader.numbers_of_name("b")?,
                reader.revoked(1)?.len(),
                reader.next_number()?,
            ))
        });
        match answers {
            Ok(answers) => {
                let states = vec![State::Issued, State::Revoked, State::Issued];
                assert_eq!(answers, (states, vec![2], 1, 4), "flip at {position}");
            }
            Err(error) => {
                assert!(matches!(error, LedgerError::Damaged(_)), "flip at {position}: {error:?}");
                errors += 1;
            }
        }
    }
    assert!(errors > 0, "no flip was ever found: the test looks at the wrong places");
}

#[test]
fn a_second_process_waits_and_is_told_who_is_in_the_way() {
    let folder = Folder::new();
    let ledger = Ledger::create(&folder.path()).unwrap();
    let path = folder.path();
    let waiting = std::thread::spawn(move || Ledger::open(&path).map(drop));
    drop(ledger);
    waiting.join().unwrap().unwrap();
}
