//! What start-up does about a crash: the vault is held against the ledger, and intents without
//! their certificates are closed.

use crate::door::reply::Repairs;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{Event, Ledger, Numbered, VaultMark, VaultMarks};
use crate::vault::SealedVault;

/// Accepts the vault that the ledger knows, or the one it was told of; closes what is open.
pub(super) fn repair(
    ledger: &Ledger,
    vault: &SealedVault,
    now: Timestamp,
    actor: &str,
) -> Result<Repairs, Refusal> {
    let reader = ledger.reader()?;
    let marks = reader.vault_marks()?;
    let mut repairs = Repairs { abandoned: reader.open_intents()?, ..Repairs::default() };
    let mut events = Vec::new();
    match judge(&marks, vault)? {
        VaultStanding::AsRecorded => {}
        VaultStanding::ChangeNotRecorded(mark) => {
            repairs.vault_change_finished = true;
            events.push(Event::VaultChanged(mark));
        }
        VaultStanding::ChangeNotDone(mark) => {
            repairs.vault_change_undone = true;
            events.push(Event::VaultKept(mark));
        }
    }
    events.extend(repairs.abandoned.iter().map(|&number| Event::Abandoned(Numbered { number })));
    if !events.is_empty() {
        let mut transaction = ledger.begin(now, actor)?;
        for event in events {
            transaction.append(event)?;
        }
        transaction.commit()?;
    }
    Ok(repairs)
}

enum VaultStanding {
    AsRecorded,
    ChangeNotRecorded(VaultMark),
    ChangeNotDone(VaultMark),
}

fn judge(marks: &VaultMarks, vault: &SealedVault) -> Result<VaultStanding, Refusal> {
    let is = |mark: &VaultMark| {
        mark.generation == vault.generation() && mark.sha256.as_bytes() == vault.sha256()
    };
    if let Some(pending) = marks.pending.as_ref().filter(|mark| is(mark)) {
        return Ok(VaultStanding::ChangeNotRecorded(pending.clone()));
    }
    let recorded = marks.current.as_ref().map_or(0, |mark| mark.generation);
    match &marks.current {
        Some(current) if is(current) && marks.pending.is_some() => {
            Ok(VaultStanding::ChangeNotDone(current.clone()))
        }
        Some(current) if is(current) => Ok(VaultStanding::AsRecorded),
        _ if vault.generation() < recorded => Err(Refusal::VaultOlderThanLedger {
            vault: vault.generation().to_string(),
            ledger: recorded.to_string(),
        }),
        _ if vault.generation() > recorded => Err(Refusal::LedgerOlderThanVault {
            vault: vault.generation().to_string(),
            ledger: recorded.to_string(),
        }),
        _ => Err(Refusal::VaultNotTheRecordedOne { generation: recorded.to_string() }),
    }
}
