//! Issuing. A certificate is prepared, linted under a throwaway key, its intent recorded, signed,
//! recorded, and handed out; each step consumes the one before, so that nothing is signed twice and
//! nothing unrecorded is signed.

#![forbid(unsafe_code)]

mod bundle;
mod issuer;
mod lint;
mod prepare;
mod profile;
mod request;

pub use bundle::{Bundle, KeyMaterial, stem};
pub use issuer::Issuer;
pub use prepare::{prepare_root, skeleton_key};
pub use profile::{APPLE_LIMIT, AUTHORITY_DAYS, Period, beyond_apple_limit, check_issuer};
pub use request::{IssueRequest, KeySource, Purpose, Validity};

use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{Event, Ledger, Numbered};
use crate::pki::pkcs12::Encryption;
use crate::pki::{Certificate, Signer};
use crate::vault::OpenVault;
use lint::Linter;
use prepare::Prepared;

/// A certificate that was issued just now.
pub struct IssuedCertificate {
    /// Its number.
    pub number: u64,
    /// The certificate.
    pub certificate: Certificate,
    /// From when to when it is valid.
    pub period: Period,
    /// What is handed out.
    pub bundle: Bundle,
}

/// Issues certificates: all intents in one durable commit, all certificates in another. A request
/// that is refused does not keep the others from being served; each has its own outcome, in order.
///
/// # Errors
/// The ledger could not be written, or the issuer is not valid now; nothing was handed out then,
/// and what was intended is abandoned at the next start.
pub fn issue(
    ledger: &Ledger,
    vault: &OpenVault,
    issuer: &Issuer,
    requests: Vec<IssueRequest>,
    encryption: Encryption,
    now: Timestamp,
    actor: &str,
) -> Result<Vec<Result<IssuedCertificate, Refusal>>, Refusal> {
    check_issuer(issuer.certificate(), now)?;
    let key = vault.authority_key(issuer.number())?;
    let linter = Linter::new(key.algorithm())?;

    let mut transaction = ledger.begin(now, actor)?;
    let mut intents = Vec::with_capacity(requests.len());
    for request in requests {
        let number = transaction.next_number()?;
        intents.push(match Prepared::new(request, number, issuer, &linter, now) {
            Ok(prepared) => Ok(prepared.record_intent(&mut transaction)?),
            Err(refusal) => Err(refusal),
        });
    }
    transaction.commit()?;

    // Everything that can fail is done before the certificate is recorded as issued.
    let mut outcomes = Vec::with_capacity(intents.len());
    let mut transaction = ledger.begin(now, actor)?;
    for intent in intents {
        outcomes.push(match intent {
            Ok(intent) => {
                let number = intent.number();
                match intent.sign(key).and_then(|signed| signed.bundle(issuer, encryption)) {
                    Ok((signed, bundle)) => Ok(signed.record(&mut transaction, vault, bundle)?),
                    Err(refusal) => {
                        transaction.append(Event::Abandoned(Numbered { number }))?;
                        Err(refusal)
                    }
                }
            }
            Err(refusal) => Err(refusal),
        });
    }
    transaction.commit()?;
    Ok(outcomes)
}
