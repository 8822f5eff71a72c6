//! The one door to everything that changes state: vault, ledger, CA and revocation behind one set
//! of commands. The command line uses it in its own process.
//!
//! A data folder holds `authority/vault` and `authority/ledger`; both are made together or not at
//! all. Opening it finishes or undoes what a crash left half done, and says so.
//!
//! | file | holds |
//! |---|---|
//! | `folder` | where things lie, whose they are, and who works there |
//! | `initialise`, `recovery` | a new CA; what a crash left of one |
//! | `handler`, [`orders`], `views` | commands carried out, checked before, and shown after |
//! | `lineage`, `slots`, `clock`, [`anchor`] | renewals; what opens the vault; the time; rollbacks |
//! | `backup`, `restore`, `content`, `drill` | copies, what is in them, and what becomes of them |
//! | `feed` | what gates and publisher must know of the ledger |
//! | [`service`] | the authority as a process of its own |

#![forbid(unsafe_code)]

pub mod anchor;
mod backup;
mod clock;
mod content;
mod drill;
mod feed;
mod folder;
mod handler;
mod initialise;
mod lineage;
pub mod orders;
mod recovery;
mod restore;
pub mod service;
mod slots;
mod views;

pub use drill::{Drill, drill};
pub use folder::{DataFolder, Reservation, SERVICE_FOLDER};
pub use initialise::Initialise;
pub use lineage::{Ending, Renewal};
pub use restore::{Reconcile, Restored, require_blank, restore};

use crate::ca::{self, Bundle, IssueRequest, IssuedCertificate, Issuer, Signatory};
use crate::door::reply::Repairs;
use crate::ground::clock::{ClockWatch, Timestamp};
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::{Event, HeadKey, Holder, Ledger, Numbered, Profile, Record, State, Whole};
use crate::pki::pkcs12::Encryption;
use crate::pki::revocation_list::Reason;
use crate::pki::{Certificate, CommonName, PrivateKey};
use crate::revocation::{self, SignedCrl};
use crate::vault::{OpenVault, SealedVault, SlotSecret};

/// The authority over one data folder. It has the folder to itself while it lives.
pub struct Authority {
    folder: DataFolder,
    ledger: Ledger,
    open_vault: Option<OpenVault>,
    actor: String,
    now: Timestamp,
    clock: ClockWatch,
    /// The copy that somebody is being given.
    backup: Option<backup::UnderWay>,
}

/// A certificate, with what is known of it.
pub struct CertificateView {
    /// What the ledger's chain says.
    pub record: Record,
    /// The personal fields; none once they are erased.
    pub holder: Option<Holder>,
}

/// Which certificate is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By its number.
    Number(u64),
    /// By its common name, when only one certificate that is not revoked has it.
    CommonName(String),
}

impl Authority {
    /// Opens the authority over a data folder, with its vault sealed.
    ///
    /// # Errors
    /// There is no CA here, another process has it, or vault and ledger are damaged or do not
    /// belong together.
    pub fn open(
        folder: &DataFolder,
        now: Timestamp,
        actor: &str,
    ) -> Result<(Self, Repairs), Refusal> {
        folder.require_initialised()?;
        files::check_folder(folder.path())?;
        files::check_folder(&folder.authority())?;
        let ledger = Ledger::open(&folder.ledger())?;
        let sealed = SealedVault::read(&folder.vault())?;
        let clock = ClockWatch::start(now, ledger.reader()?.newest_time()?);
        let repairs = recovery::repair(&ledger, &sealed, now, actor)?;
        let (folder, actor) = (folder.clone(), actor.to_owned());
        let (open_vault, backup) = (None, None);
        let authority = Self { folder, ledger, open_vault, actor, now, clock, backup };
        Ok((authority, repairs))
    }

    /// Says what time it is, and who asks, for the commands that follow.
    pub fn at(&mut self, now: Timestamp, actor: &str) {
        self.now = now;
        self.clock.tell(now);
        self.forget_stale_backup();
        actor.clone_into(&mut self.actor);
    }

    /// Whether the vault is open.
    #[must_use]
    pub fn is_unsealed(&self) -> bool {
        self.open_vault.is_some()
    }

    /// Closes the vault.
    pub(super) fn seal(&mut self) {
        self.open_vault = None;
    }

    /// Opens the vault. From here on the ledger's head is sealed with every commit. A change of
    /// slots that a crash interrupted is finished.
    ///
    /// # Errors
    /// The secret opens no slot, or the ledger was changed by somebody without the vault's key.
    pub fn unlock(&mut self, secret: &SlotSecret) -> Result<(), Refusal> {
        let vault = SealedVault::read(&self.folder.vault())?.open(secret)?;
        self.seal_ledger_with(&vault)?;
        let interrupted = vault.has_retired_data_key();
        self.open_vault = Some(vault);
        if interrupted {
            self.finish_slot_change()?;
        }
        Ok(())
    }

