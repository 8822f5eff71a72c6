//! Commands, carried out. This is the one place where the door's messages become deeds; what only a
//! running service can do is refused here, and done by [`super::service`].

use super::{Authority, Renewal, Selector, orders, views};
use crate::door::Handler;
use crate::door::command::{self, Command, Handout, Order, Request};
use crate::door::reply::{CertificateView, Ending, Issued, Reply, RevocationReply};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::sha256;
use crate::pki::CommonName;
use crate::pki::pkcs12::Encryption;
use crate::pki::validity::NOTICE_STEPS;

/// Certificates of one answer at most.
const PAGE: u32 = 1024;

/// Digits that numbers are shown with.
const NUMBER_DIGITS: usize = 6;

impl Handler for Authority {
    fn handle(
        &mut self,
        request: Request,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Reply, Refusal> {
        match request.command {
            Command::Unseal { .. } | Command::Seal | Command::Status | Command::Connections => {
                Err(Refusal::ServiceNotRunning {})
            }
            Command::Issue { orders, handout } => {
                self.issue_orders(orders, handout, request.idempotency).map(Reply::Issued)
            }
            Command::Renew { which, renewal, handout } => {
                self.renew_as_ordered(&which, renewal, handout, request.idempotency)
            }
            Command::Revoke { which, reason, since, lineage } => {
                let views = if lineage {
                    self.revoke_lineage(&self.lineage_of(&which)?, reason, since)?
                } else {
                    let number = self.number_of(&which)?;
                    vec![self.revoke(&Selector::Number(number), reason, since)?]
                };
                let revoked = views.into_iter().map(shown).collect::<Result<_, _>>()?;
                Ok(Reply::Revoked(RevocationReply { revoked, cuts: Vec::new(), crl: None }))
            }
            Command::SignCrl { days } => Ok(Reply::Crl(views::crl(self.sign_crl(days)?))),
            Command::Export { which, handout } => {
                let number = self.number_of(&which)?;
                let bundle = self.export(&Selector::Number(number), encryption(handout))?;
                Ok(Reply::Exported(views::bundle(bundle)))
            }
            Command::ForgetKey { which } => {
                let number = self.number_of(&which)?;
                shown(self.forget_key(&Selector::Number(number))?).map(Reply::Certificate)
            }
            Command::List { first, limit } => {
                let limit = usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX);
                let views = self.list(first, limit)?.into_iter().map(shown);
                Ok(Reply::Certificates(views.collect::<Result<_, _>>()?))
            }
            Command::Show { which } => {
                shown(self.show(self.number_of(&which)?)?).map(Reply::Certificate)
            }
            Command::LookAlikes { name } => {
                let found = self.look_alikes(&CommonName::parse(&name)?)?.into_iter().map(shown);
                Ok(Reply::Certificates(found.collect::<Result<_, _>>()?))
            }
            Command::IssuedFor { request } => Ok(Reply::Number(self.issued_for(&request)?)),
            Command::EndingSoon { limit } => Ok(Reply::EndingSoon(self.endings(limit)?)),
            Command::Verify => {
                let of = self.entries()?;
                let verified = self.verify(|done| progress(done, of))?;
                let (entries, certificates) = (verified.entries, verified.certificates);
                Ok(Reply::Verified { entries, certificates })
            }
            Command::ChangeSlots { proof, secrets, keep_data_key } => {
                self.unlock(&orders::slot_secret(proof)?)?;
                let secrets: Vec<_> =
                    secrets.into_iter().map(orders::slot_secret).collect::<Result<_, _>>()?;
                if keep_data_key {
                    let old: Vec<u64> = self.slots()?.iter().map(|slot| slot.id).collect();
                    for secret in &secrets {
                        self.add_slot(secret)?;
                    }
                    self.remove_slots_keeping_data_key(&old)?;
                } else {
                    self.replace_slots(&secrets)?;
                }
                Ok(Reply::Done)
            }
            Command::ConfirmClock => self.confirm_clock().map(|()| Reply::Done),
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

    fn renew_as_ordered(
        &self,
        which: &command::Selector,
        renewal: command::Renewal,
        handout: Handout,
        key: [u8; 16],
    ) -> Result<Reply, Refusal> {
        let asking = sha256(&key);
        if let Some(number) = self.issued_for(&asking)? {
            return Err(Refusal::AlreadyAsked { number: format!("{number:06}") });
        }
        let renewal = Renewal {
            days: renewal.days,
            key: orders::key_source(renewal.key)?,
            again: renewal.again,
            source: renewal.source,
            request: Some(asking),
        };
        let number = self.number_of(which)?;
        let issued = self.renew(&Selector::Number(number), renewal, encryption(handout))?;
        Ok(Reply::Renewed(views::issued(issued)))
    }

    /// The certificates that end within 60 days, the first ones.
    pub(super) fn endings(&self, limit: u32) -> Result<Vec<Ending>, Refusal> {
        let limit = usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX);
        let [.., longest] = NOTICE_STEPS;
        let endings = self.ending_soon(self.now, longest, limit)?.into_iter();
        Ok(endings.map(views::ending).collect())
    }

    /// The lineage a selector means: a certificate that was renewed and its follower have one name.
    fn lineage_of(&self, which: &command::Selector) -> Result<Selector, Refusal> {
        match (self.number_of(which), which) {
            (
                Err(Refusal::AmbiguousName { .. }),
                command::Selector::CommonName(name) | command::Selector::Text(name),
            ) => Ok(Selector::CommonName(name.clone())),
            (number, _) => Ok(Selector::Number(number?)),
        }
    }

    /// The number a selector means.
    fn number_of(&self, which: &command::Selector) -> Result<u64, Refusal> {
        match which {
            command::Selector::Number(number) => Ok(*number),
            command::Selector::CommonName(name) => {
                self.resolve(&Selector::CommonName(name.clone()))
            }
            command::Selector::Text(text) => self.number_of_text(text),
        }
    }

    /// A certificate as a person names it: by number, or by common name. Few digits that are a
    /// number and a name at once are refused; six digits are always a number.
    fn number_of_text(&self, text: &str) -> Result<u64, Refusal> {
        let named = self.resolve(&Selector::CommonName(text.to_owned()));
        let Ok(number) = text.parse() else { return named };
        match named {
            Ok(named) if text.len() < NUMBER_DIGITS && named != number => {
                Err(Refusal::NumberOrName {
                    text: Untrusted(text).to_string(),
                    number: format!("{number:06}"),
                    named: format!("{named:06}"),
                })
            }
            _ => Ok(number),
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
