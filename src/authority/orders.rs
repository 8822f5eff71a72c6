//! From orders, which are plain text and octets from whoever asks, to checked requests.

use crate::ca::{self, IssueRequest, KeySource, Validity};
use crate::door::command::{Key, Order, Purpose, Secret, Subject};
use crate::ground::messages::Refusal;
use crate::ground::secret::Passphrase;
use crate::ground::untrusted::Untrusted;
use crate::pki::{
    CertificateRequest, CommonName, DistinguishedName, KeyAlgorithm, SubjectAlternativeName,
};
use crate::vault::{MOST_SHARES, Share, SlotSecret};

/// Checks an order. A front may do so before it asks for a passphrase.
///
/// # Errors
/// A name, host, algorithm or request that is not one we take.
pub fn check(order: Order) -> Result<IssueRequest, Refusal> {
    let purpose = match order.purpose {
        Purpose::Client => ca::Purpose::Client,
        Purpose::Server { hosts } => ca::Purpose::Server(
            hosts.iter().map(|host| alternative_name(host)).collect::<Result<_, _>>()?,
        ),
    };
    Ok(IssueRequest {
        subject: subject(&order.subject)?,
        purpose,
        validity: Validity { days: order.days, shorten: order.shorten },
        key: key_source(order.key)?,
        person: order.person,
        device: order.device,
        source: order.source,
        request: order.request,
    })
}

/// Checks where a key is to come from.
///
/// # Errors
/// An algorithm or request that is not one we take.
pub(super) fn key_source(key: Key) -> Result<KeySource, Refusal> {
    Ok(match key {
        Key::Generate { algorithm: name, escrow } => {
            KeySource::Generate { algorithm: algorithm(&name)?, escrow }
        }
        Key::Requested { request } => {
            KeySource::Requested(Box::new(CertificateRequest::read(&request)?))
        }
    })
}

/// A subject from its parts.
///
/// # Errors
/// A part that no name may have.
pub fn subject(parts: &Subject) -> Result<DistinguishedName, Refusal> {
    let mut subject = DistinguishedName::new(CommonName::parse(&parts.common_name)?)
        .with_country(&parts.country)?
        .with_organization(&parts.organization)?;
    if let Some(unit) = &parts.unit {
        subject = subject.with_organizational_unit(unit)?;
    }
    Ok(subject)
}

/// A key algorithm by its name.
///
/// # Errors
/// `UnknownAlgorithm`.
pub fn algorithm(name: &str) -> Result<KeyAlgorithm, Refusal> {
    KeyAlgorithm::parse(name).ok_or_else(|| Refusal::UnknownAlgorithm {
        name: Untrusted(name).to_string(),
        known: KeyAlgorithm::ALL.map(KeyAlgorithm::name).join(", "),
    })
}

/// The slot secret in a message.
///
/// # Errors
/// `PassphraseNotText`, `ShareMistyped`.
pub(super) fn slot_secret(secret: Secret) -> Result<SlotSecret, Refusal> {
    let text = |bytes: crate::door::WireSecret| {
        Passphrase::from_bytes(bytes.get()).ok_or(Refusal::PassphraseNotText {})
    };
    Ok(match secret {
        Secret::Passphrase(bytes) => SlotSecret::Passphrase(text(bytes)?),
        Secret::RecoveryCode(bytes) => SlotSecret::RecoveryCode(text(bytes)?),
        Secret::KeyFile(bytes) => SlotSecret::KeyFile(bytes.into_inner()),
        Secret::Shares(typed) => {
            // More than a set can have were never made.
            let typed = typed.into_iter().take(MOST_SHARES.into());
            let shares = typed.map(|bytes| Ok::<_, Refusal>(Share::parse(&text(bytes)?)?));
            SlotSecret::Shares(shares.collect::<Result<_, _>>()?)
        }
    })
}

/// A host name, or an IP address.
pub(super) fn alternative_name(host: &str) -> Result<SubjectAlternativeName, Refusal> {
    if let Ok(address) = SubjectAlternativeName::parse_address(host) {
        return Ok(address);
    }
    Ok(SubjectAlternativeName::parse_dns(host)?)
}