    /// Opens the ledger again, after a write to it failed: the disk may have room by now.
    ///
    /// # Errors
    /// It cannot be opened. This authority is to be dropped then.
    pub(super) fn reopen_ledger(&mut self) -> Result<(), Refusal> {
        Ok(self.ledger.reopen(&self.folder.ledger())?)
    }

    /// Issues certificates; each request has its own outcome, in order.
    ///
    /// # Errors
    /// The vault is sealed, the issuer is not valid now, the clock cannot be believed, or the ledger
    /// could not be written.
    pub fn issue(
        &self,
        requests: Vec<IssueRequest>,
        encryption: Encryption,
    ) -> Result<Vec<Result<IssuedCertificate, Refusal>>, Refusal> {
        self.require_reconciled()?;
        self.require_good_clock()?;
        self.signatory(&self.issuer()?, encryption)?.issue(requests)
    }

    /// Revokes a certificate. It needs no open vault and no good clock; the next CRL tells of it.
    ///
    /// # Errors
    /// Unknown, revoked already, or a certificate authority.
    pub fn revoke(
        &self,
        selector: &Selector,
        reason: Reason,
        invalidity: Option<Timestamp>,
    ) -> Result<CertificateView, Refusal> {
        let number = self.resolve(selector)?;
        let record =
            revocation::revoke(&self.ledger, number, reason, invalidity, self.now, &self.actor)?;
        self.view(record)
    }

    /// Signs a CRL that is valid for some days.
    ///
    /// # Errors
    /// The vault is sealed, the issuer is not valid now, the clock cannot be believed, or the ledger
    /// could not be written.
    pub fn sign_crl(&self, days: u32) -> Result<SignedCrl, Refusal> {
        self.require_reconciled()?;
        self.require_good_clock()?;
        let issuer = self.issuer()?;
        revocation::sign_crl(&self.ledger, self.vault()?, &issuer, days, self.now, &self.actor)
    }

