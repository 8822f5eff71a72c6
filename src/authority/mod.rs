//! The one door to everything that changes state: vault, ledger, CA and revocation behind one set
//! of commands. The command line uses it in its own process.
//!
//! A data folder holds `authority/vault` and `authority/ledger`; both are made together or not at
//! all. Opening it finishes or undoes what a crash left half done, and says so.

#![forbid(unsafe_code)]

pub mod anchor;
mod backup;
mod clock;
mod content;
mod drill;
mod feed;
mod handler;
mod initialise;
mod lineage;
pub mod orders;
mod recovery;
mod restore;
pub mod service;
mod slots;
mod views;

use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags};

pub use drill::{Drill, drill};
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
use crate::vault::{OpenVault, SealedVault, SlotSecret, SlotSummary};

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

/// That a service runs over a data folder.
pub struct Reservation {
    lock: OwnedFd,
}

impl AsFd for Reservation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}

impl From<OwnedFd> for Reservation {
    fn from(lock: OwnedFd) -> Self {
        Self { lock }
    }
}

/// The data folder of the installed service.
pub const SERVICE_FOLDER: &str = "/var/lib/sekisho";

/// Where the installed service's control socket lies.
const RUNTIME_FOLDER: &str = "/run/sekisho";

/// Its mode: administrators must get to the socket in it.
const RUNTIME_FOLDER_MODE: u32 = 0o755;

/// Where things lie in a data folder.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

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

impl DataFolder {
    /// A data folder at a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is a CA in it.
    #[must_use]
    pub fn is_initialised(&self) -> bool {
        files::exists(&self.authority())
    }

    /// What anyone may know of the vault's slots.
    ///
    /// # Errors
    /// There is no CA here, or its vault is damaged.
    pub fn slots(&self) -> Result<Vec<SlotSummary>, Refusal> {
        self.require_initialised()?;
        Ok(SealedVault::slots_at(&self.vault())?)
    }

    /// The vault's name, as its shares show it.
    ///
    /// # Errors
    /// There is no CA here, or its vault is damaged.
    pub fn vault_mark(&self) -> Result<String, Refusal> {
        self.require_initialised()?;
        Ok(SealedVault::mark_at(&self.vault())?)
    }

    /// Reserves the folder for one service, for as long as the lock lives, also while the authority's
    /// process is being started again.
    ///
    /// # Errors
    /// There is no CA in it, or a service runs over it already.
    pub fn reserve(&self) -> Result<Reservation, Refusal> {
        self.require_initialised()?;
        let folder = self.authority();
        let lock = self.open_for_lock();
        let lock = lock.map_err(|errno| files::FileError::from_io(&folder, &errno.into()))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let folder = Untrusted(&self.0.to_string_lossy()).to_string();
            Refusal::ServiceRunsAlready { folder }
        })?;
        Ok(Reservation { lock })
    }

    /// Whether a service runs over it, as far as this user can tell.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.open_for_lock().is_ok_and(|lock| {
            rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
        })
    }

    /// Gives what root made to the authority's own user: the folder and all in it, and the folder of
    /// its control socket. What belongs to somebody else already stays as it is.
    ///
    /// # Errors
    /// The system refused.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<(), Refusal> {
        files::give(&self.0, uid, gid)?;
        if self.0 == Path::new(SERVICE_FOLDER) {
            let runtime = Path::new(RUNTIME_FOLDER);
            if !files::exists(runtime) {
                files::ensure_folder(runtime, RUNTIME_FOLDER_MODE)?;
            }
            files::give(runtime, uid, gid)?;
        }
        Ok(())
    }

    fn open_for_lock(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(self.authority(), flags, Mode::empty())
    }

    /// Where a running service takes commands: beside the data, but for the installed service's
    /// folder, which other users cannot even look into.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        let folder =
            if self.0 == Path::new(SERVICE_FOLDER) { Path::new(RUNTIME_FOLDER) } else { &self.0 };
        folder.join("control.sock")
    }

    fn authority(&self) -> PathBuf {
        self.0.join("authority")
    }

    fn vault(&self) -> PathBuf {
        self.authority().join("vault")
    }

    fn ledger(&self) -> PathBuf {
        self.authority().join("ledger")
    }

    /// What tells when an anchor was last found in the ledger.
    fn anchor_check(&self) -> PathBuf {
        self.authority().join("anchor-check")
    }

    /// Refuses a folder without a CA.
    ///
    /// # Errors
    /// `NotInitialised`.
    pub fn require_initialised(&self) -> Result<(), Refusal> {
        if self.is_initialised() {
            return Ok(());
        }
        let folder = Untrusted(&self.0.to_string_lossy()).to_string();
        Err(Refusal::NotInitialised { folder })
    }
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
