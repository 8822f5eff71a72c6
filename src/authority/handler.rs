//! Commands, carried out. This is the one place where the door's messages become deeds; what only a
//! running service can do is refused here, and done by [`super::service`].

use super::{Authority, Selector, lineage, orders, views};
use crate::door::Handler;
use crate::door::command::{self, Command, Handout, Order, Request, Secret};
use crate::door::reply::{CertificateView, Ending, Issued, Reply, RevocationReply};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::{Whole, sha256};
use crate::pki::CommonName;
use crate::pki::pkcs12::Encryption;
use crate::revocation::Merged;
use crate::vault::{ShareCounts, SlotSecret};

/// Certificates of one answer at most.
const PAGE: u32 = 1024;

/// Days before its end at which a certificate is first spoken of.
const WITHIN_DAYS: u16 = 60;

/// Digits that numbers are shown with.
const NUMBER_DIGITS: usize = 6;

impl Handler for Authority {
    fn handle(
        &mut self,
        request: Request,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Reply, Refusal> {
        match request.command {
            Command::Unseal { .. }
            | Command::Seal
            | Command::Status
            | Command::Repairs
            | Command::Connections => Err(Refusal::ServiceNotRunning {}),
            Command::Issue { orders, handout } => {
                self.issue_orders(orders, handout, request.idempotency).map(Reply::Issued)
            }
            Command::Renew { which, renewal, handout } => {
                let selector = self.selector(&which)?;
                let renewal = self.renewal(renewal, request.idempotency)?;
                let issued = self.renew(&selector, renewal, encryption(handout))?;
                Ok(Reply::Renewed(views::issued(issued)))
            }
            Command::Revoke { which, reason, since, lineage } => {
                let selector = self.selector(&which)?;
                let revoked = if lineage {
                    self.revoke_lineage(&selector, reason, since)?
                } else {
                    vec![self.revoke(&selector, reason, since)?]
                };
                let revoked = revoked.into_iter().map(shown).collect::<Result<_, _>>()?;
                Ok(Reply::Revoked(RevocationReply { revoked, cuts: Vec::new(), crl: None }))
            }
            Command::SignCrl { days } => Ok(Reply::Crl(views::crl(self.sign_crl(days)?))),
            Command::Export { which, handout } => {
                let bundle = self.export(&self.selector(&which)?, encryption(handout))?;
                Ok(Reply::Exported(views::bundle(bundle)))
            }
            Command::ForgetKey { which } => {
                shown(self.forget_key(&self.selector(&which)?)?).map(Reply::Certificate)
            }
            Command::List { first, limit } => {
                let limit = usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX);
                let views = self.list(first, limit)?.into_iter().map(shown);
                Ok(Reply::Certificates(views.collect::<Result<_, _>>()?))
            }
            Command::Show { which } => {
                let number = self.resolve(&self.selector(&which)?)?;
                shown(self.show(number)?).map(Reply::Certificate)
            }
            Command::LookAlikes { name } => {
                let found = self.look_alikes(&CommonName::parse(&name)?)?.into_iter().map(shown);
                Ok(Reply::Certificates(found.collect::<Result<_, _>>()?))
            }
            Command::IssuedFor { request } => Ok(Reply::Number(self.issued_for(&request)?)),
            Command::Verify => {
                let of = self.entries()?;
                let verified = self.verify(|done| progress(done, of))?;
                let Whole { entries, certificates } = verified;
                Ok(Reply::Verified { entries, certificates })
            }
            Command::ChangeSlots { proof, secrets, keep_data_key } => {
                self.with_proof(proof, |authority| {
                    let secrets = secrets.into_iter().map(orders::slot_secret);
                    authority.change_slots(secrets.collect::<Result<_, _>>()?, keep_data_key)
                })?;
                Ok(Reply::Done)
            }
            Command::MakeShares { proof, threshold, shares } => {
                let counts = ShareCounts { threshold, shares };
                self.with_proof(proof, |authority| authority.make_shares(counts))
                    .and_then(views::shares)
                    .map(Reply::Shares)
            }
            Command::RemoveShares { proof } => {
                self.with_proof(proof, Self::remove_shares).map(|()| Reply::Done)
            }
            Command::ConfirmClock => self.confirm_clock().map(|()| Reply::Done),
            Command::BeginBackup => self.begin_backup().map(Reply::BackupPart),
            Command::ContinueBackup { backup, part } => {
                self.continue_backup(backup, part).map(Reply::BackupPart)
            }
            Command::FinishBackup { backup } => self.finish_backup(backup).map(|()| Reply::Done),
            Command::Restoration => self.restoration().map(Reply::Restoration),
            Command::Reconcile { list } => {
                let Merged { revoked, lost, number } = self.reconcile(list.as_deref())?;
                Ok(Reply::Reconciled { revoked, lost, merged: number })
            }
            Command::ExportAnchor => self.export_anchor().map(Reply::Anchor),
            Command::CheckAnchor { anchor } => self.check_anchor(&anchor).map(Reply::AnchorChecked),
        }
    }
}