    /// Hands a certificate's bundle out again; a certificate authority's has no key in it. The
    /// export of a key is recorded.
    ///
    /// # Errors
    /// Unknown, never signed, or its key was not kept, or is forgotten.
    pub fn export(&self, selector: &Selector, encryption: Encryption) -> Result<Bundle, Refusal> {
        let number = self.resolve(selector)?;
        let view = self.show(number)?;
        let issuer = self.issuer()?;
        let certificate = self.certificate(&view.record)?;
        let stem = ca::stem(number, certificate.subject_der());
        let authority = matches!(view.record.profile(), Profile::Root | Profile::Issuing);
        if authority {
            let (chain, root) = (vec![certificate], issuer.root().clone());
            return Ok(Bundle { stem, chain, root, key: None });
        }
        let not_kept = || Refusal::KeyNotKept { number: format!("{number:06}") };
        let sealed = self.ledger.reader()?.sealed_key(number)?.ok_or_else(not_kept)?;
        let pkcs8 = self.vault()?.open_escrow(number, &sealed)?;
        let key = PrivateKey::from_pkcs8(&pkcs8).map_err(|_| Refusal::LedgerDamaged {
            reason: format!("the key of certificate {number}"),
        })?;
        let chain = issuer.chain_of(&certificate);
        let bundle = Bundle::with_key(stem, chain, issuer.root().clone(), &key, encryption)?;
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::KeyExported(Numbered { number }))?;
        transaction.commit()?;
        Ok(bundle)
    }

    /// Deletes the sealed copy of a certificate's private key for good.
    ///
    /// # Errors
    /// Unknown, or there is no copy.
    pub fn forget_key(&self, selector: &Selector) -> Result<CertificateView, Refusal> {
        let number = self.resolve(selector)?;
        let view = self.show(number)?;
        if !view.record.escrowed() {
            return Err(Refusal::KeyNotKept { number: format!("{number:06}") });
        }
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::KeyForgotten(Numbered { number }))?;
        transaction.commit()?;
        self.show(number)
    }

    /// At most `limit` certificates in the order of their numbers, from `first` on.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn list(&self, first: u64, limit: usize) -> Result<Vec<CertificateView>, Refusal> {
        let records = self.ledger.reader()?.records(first, limit)?;
        records.into_iter().map(|record| self.view(record)).collect()
    }

    /// What is known of one certificate.
    ///
    /// # Errors
    /// Unknown number.
    pub fn show(&self, number: u64) -> Result<CertificateView, Refusal> {
        let record = self.ledger.reader()?.record(number)?;
        self.view(record.ok_or_else(|| Refusal::UnknownNumber { number: format!("{number:06}") })?)
    }

    /// The number a selector means.
    ///
    /// # Errors
    /// No certificate, or more than one, has that name.
    pub fn resolve(&self, selector: &Selector) -> Result<u64, Refusal> {
        let name = match selector {
            Selector::Number(number) => return Ok(*number),
            Selector::CommonName(name) => name,
        };
        let shown = Untrusted(name).to_string();
        match self.numbers_in_force(name)?.as_slice() {
            [] => Err(Refusal::UnknownName { name: shown }),
            [number] => Ok(*number),
            several => {
                let numbers: Vec<String> = several.iter().map(|n| format!("{n:06}")).collect();
                Err(Refusal::AmbiguousName { name: shown, numbers: numbers.join(", ") })
            }
        }
    }

    /// The numbers of the certificates with this common name that are not revoked.
    fn numbers_in_force(&self, name: &str) -> Result<Vec<u64>, Refusal> {
        // As it is stored: however it was typed, composed.
        let parsed = CommonName::parse(name);
        let name = parsed.as_ref().map_or(name, CommonName::as_str);
        let reader = self.ledger.reader()?;
        let mut numbers = Vec::new();
        for number in reader.numbers_of_name(name)? {
            if reader.record(number)?.is_some_and(|record| record.state() == State::Issued) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// The numbers of certificates in force whose common name looks like this one without being
    /// it.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn look_alikes(&self, name: &CommonName) -> Result<Vec<CertificateView>, Refusal> {
        let reader = self.ledger.reader()?;
        let mut found = Vec::new();
        for number in reader.numbers_of_name(&ca::skeleton_key(name))? {
            let view = self.show(number)?;
            let same = view.holder.as_ref().is_some_and(|h| h.common_name == name.as_str());
            if view.record.state() == State::Issued && !same {
                found.push(view);
            }
        }
        Ok(found)
    }

    /// The number of the certificate that was made for an asking, when one was.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn issued_for(&self, request: &crate::ledger::Digest) -> Result<Option<u64>, Refusal> {
        Ok(self.ledger.reader()?.number_of_request(request)?)
    }

    /// How many entries the ledger's chain has.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn entries(&self) -> Result<u64, Refusal> {
        Ok(self.ledger.reader()?.entries()?)
    }

    /// Reads the whole ledger and holds everything in it against everything else.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<Whole, Refusal> {
        Ok(self.ledger.reader()?.verify(progress)?)
    }

    /// The signed certificate of a record.
    ///
    /// # Errors
    /// It was never signed, or is erased.
    pub fn certificate(&self, record: &Record) -> Result<Certificate, Refusal> {
        let number = format!("{:06}", record.number());
        let der = self.ledger.reader()?.certificate(record)?;
        let der = der.ok_or_else(|| Refusal::NeverIssued { number: number.clone() })?;
        Certificate::from_der(&der)
            .map_err(|_| Refusal::LedgerDamaged { reason: format!("certificate {number}") })
    }

    /// The certificate authority that signs now.
    ///
    /// # Errors
    /// There is none.
    pub fn issuer(&self) -> Result<Issuer, Refusal> {
        Issuer::newest(&self.ledger.reader()?)
    }

    fn signatory<'a>(
        &'a self,
        issuer: &'a Issuer,
        encryption: Encryption,
    ) -> Result<Signatory<'a>, Refusal> {
        let (ledger, vault, now, actor) = (&self.ledger, self.vault()?, self.now, &self.actor);
        Ok(Signatory { ledger, vault, issuer, encryption, now, actor })
    }

    fn view(&self, record: Record) -> Result<CertificateView, Refusal> {
        let holder = self.ledger.reader()?.holder(&record)?;
        Ok(CertificateView { record, holder })
    }

    fn vault(&self) -> Result<&OpenVault, Refusal> {
        self.open_vault.as_ref().ok_or(Refusal::VaultSealed {})
    }

    fn seal_ledger_with(&mut self, vault: &OpenVault) -> Result<(), Refusal> {
        seal_ledger(&mut self.ledger, vault)
    }
}

/// Checks the ledger's head with the vault's keys, and seals it from here on.
fn seal_ledger(ledger: &mut Ledger, vault: &OpenVault) -> Result<(), Refusal> {
    Ok(ledger.seal_with(head_keys(vault)?)?)
}

/// The vault's keys that seal the ledger's head.
fn head_keys(vault: &OpenVault) -> Result<Vec<HeadKey>, Refusal> {
    let keys = vault.ledger_head_keys()?;
    Ok(keys.iter().map(|(id, key)| HeadKey::new(*id, key.expose())).collect())
}
