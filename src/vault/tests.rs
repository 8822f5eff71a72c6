//! The promises of the vault as a whole.

use super::*;
use crate::ground::secret::Passphrase;
use crate::pki::{KeyAlgorithm, Signer};

fn passphrase(text: &str) -> SlotSecret {
    SlotSecret::Passphrase(Passphrase::new(text.to_owned()))
}

fn key_file(octet: u8) -> SlotSecret {
    SlotSecret::KeyFile(SecretBytes::new(vec![octet; 32]))
}

fn wrong(kind: SlotKind) -> Option<VaultError> {
    Some(VaultError::WrongSecret { kind })
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn vault(&self) -> std::path::PathBuf {
        self.0.path().join("vault")
    }

    fn write(&self, vault: &mut OpenVault) {
        vault.next_file().unwrap().write(&self.vault()).unwrap();
    }

    fn open(&self, secret: &SlotSecret) -> Result<OpenVault, VaultError> {
        SealedVault::read(&self.vault())?.open(secret)
    }
}

#[test]
fn every_slot_opens_the_same_keys_and_nothing_else_does() {
    let folder = Folder::new();
    let mut vault = OpenVault::create().unwrap();
    let key = key();
    let public = key.subject_public_key_info().to_vec();
    vault.add_authority_key(1, key).unwrap();
    vault.add_slot(&passphrase("correct horse")).unwrap();
    vault.add_slot(&key_file(7)).unwrap();
    folder.write(&mut vault);
    for secret in [passphrase("correct horse"), key_file(7)] {
        let open = folder.open(&secret).unwrap();
        assert_eq!(open.authority_key(1).unwrap().subject_public_key_info(), public);
    }
    assert_eq!(folder.open(&passphrase("wrong horse")).err(), wrong(SlotKind::Passphrase));
    assert_eq!(folder.open(&key_file(8)).err(), wrong(SlotKind::KeyFile));
    let code = SlotSecret::RecoveryCode(SlotSecret::generate_recovery_code().unwrap());
    assert_eq!(folder.open(&code).err(), Some(VaultError::NoSlotOfKind));
}

#[test]
fn after_a_change_of_slots_the_old_secret_and_the_old_data_key_open_nothing_new() {
    let folder = Folder::new();
    let mut vault = OpenVault::create().unwrap();
    vault.add_slot(&key_file(7)).unwrap();
    vault.add_authority_key(1, key()).unwrap();
    folder.write(&mut vault);
    let stolen = folder.open(&key_file(7)).unwrap();
    let before = vault.seal_escrow(5, &SecretBytes::copy_of(b"before")).unwrap();
    vault.replace_slots(&[key_file(9)]).unwrap();
    // What was sealed before is read until it is sealed anew.
    assert_eq!(vault.open_escrow(5, &before).unwrap().expose(), b"before");
    let after = vault.seal_escrow(5, &SecretBytes::copy_of(b"after")).unwrap();
    vault.drop_retired_data_key();
    folder.write(&mut vault);
    assert_eq!(folder.open(&key_file(7)).err(), wrong(SlotKind::KeyFile));
    let open = folder.open(&key_file(9)).unwrap();
    assert_eq!(open.open_escrow(5, &after).unwrap().expose(), b"after");
    assert_eq!(open.open_escrow(5, &before).err(), Some(VaultError::Damaged));
    assert_eq!(stolen.open_escrow(5, &after).err(), Some(VaultError::Damaged));
    assert!(open.authority_key(1).is_ok());
}

#[test]
fn a_retired_data_key_survives_reopening_until_it_is_dropped() {
    let folder = Folder::new();
    let mut vault = OpenVault::create().unwrap();
    vault.add_slot(&key_file(1)).unwrap();
    folder.write(&mut vault);
    let before = vault.seal_escrow(5, &SecretBytes::copy_of(b"before")).unwrap();
    vault.replace_slots(&[key_file(2)]).unwrap();
    folder.write(&mut vault);
    let open = folder.open(&key_file(2)).unwrap();
    assert!(open.has_retired_data_key());
    assert_eq!(open.open_escrow(5, &before).unwrap().expose(), b"before");
    assert_eq!(open.ledger_head_keys().unwrap().len(), 2);
}

#[test]
fn an_escrowed_key_opens_only_for_its_own_certificate() {
    let mut vault = OpenVault::create().unwrap();
    vault.add_slot(&key_file(1)).unwrap();
    let sealed = vault.seal_escrow(5, &SecretBytes::copy_of(b"key")).unwrap();
    assert_eq!(vault.open_escrow(6, &sealed).err(), Some(VaultError::Damaged));
}

#[test]
fn a_vault_that_nothing_could_open_is_never_written() {
    let mut vault = OpenVault::create().unwrap();
    assert!(matches!(vault.next_file().err(), Some(VaultError::LastSlot)));
    let slot = vault.add_slot(&key_file(1)).unwrap();
    assert_eq!(vault.remove_slot_keeping_data_key(slot).err(), Some(VaultError::LastSlot));
    assert_eq!(vault.replace_slots(&[]).err(), Some(VaultError::LastSlot));
}

#[test]
fn costs_beyond_the_bounds_are_refused_before_memory_is_taken() {
    let folder = Folder::new();
    let mut vault = OpenVault::create().unwrap();
    vault.add_slot(&passphrase("correct horse")).unwrap();
    let honest = vault.body.to_der().unwrap();
    // 64 MiB is the INTEGER 65536; 4 TiB in KiB does not fit 32 bits, so the largest that does.
    let mut forged = honest.clone();
    let at = forged.windows(5).position(|w| w == [0x02, 0x03, 0x01, 0x00, 0x00]).unwrap();
    forged[at + 2..at + 5].copy_from_slice(&[0x7F, 0xFF, 0xFF]);
    vault.body = Body::from_der(&forged).unwrap();
    vault.next_file().unwrap().write(&folder.vault()).unwrap();
    let refused = SealedVault::read(&folder.vault()).err();
    assert_eq!(refused, Some(VaultError::CostsOutOfBounds { slot: 1 }));
}
