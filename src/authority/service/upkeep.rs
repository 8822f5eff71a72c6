//! What must be fresh while the service lives: the CRL, and the gates' server certificates.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::super::views;
use super::{Authority, DataFolder, orders};
use crate::ca::Bundle;
use crate::door::WireSecret;
use crate::door::command::{Key, Order, Purpose, Subject};
use crate::door::feed::{GateHello, PublishedCrl, ServerIdentity};
use crate::door::reply::{Crl, CrlStatus};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::files::{self, PRIVATE, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::Refusal;
use crate::ground::secret::SecretBytes;
use crate::pki::pkcs12::Encryption;
use crate::pki::revocation_list::{LARGEST_REVOCATION_LIST, pem_of};
use crate::pki::{Certificate, RevocationList, SerialNumber, Signer, pkcs8};

/// Octets of a file with a server certificate or its key.
const LARGEST: u64 = 64 * 1024;

/// Seconds before what failed is tried again.
const AGAIN: i64 = 60;

/// What is kept fresh, and for whom.
pub(super) struct Upkeep {
    folder: DataFolder,
    crl_days: u32,
    server_days: u32,
    gates: Vec<Gate>,
    crl: Option<CrlStatus>,
    /// When a CRL was last tried to be signed in vain.
    crl_tried: Option<Timestamp>,
}

/// A gate that gets its certificate from us.
struct Gate {
    name: String,
    hosts: Vec<String>,
    /// When its certificate is to be replaced; none while it has none.
    renew_at: Option<Timestamp>,
    /// The serial of its certificate.
    serial: Option<SerialNumber>,
    /// When one was last tried to be issued in vain.
    tried: Option<Timestamp>,
}

impl Upkeep {
    pub(super) fn new(
        folder: &DataFolder,
        crl_days: u32,
        server_days: u32,
        gates: &[GateHello],
    ) -> Self {
        let gates = gates
            .iter()
            .filter(|gate| !gate.names.is_empty())
            .map(|gate| Gate {
                name: gate.gate.clone(),
                hosts: gate.names.clone(),
                renew_at: None,
                serial: None,
                tried: None,
            })
            .collect();
        Self { folder: folder.clone(), crl_days, server_days, gates, crl: None, crl_tried: None }
    }

    /// How the newest CRL stands.
    pub(super) fn crl(&self) -> Option<CrlStatus> {
        self.crl
    }

    /// Something was revoked that no CRL tells of yet.
    pub(super) fn crl_is_incomplete(&mut self) {
        if let Some(crl) = &mut self.crl {
            crl.complete = false;
        }
    }

    /// Whether a CRL is due: there is none, it is incomplete, half its time has passed, or half of
    /// what the configuration gives it where it was made to last longer, or it says it was made
    /// after now.
    pub(super) fn crl_is_due(&self, now: Timestamp) -> bool {
        let due = self.crl.is_none_or(|crl| {
            let life = crl.next_update.unix() - crl.this_update.unix();
            let half = life.min(i64::from(self.crl_days) * DAY) / 2;
            !crl.complete || now >= crl.this_update.plus_seconds(half) || now < crl.this_update
        });
        due && self.crl_tried.is_none_or(|tried| is_over(tried, now))
    }

    /// What failed before is tried again at once.
    pub(super) fn try_again(&mut self) {
        self.crl_tried = None;
        for gate in &mut self.gates {
            gate.tried = None;
        }
    }

    /// The CRL that was published before this process began, if it is one of ours.
    pub(super) fn published_before(
        &mut self,
        authority: &Authority,
        now: Timestamp,
    ) -> Option<PublishedCrl> {
        let issuer = authority.issuer().ok()?;
        let limit = u64::try_from(LARGEST_REVOCATION_LIST).unwrap_or(u64::MAX);
        let der = files::read(&self.crl_path("ca.crl"), limit).ok()?;
        let list = RevocationList::verify(&der, issuer.certificate(), now).ok()?;
        let number = list.number().as_bytes().iter().try_fold(0_u64, |number, octet| {
            number.checked_mul(256).map(|number| number + u64::from(*octet))
        })?;
        let (this_update, next_update) = (list.this_update(), list.next_update());
        let listed: HashSet<SerialNumber> = list.entries().map(|entry| entry.serial).collect();
        let later = authority.revoked_since(this_update).ok()?;
        let complete = later.iter().all(|serial| listed.contains(serial));
        self.crl = Some(CrlStatus { number, this_update, next_update, complete });
        let root = issuer.root().der().to_vec();
        Some(PublishedCrl { der, number, this_update, next_update, root })
    }

    /// Signs a CRL.
    ///
    /// # Errors
    /// The vault is sealed, the issuer or the clock is not good now, or nothing could be written.
    pub(super) fn sign_crl(
        &mut self,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<Crl, Refusal> {
        self.crl_tried = Some(now);
        let crl = authority.sign_crl(self.crl_days)?;
        Ok(views::crl(crl))
    }

    /// Writes a CRL beside the data. It is the newest once it lies there.
    ///
    /// # Errors
    /// A file could not be written; it is still due then.
    pub(super) fn keep_crl(&mut self, crl: &Crl) -> Result<(), Refusal> {
        files::write_atomic(&self.crl_path("ca.crl"), &crl.der, PUBLIC)?;
        files::write_atomic(&self.crl_path("crl.pem"), pem_of(&crl.der).as_bytes(), PUBLIC)?;
        let Crl { number, this_update, next_update, .. } = *crl;
        self.crl = Some(CrlStatus { number, this_update, next_update, complete: true });
        self.crl_tried = None;
        Ok(())
    }

    /// The server certificates that the gates were given before this process began, where they are
    /// still good for the gate's names.
    pub(super) fn stored_identities(
        &mut self,
        revoked: &[SerialNumber],
        now: Timestamp,
    ) -> Vec<ServerIdentity> {
        let folder = self.folder.path().to_owned();
        let mut found = Vec::new();
        for gate in &mut self.gates {
            let place = folder.join("gates").join(&gate.name);
            let Some((chain, key)) = read_identity(&place) else { continue };
            let Some(leaf) = chain.first() else { continue };
            if now > leaf.not_after()
                || revoked.contains(&leaf.serial())
                || !gate.is_served_by(leaf)
            {
                continue;
            }
            gate.serves(leaf);
            let chain = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
            found.push(ServerIdentity { gate: gate.name.clone(), chain, key });
        }
        found
    }

    /// A gate whose certificate is among what was revoked needs another.
    pub(super) fn were_revoked(&mut self, serials: impl Iterator<Item = SerialNumber>) {
        for serial in serials {
            for gate in self.gates.iter_mut().filter(|gate| gate.serial == Some(serial)) {
                gate.renew_at = None;
            }
        }
    }

    /// Issues one server certificate that is due: missing, revoked, or two thirds over. `None` when
    /// there is no more to do.
    pub(super) fn due_identity(
        &mut self,
        authority: &mut Authority,
        now: Timestamp,
    ) -> Option<Result<ServerIdentity, Refusal>> {
        let gate = self.gates.iter_mut().find(|gate| gate.is_due(now))?;
        gate.tried = Some(now);
        let issued = gate.issue(authority, self.server_days);
        let folder = self.folder.path().join("gates");
        Some(issued.map(|bundle| gate.take(&bundle, &folder)))
    }

    fn crl_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Gate {
    fn is_due(&self, now: Timestamp) -> bool {
        self.renew_at.is_none_or(|at| now >= at)
            && self.tried.is_none_or(|tried| is_over(tried, now))
    }

    /// Whether a certificate proves all of the gate's names.
    fn is_served_by(&self, leaf: &Certificate) -> bool {
        let names = leaf.subject_alternative_names();
        let proven =
            |host: &String| orders::alternative_name(host).is_ok_and(|host| names.contains(&host));
        self.hosts.iter().all(proven)
    }

    fn serves(&mut self, leaf: &Certificate) {
        self.renew_at = Some(two_thirds(leaf));
        self.serial = Some(leaf.serial());
        self.tried = None;
    }

    fn issue(&self, authority: &mut Authority, days: u32) -> Result<Bundle, Refusal> {
        let order = Order {
            subject: Subject {
                common_name: self.hosts.first().cloned().unwrap_or_default(),
                country: "JP".to_owned(),
                organization: "orca".to_owned(),
                unit: None,
            },
            purpose: Purpose::Server { hosts: self.hosts.clone() },
            days,
            shorten: true,
            key: Key::Generate { algorithm: "p256".to_owned(), escrow: false },
            person: None,
            device: None,
            source: Some(format!("gate {}", self.name)),
            request: None,
        };
        let issued = authority.issue(vec![orders::check(order)?], Encryption::Modern)?.pop();
        Ok(issued.ok_or(Refusal::CryptographyFailed {})??.bundle)
    }

    /// What was issued, for the gate; and in its folder, for the next start. Where that cannot be
    /// written the gate works all the same, and the log says so.
    fn take(&mut self, bundle: &Bundle, folder: &Path) -> ServerIdentity {
        if let Some(leaf) = bundle.chain.first() {
            self.serves(leaf);
            tracing::info!(gate = %self.name, ends = %leaf.not_after(), "server certificate issued");
        }
        let place = folder.join(&self.name);
        let key = bundle.key.as_ref().map(|key| &key.plain_pem);
        let written = files::ensure_folder(folder, PRIVATE_FOLDER)
            .and_then(|()| files::ensure_folder(&place, PRIVATE_FOLDER))
            .and_then(|()| {
                let key = key.map_or(&[][..], SecretBytes::expose);
                files::write_atomic(&place.join("server.pem"), key, PRIVATE)
            })
            .and_then(|()| {
                let chain = bundle.chain_pem();
                files::write_atomic(&place.join("server.crt"), chain.as_bytes(), PUBLIC)
            });
        if let Err(error) = written {
            let refusal = Refusal::from(error);
            tracing::error!(gate = %self.name, "the server certificate is not kept: {refusal}");
        }
        let key = key.and_then(|key| pkcs8::read_pem(key).ok()).and_then(|key| key.pkcs8().ok());
        ServerIdentity {
            gate: self.name.clone(),
            chain: bundle.chain.iter().map(|certificate| certificate.der().to_vec()).collect(),
            key: WireSecret::from(key.unwrap_or_else(|| SecretBytes::new(Vec::new()))),
        }
    }
}

/// Whether what failed then may be tried again.
fn is_over(tried: Timestamp, now: Timestamp) -> bool {
    now < tried || now >= tried.plus_seconds(AGAIN)
}

/// A gate's certificate with its intermediates, and its key in PKCS#8, as they lie in its folder.
fn read_identity(place: &Path) -> Option<(Vec<Certificate>, WireSecret)> {
    let chain = files::read(&place.join("server.crt"), LARGEST).ok()?;
    let chain = Certificate::chain_from_pem(&chain).ok()?;
    let key = files::read_secret(&place.join("server.pem"), LARGEST).ok()?;
    let key = pkcs8::read_pem(&key).ok()?;
    // A crash between the two files leaves a pair that does not belong together.
    let fits = chain.first()?.subject_public_key_info() == key.subject_public_key_info();
    fits.then_some(())?;
    Some((chain, WireSecret::from(key.pkcs8().ok()?)))
}

/// When two thirds of a certificate's time are over.
fn two_thirds(certificate: &Certificate) -> Timestamp {
    let life = certificate.not_after().unix() - certificate.not_before().unix();
    certificate.not_before().plus_seconds(life / 3 * 2)
}
