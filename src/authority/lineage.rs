//! One holder's certificates over the years: renewing, revoking all of them, and what ends soon.

use super::{Authority, CertificateView, Selector};
use crate::ca::{IssueRequest, IssuedCertificate, KeySource, Purpose, Validity};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::messages::Refusal;
use crate::ledger::{Digest, Profile, Record};
use crate::pki::DistinguishedName;
use crate::pki::pkcs12::Encryption;
use crate::pki::revocation_list::Reason;
use crate::pki::validity::notice_step;
use crate::revocation;

/// How a follower differs from the certificate it renews.
pub struct Renewal {
    /// Days it lasts; when absent, as long as the one before, at most to the issuer's end.
    pub days: Option<u32>,
    /// Where its key comes from.
    pub key: KeySource,
    /// Whether a certificate that has a follower in force may get another.
    pub again: bool,
    /// Where the asking came from.
    pub source: Option<String>,
    /// Names the asking, so that asking twice is found.
    pub request: Option<Digest>,
}

/// A certificate that ends soon, with no follower in force.
pub struct Ending {
    /// The certificate.
    pub certificate: CertificateView,
    /// The notice it has reached: 60, 30, 14, 7 or 1 days.
    pub step: u16,
}

impl Authority {
    /// Issues the follower of a certificate: the same subject, names, holder, device and purpose. The
    /// one before stays in force until it is revoked or ends, so that its holder is not locked out
    /// before the new one is installed. One that has ended can be renewed, too.
    ///
    /// # Errors
    /// As [`Self::issue`]; or it is revoked, was never issued, is renewed already, or is a
    /// certificate authority.
    pub fn renew(
        &self,
        selector: &Selector,
        renewal: Renewal,
        encryption: Encryption,
    ) -> Result<IssuedCertificate, Refusal> {
        self.require_reconciled()?;
        self.require_good_clock()?;
        let CertificateView { record, holder } = self.show(self.resolve(selector)?)?;
        let certificate = self.certificate(&record)?;
        let purpose = match record.profile() {
            Profile::Client => Purpose::Client,
            Profile::Server => Purpose::Server(certificate.subject_alternative_names().to_vec()),
            Profile::Root | Profile::Issuing => {
                let number = format!("{:06}", record.number());
                return Err(Refusal::AuthorityNotRenewable { number });
            }
        };
        let (person, device) = holder.map_or((None, None), |h| (h.person, h.device));
        let request = IssueRequest {
            subject: DistinguishedName::from_der(certificate.subject_der())?,
            purpose,
            validity: match renewal.days {
                Some(days) => Validity { days, shorten: false },
                None => Validity { days: days_of(&record), shorten: true },
            },
            key: renewal.key,
            person,
            device,
            source: renewal.source,
            request: renewal.request,
        };
        let issuer = self.issuer()?;
        self.signatory(&issuer, encryption)?.renew(record.number(), request, renewal.again)
    }

    /// Revokes a certificate with its whole lineage, all at once: what it renews, what renews it, and
    /// so on, branches too. Returns what was in force until now. It needs no open vault and no good
    /// clock.
    ///
    /// # Errors
    /// Unknown, a certificate authority, or nothing of the lineage is in force any more.
    pub fn revoke_lineage(
        &self,
        selector: &Selector,
        reason: Reason,
        invalidity: Option<Timestamp>,
    ) -> Result<Vec<CertificateView>, Refusal> {
        let number = self.resolve_lineage(selector)?;
        let (ledger, now, actor) = (&self.ledger, self.now, &self.actor);
        let records = revocation::revoke_lineage(ledger, number, reason, invalidity, now, actor)?;
        records.into_iter().map(|record| self.view(record)).collect()
    }

    /// The certificates that end within some days (60 at most), the first to end first, and that no
    /// certificate in force renews.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn ending_soon(
        &self,
        now: Timestamp,
        within_days: u16,
        limit: usize,
    ) -> Result<Vec<Ending>, Refusal> {
        let until = now.plus_days(i64::from(within_days)).plus_seconds(1);
        let mut endings = Vec::new();
        for number in self.ledger.reader()?.endings(now, until, limit)? {
            let certificate = self.show(number)?;
            if let Some(step) = notice_step(now, certificate.record.not_after()) {
                endings.push(Ending { certificate, step });
            }
        }
        Ok(endings)
    }

    /// As [`Self::resolve`], but a name that several certificates of one lineage have means that
    /// lineage: one that was renewed and its follower are in force side by side.
    fn resolve_lineage(&self, selector: &Selector) -> Result<u64, Refusal> {
        let refusal = match (self.resolve(selector), selector) {
            (Err(refusal @ Refusal::AmbiguousName { .. }), Selector::CommonName(name)) => {
                let mut oldest = Vec::new();
                for number in self.numbers_in_force(name)? {
                    oldest.push(self.oldest_of_lineage(number)?);
                }
                oldest.dedup();
                match oldest.as_slice() {
                    [number] => return Ok(*number),
                    _ => refusal,
                }
            }
            (resolved, _) => return resolved,
        };
        Err(refusal)
    }

    fn oldest_of_lineage(&self, number: u64) -> Result<u64, Refusal> {
        let reader = self.ledger.reader()?;
        let mut oldest = number;
        while let Some(renewed) = reader.record(oldest)?.and_then(|record| record.renews()) {
            oldest = renewed;
        }
        Ok(oldest)
    }
}

/// The days that were asked for; notBefore lies an hour before the asking.
fn days_of(record: &Record) -> u32 {
    let days = (record.not_after().unix() - record.not_before().unix()) / DAY;
    u32::try_from(days.max(1)).unwrap_or(u32::MAX)
}
