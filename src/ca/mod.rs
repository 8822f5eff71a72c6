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
pub use issuer::{Issuer, authorities};
pub use prepare::{prepare_root, skeleton_key};
pub use profile::{APPLE_LIMIT, AUTHORITY_DAYS, Period, beyond_apple_limit, check_issuer};
pub use request::{IssueRequest, KeySource, Purpose, Validity};

use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{Event, Ledger, Numbered, State, Transaction};
use crate::pki::pkcs12::Encryption;
use crate::pki::{Certificate, Signer};
use crate::vault::OpenVault;
use lint::Linter;
use prepare::{Intent, Prepared};

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

/// Who signs, when, for whom, and into which ledger.
pub struct Signatory<'a> {
    /// Where it is recorded.
    pub ledger: &'a Ledger,
    /// Where the issuer's key lies.
    pub vault: &'a OpenVault,
    /// Who signs.
    pub issuer: &'a Issuer,
    /// How private keys are handed out.
    pub encryption: Encryption,
    /// When.
    pub now: Timestamp,
    /// Who asks.
    pub actor: &'a str,
}

impl Signatory<'_> {
    /// Issues certificates: all intents in one durable commit, all certificates in another. A request
    /// that is refused does not keep the others from being served; each has its own outcome, in order.
    ///
    /// # Errors
    /// The ledger could not be written, or the issuer is not valid now; nothing was handed out then,
    /// and what was intended is abandoned at the next start.
    pub fn issue(
        &self,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Result<IssuedCertificate, Refusal>>, Refusal> {
        let linter = self.linter()?;
        let mut transaction = self.ledger.begin(self.now, self.actor)?;
        let mut intents = Vec::with_capacity(requests.len());
        for request in requests {
            let number = transaction.next_number()?;
            let prepared = Prepared::new(request, None, number, self.issuer, &linter, self.now);
            intents.push(match prepared {
                Ok(prepared) => Ok(prepared.record_intent(&mut transaction)?),
                Err(refusal) => Err(refusal),
            });
        }
        transaction.commit()?;
        self.sign(intents)
    }

    /// Issues the follower of a certificate. The one before stays in force until it is revoked or
    /// ends: its holder comes in with it until the new one is installed, and one that gets lost on
    /// the way locks nobody out.
    ///
    /// # Errors
    /// As [`Self::issue`]; or the certificate is revoked or was never issued, or has a follower in
    /// force and none `again` was asked for.
    pub fn renew(
        &self,
        renewed: u64,
        request: IssueRequest,
        again: bool,
    ) -> Result<IssuedCertificate, Refusal> {
        let linter = self.linter()?;
        let mut transaction = self.ledger.begin(self.now, self.actor)?;
        self.check_renewable(&transaction, renewed, again)?;
        let number = transaction.next_number()?;
        let prepared =
            Prepared::new(request, Some(renewed), number, self.issuer, &linter, self.now)?;
        let intent = prepared.record_intent(&mut transaction)?;
        transaction.commit()?;
        self.sign(vec![Ok(intent)])?.pop().ok_or(Refusal::CryptographyFailed {})?
    }

    fn linter(&self) -> Result<Linter, Refusal> {
        check_issuer(self.issuer.certificate(), self.now)?;
        Linter::new(self.vault.authority_key(self.issuer.number())?.algorithm())
    }

    fn check_renewable(
        &self,
        transaction: &Transaction<'_>,
        renewed: u64,
        again: bool,
    ) -> Result<(), Refusal> {
        let number = || format!("{renewed:06}");
        let record = transaction.record(renewed)?;
        match record.map(|record| record.state()) {
            Some(State::Issued) => {}
            Some(State::Revoked) => return Err(Refusal::RenewsRevoked { number: number() }),
            Some(State::Intended | State::Abandoned) => {
                return Err(Refusal::NeverIssued { number: number() });
            }
            None => return Err(Refusal::UnknownNumber { number: number() }),
        }
        for follower in transaction.renewals(renewed)? {
            let in_force = transaction.record(follower)?.is_some_and(|record| {
                record.state() == State::Issued && self.now <= record.not_after()
            });
            if in_force && !again {
                let follower = format!("{follower:06}");
                return Err(Refusal::RenewedAlready { number: number(), follower });
            }
        }
        Ok(())
    }

    /// Signs what was intended. Everything that can fail is done before a certificate is recorded as
    /// issued.
    fn sign(
        &self,
        intents: Vec<Result<Intent, Refusal>>,
    ) -> Result<Vec<Result<IssuedCertificate, Refusal>>, Refusal> {
        let key = self.vault.authority_key(self.issuer.number())?;
        let mut outcomes = Vec::with_capacity(intents.len());
        let mut transaction = self.ledger.begin(self.now, self.actor)?;
        for intent in intents {
            outcomes.push(match intent {
                Ok(intent) => {
                    let number = intent.number();
                    let signed = intent.sign(key);
                    match signed.and_then(|signed| signed.bundle(self.issuer, self.encryption)) {
                        Ok((signed, bundle)) => {
                            Ok(signed.record(&mut transaction, self.vault, bundle)?)
                        }
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
}