impl Authority {
    /// An order that names no asking of its own is known by the request's key, so that asking again
    /// after a lost answer issues nothing a second time.
    fn issue_orders(
        &self,
        orders: Vec<Order>,
        handout: Handout,
        key: [u8; 16],
    ) -> Result<Vec<Result<Issued, Refusal>>, Refusal> {
        let mut outcomes: Vec<Option<Result<Issued, Refusal>>> = Vec::with_capacity(orders.len());
        let mut requests = Vec::with_capacity(orders.len());
        for (place, mut order) in orders.into_iter().enumerate() {
            let mut again = None;
            if order.request.is_none() {
                let asking = sha256(&[key.as_slice(), &place.to_be_bytes()].concat());
                again = self.issued_for(&asking)?;
                order.request = Some(asking);
            }
            let checked = match again {
                Some(number) => Err(Refusal::AlreadyAsked { number: format!("{number:06}") }),
                None => orders::check(order),
            };
            outcomes.push(checked.map(|request| requests.push(request)).err().map(Err));
        }
        let mut issued = self.issue(requests, encryption(handout))?.into_iter();
        let filled = outcomes.into_iter().map(|refused| {
            refused.or_else(|| issued.next().map(|outcome| outcome.map(views::issued)))
        });
        Ok(filled.flatten().collect())
    }

    /// Does something with the vault for whoever can open it, whether it is open or not; afterwards it
    /// is as it was.
    fn with_proof<T>(
        &mut self,
        proof: Secret,
        act: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let was_unsealed = self.is_unsealed();
        let opened = orders::slot_secret(proof).and_then(|proof| self.unlock(&proof));
        let done = opened.and_then(|()| act(self));
        if !was_unsealed {
            self.seal();
        }
        done
    }

    fn change_slots(
        &mut self,
        secrets: Vec<SlotSecret>,
        keep_data_key: bool,
    ) -> Result<(), Refusal> {
        if keep_data_key {
            self.replace_slots_keeping_data_key(&secrets)
        } else {
            self.replace_slots(&secrets)
        }
    }

    fn renewal(
        &self,
        renewal: command::Renewal,
        key: [u8; 16],
    ) -> Result<lineage::Renewal, Refusal> {
        let asking = sha256(&key);
        if let Some(number) = self.issued_for(&asking)? {
            return Err(Refusal::AlreadyAsked { number: format!("{number:06}") });
        }
        Ok(lineage::Renewal {
            days: renewal.days,
            key: orders::key_source(renewal.key)?,
            again: renewal.again,
            source: renewal.source,
            request: Some(asking),
        })
    }

    /// What ends within 60 days.
    pub(super) fn endings(&self, limit: usize) -> Result<Vec<Ending>, Refusal> {
        let endings = self.ending_soon(self.now, WITHIN_DAYS, limit)?.into_iter();
        let shown = endings.map(|ending| Ending {
            number: ending.certificate.record.number(),
            common_name: ending.certificate.holder.map(|holder| holder.common_name),
            kind: views::kind(ending.certificate.record.profile()),
            not_after: ending.certificate.record.not_after(),
            step: ending.step,
        });
        Ok(shown.collect())
    }

    /// Which certificate a person or a program means. In text, few digits that are a number and a
    /// name at once are refused; six digits are always a number.
    fn selector(&self, which: &command::Selector) -> Result<Selector, Refusal> {
        let text = match which {
            command::Selector::Number(number) => return Ok(Selector::Number(*number)),
            command::Selector::CommonName(name) => return Ok(Selector::CommonName(name.clone())),
            command::Selector::Text(text) => text,
        };
        let name = Selector::CommonName(text.clone());
        let Ok(number) = text.parse() else { return Ok(name) };
        match self.resolve(&name) {
            Ok(named) if text.len() < NUMBER_DIGITS && named != number => {
                Err(Refusal::NumberOrName {
                    text: Untrusted(text).to_string(),
                    number: format!("{number:06}"),
                    named: format!("{named:06}"),
                })
            }
            Err(refusal @ Refusal::AmbiguousName { .. }) if text.len() < NUMBER_DIGITS => {
                Err(refusal)
            }
            _ => Ok(Selector::Number(number)),
        }
    }
}

/// How PKCS#12 files are encrypted.
fn encryption(handout: Handout) -> Encryption {
    match handout {
        Handout::Modern | Handout::Manual => Encryption::Modern,
        Handout::Legacy => Encryption::Legacy,
    }
}

fn shown(view: super::CertificateView) -> Result<CertificateView, Refusal> {
    views::certificate(&view.record, view.holder)
}
