//! What the door shows of the ledger's records, and of what was issued.

use crate::ca::{self, IssuedCertificate};
use crate::door::WireSecret;
use crate::door::reply::{
    Bundle, CertificateView, Crl, Holder, Issued, KeyMaterial, KeyPlace, Kind, Revocation, State,
};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ground::secret::SecretBytes;
use crate::ledger::{self, Custody, Profile, Record};
use crate::pki::revocation_list::Reason;
use crate::pki::{Certificate, SerialNumber};
use crate::revocation::SignedCrl;
use crate::vault::Share;

/// A record, and its personal fields unless they are erased.
pub(super) fn certificate(
    record: &Record,
    holder: Option<ledger::Holder>,
) -> Result<CertificateView, Refusal> {
    let damaged = |_| Refusal::LedgerDamaged { reason: format!("record {}", record.number()) };
    Ok(CertificateView {
        number: record.number(),
        serial: SerialNumber::from_der_integer(record.serial()).map_err(damaged)?,
        kind: kind(record.profile()),
        state: match record.state() {
            ledger::State::Intended => State::Intended,
            ledger::State::Issued => State::Issued,
            ledger::State::Abandoned => State::Abandoned,
            ledger::State::Revoked => State::Revoked,
        },
        not_before: record.not_before(),
        not_after: record.not_after(),
        revocation: record.revocation().map(|mark| Revocation {
            at: Timestamp::from_unix(i64::try_from(mark.time).unwrap_or(i64::MAX)),
            reason: Reason::of_code(mark.reason),
        }),
        key: match record.custody() {
            Custody::Vault => KeyPlace::Vault,
            Custody::Escrowed if record.escrowed() => KeyPlace::Escrowed,
            Custody::Escrowed => KeyPlace::Forgotten,
            Custody::HandedOut => KeyPlace::HandedOut,
            Custody::Requester => KeyPlace::Requester,
        },
        renews: record.renews(),
        sha256: record.certificate_sha256(),
        holder: holder.map(|holder| Holder {
            hosts: holder
                .alternative_names
                .split(", ")
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            subject: holder.subject,
            common_name: holder.common_name,
            person: holder.person,
            device: holder.device,
            source: holder.source,
        }),
    })
}

/// The kind of a profile.
pub(super) fn kind(profile: Profile) -> Kind {
    match profile {
        Profile::Root => Kind::Root,
        Profile::Issuing => Kind::Issuing,
        Profile::Server => Kind::Server,
        Profile::Client => Kind::Client,
    }
}

/// What was issued.
pub(super) fn issued(issued: IssuedCertificate) -> Issued {
    Issued {
        number: issued.number,
        shortened: issued.period.shortened,
        bundle: bundle(issued.bundle),
    }
}

/// What is handed out.
pub(super) fn bundle(bundle: ca::Bundle) -> Bundle {
    let der = |certificate: &Certificate| certificate.der().to_vec();
    Bundle {
        stem: bundle.stem,
        chain: bundle.chain.iter().map(der).collect(),
        root: der(&bundle.root),
        key: bundle.key.map(|key| KeyMaterial {
            plain_pem: WireSecret::from(key.plain_pem),
            pkcs12: key.pkcs12,
            passphrase: WireSecret::from(SecretBytes::copy_of(key.passphrase.expose().as_bytes())),
        }),
    }
}

/// Shares, as people write them.
pub(super) fn shares(shares: Vec<Share>) -> Result<Vec<WireSecret>, Refusal> {
    let text = |share: &Share| {
        let text = share.text()?;
        Ok(WireSecret::from(SecretBytes::copy_of(text.expose().as_bytes())))
    };
    shares.iter().map(text).collect()
}

/// A CRL.
pub(super) fn crl(crl: SignedCrl) -> Crl {
    Crl {
        der: crl.der,
        number: crl.number,
        entries: u64::try_from(crl.entries).unwrap_or(u64::MAX),
        this_update: crl.this_update,
        next_update: crl.next_update,
    }
}
