//! Changing the vault: the ledger is told of the new file, the file is replaced, the ledger is told
//! that it is done.

use super::Authority;
use crate::ground::messages::Refusal;
use crate::ledger::{Event, Reader, VaultMark, octets};
use crate::vault::{OpenVault, SealedVault, Share, ShareCounts, SlotKind, SlotSecret, SlotSummary};

/// Escrowed keys that are sealed anew in one commit.
const BATCH: usize = 256;

impl Authority {
    /// The vault's slots.
    ///
    /// # Errors
    /// The vault could not be read.
    pub fn slots(&self) -> Result<Vec<SlotSummary>, Refusal> {
        Ok(SealedVault::read(&self.folder.vault())?.slots())
    }

    /// Makes a new data key with slots for these secrets only, and seals everything anew.
    ///
    /// # Errors
    /// The vault is sealed, or vault or ledger could not be written. After a crash the next
    /// opening finishes the change.
    pub fn replace_slots(&mut self, secrets: &[SlotSecret]) -> Result<(), Refusal> {
        check_escrow(&self.ledger.reader()?, self.vault()?)?;
        self.change_vault(|vault| Ok(vault.replace_slots(secrets)?))?;
        self.finish_slot_change()
    }

    /// Puts slots for these secrets in place of all others, but keeps the data key. Whoever kept a
    /// removed slot's secret and a copy of the vault can still open what is sealed later.
    ///
    /// # Errors
    /// The vault is sealed, no secret is given, or vault or ledger could not be written.
    pub fn replace_slots_keeping_data_key(
        &mut self,
        secrets: &[SlotSecret],
    ) -> Result<(), Refusal> {
        let old: Vec<u64> = self.slots()?.iter().map(|slot| slot.id).collect();
        self.change_vault(|vault| {
            for secret in secrets {
                vault.add_slot(secret)?;
            }
            for slot in old {
                vault.remove_slot_keeping_data_key(slot)?;
            }
            Ok(())
        })
    }

    /// Makes new shares that open the vault, in place of those before; everything else that opens it
    /// stays.
    ///
    /// # Errors
    /// The vault is sealed, so many shares are not made, or vault or ledger could not be written.
    pub fn make_shares(&mut self, counts: ShareCounts) -> Result<Vec<Share>, Refusal> {
        self.change_vault(|vault| Ok(vault.add_shares(counts)?))
    }

    /// Takes the slot that shares open out of the vault, but keeps the data key, as
    /// [`Authority::replace_slots_keeping_data_key`] does.
    ///
    /// # Errors
    /// The vault is sealed, there are no shares or nothing else, or vault or ledger could not be
    /// written.
    pub fn remove_shares(&mut self) -> Result<(), Refusal> {
        let slots = self.slots()?;
        let shared = slots.iter().find(|slot| slot.kind == SlotKind::Shares);
        let shared = shared.ok_or(Refusal::NoShares {})?.id;
        self.change_vault(|vault| Ok(vault.remove_slot_keeping_data_key(shared)?))
    }

    /// Seals the escrowed keys and the ledger's head under the new data key, then forgets the old.
    pub(super) fn finish_slot_change(&mut self) -> Result<(), Refusal> {
        let vault = self.open_vault.take().ok_or(Refusal::VaultSealed {})?;
        let resealed = self.reseal(&vault);
        self.open_vault = Some(vault);
        resealed?;
        self.change_vault(|vault| {
            vault.drop_retired_data_key();
            Ok(())
        })
    }

    fn reseal(&mut self, vault: &OpenVault) -> Result<(), Refusal> {
        self.seal_ledger_with(vault)?;
        let mut first = 0;
        loop {
            let keys = self.ledger.reader()?.sealed_keys(first, BATCH)?;
            let Some((last, _)) = keys.last() else { return Ok(()) };
            first = last + 1;
            let mut transaction = self.ledger.begin(self.now, &self.actor)?;
            for (number, sealed) in &keys {
                let key = vault.open_escrow(*number, sealed)?;
                transaction.put_sealed_key(*number, &vault.seal_escrow(*number, &key)?);
            }
            transaction.commit()?;
        }
    }

    /// One change of the vault file: announced, written, recorded. When it fails in between, the
    /// vault counts as sealed, and the next opening finds out how far it came.
    fn change_vault<T>(
        &mut self,
        change: impl FnOnce(&mut OpenVault) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut vault = self.open_vault.take().ok_or(Refusal::VaultSealed {})?;
        let value = change(&mut vault)?;
        let file = vault.next_file()?;
        let sha256 = octets(&file.sha256())?;
        let mark = VaultMark { generation: file.generation(), sha256 };
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::VaultChanging(mark.clone()))?;
        transaction.commit()?;
        file.write(&self.folder.vault())?;
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::VaultChanged(mark))?;
        transaction.commit()?;
        self.open_vault = Some(vault);
        Ok(value)
    }
}

/// Refuses to begin what could not be finished: every escrowed key must open. Returns how many there
/// are.
pub(super) fn check_escrow(reader: &Reader<'_>, vault: &OpenVault) -> Result<u64, Refusal> {
    let (mut first, mut count) = (0, 0);
    loop {
        let keys = reader.sealed_keys(first, BATCH)?;
        let Some((last, _)) = keys.last() else { return Ok(count) };
        first = last + 1;
        for (number, sealed) in &keys {
            vault.open_escrow(*number, sealed)?;
            count += 1;
        }
    }
}
