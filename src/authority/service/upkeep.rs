//! What must be fresh while the service lives: the CRL, and the gates' server certificates.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Authority, DataFolder, orders};
use crate::door::WireSecret;
use crate::door::command::{Key, Order, Purpose, Subject};
use crate::door::feed::{GateHello, PublishedCrl, ServerIdentity};
use crate::door::reply::{Crl, CrlStatus};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::files::{self, PRIVATE, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::Refusal;
use crate::pki::pkcs12::Encryption;
use crate::pki::revocation_list::{LARGEST_REVOCATION_LIST, pem_of};
use crate::pki::{Certificate, RevocationList, SerialNumber, Signer, pkcs8};

/// Octets of a file with a server certificate or its key.
const LARGEST: u64 = 64 * 1024;

/// What is kept fresh, and for whom.
pub(super) struct Upkeep {
    folder: DataFolder,
    crl_days: u32,
    server_days: u32,
    gates: Vec<Gate>,
    crl: Option<CrlStatus>,
}

/// A gate that gets its certificate from us.
struct Gate {
    name: String,
    hosts: Vec<String>,
    /// When its certificate is to be replaced; none while it has none.
    renew_at: Option<Timestamp>,
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
            .map(|gate| Gate { name: gate.gate.clone(), hosts: gate.names.clone(), renew_at: None })
            .collect();
        Self { folder: folder.clone(), crl_days, server_days, gates, crl: None }
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
        self.crl.is_none_or(|crl| {
            let life = crl.next_update.unix() - crl.this_update.unix();
            let half = life.min(i64::from(self.crl_days) * DAY) / 2;
            !crl.complete || now >= crl.this_update.plus_seconds(half) || now < crl.this_update
        })
    }

    /// The CRL that was published before this process began, if it is one of ours.
    pub(super) fn published_before(
        &mut self,
        authority: &Authority,
        revoked: &[SerialNumber],
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
        let complete = revoked.iter().all(|serial| listed.contains(serial));
        self.crl = Some(CrlStatus { number, this_update, next_update, complete });
        let root = issuer.root().der().to_vec();
        Some(PublishedCrl { der, number, this_update, next_update, root })
    }

    /// Signs a CRL and writes it beside the data.
    ///
    /// # Errors
    /// The vault is sealed, the issuer or the clock is not good now, or nothing could be written.
    pub(super) fn sign_crl(&mut self, authority: &mut Authority) -> Result<Crl, Refusal> {
        let crl = super::super::views::crl(authority.sign_crl(self.crl_days)?);
        self.keep_crl(&crl)?;
        Ok(crl)
    }

    /// Writes a CRL beside the data, as the newest.
    ///
    /// # Errors
    /// A file could not be written.
    pub(super) fn keep_crl(&mut self, crl: &Crl) -> Result<(), Refusal> {
        let Crl { number, this_update, next_update, .. } = *crl;
        self.crl = Some(CrlStatus { number, this_update, next_update, complete: true });
        files::write_atomic(&self.crl_path("ca.crl"), &crl.der, PUBLIC)?;
        Ok(files::write_atomic(&self.crl_path("crl.pem"), pem_of(&crl.der).as_bytes(), PUBLIC)?)
    }

    /// The server certificates that the gates were given before this process began, where they are
    /// still good for the gate's names.
    pub(super) fn stored_identities(&mut self, now: Timestamp) -> Vec<ServerIdentity> {
        let folder = self.folder.path().to_owned();
        let mut found = Vec::new();
        for gate in &mut self.gates {
            let place = folder.join("gates").join(&gate.name);
            let Some((chain, key)) = read_identity(&place) else { continue };
            let Some(leaf) = chain.first() else { continue };
            if now > leaf.not_after() || !gate.is_served_by(leaf) {
                continue;
            }
            gate.renew_at = Some(two_thirds(leaf));
            let chain = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
            found.push(ServerIdentity { gate: gate.name.clone(), chain, key });
        }
        found
    }

    /// Issues the server certificates that are due: missing, or two thirds over.
    ///
    /// # Errors
    /// The first that could not be issued; those before it are returned at the next call's due.
    pub(super) fn due_identities(
        &mut self,
        authority: &mut Authority,
        now: Timestamp,
    ) -> Result<Vec<ServerIdentity>, Refusal> {
        let folder = self.folder.path().join("gates");
        let mut fresh = Vec::new();
        for gate in self.gates.iter_mut().filter(|gate| gate.renew_at.is_none_or(|at| now >= at)) {
            let identity = gate.issue(authority, self.server_days, &folder)?;
            tracing::info!(gate = %gate.name, "server certificate issued");
            fresh.push(identity);
        }
        Ok(fresh)
    }

    /// Whether a server certificate is due.
    pub(super) fn identity_is_due(&self, now: Timestamp) -> bool {
        self.gates.iter().any(|gate| gate.renew_at.is_none_or(|at| now >= at))
    }

    fn crl_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Gate {
    /// Whether a certificate proves all of the gate's names.
    fn is_served_by(&self, leaf: &Certificate) -> bool {
        let names = leaf.subject_alternative_names();
        self.hosts
            .iter()
            .all(|host| orders::alternative_name(host).is_ok_and(|host| names.contains(&host)))
    }

    fn issue(
        &mut self,
        authority: &mut Authority,
        days: u32,
        folder: &std::path::Path,
    ) -> Result<ServerIdentity, Refusal> {
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
        let issued = issued.ok_or(Refusal::CryptographyFailed {})??;
        let key = issued.bundle.key.as_ref().ok_or(Refusal::CryptographyFailed {})?;
        let place = folder.join(&self.name);
        files::ensure_folder(folder, PRIVATE_FOLDER)?;
        files::ensure_folder(&place, PRIVATE_FOLDER)?;
        files::write_atomic(&place.join("server.pem"), key.plain_pem.expose(), PRIVATE)?;
        let chain = issued.bundle.chain_pem();
        files::write_atomic(&place.join("server.crt"), chain.as_bytes(), PUBLIC)?;
        self.renew_at = Some(two_thirds(&issued.certificate));
        let (chain, key) = read_identity(&place).ok_or(Refusal::CryptographyFailed {})?;
        let chain = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
        Ok(ServerIdentity { gate: self.name.clone(), chain, key })
    }
}

/// A gate's certificate with its intermediates, and its key in PKCS#8, as they lie in its folder.
fn read_identity(place: &std::path::Path) -> Option<(Vec<Certificate>, WireSecret)> {
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
