//! From a request to a certificate, one step at a time. Each step consumes the one before.

use super::IssuedCertificate;
use super::bundle::{Bundle, stem};
use super::issuer::Issuer;
use super::lint::{self, Linter};
use super::profile::{self, Period};
use super::request::{IssueRequest, KeySource, Purpose};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{
    self, Custody, Digest, Event, Holder, Intended, Issued, Transaction, octets, sha256,
};
use crate::pki::issue::{self, Template, ToBeSigned};
use crate::pki::pkcs12::Encryption;
use crate::pki::{
    Certificate, CommonName, DistinguishedName, PrivateKey, SerialNumber, Signer,
    SubjectAlternativeName,
};
use crate::vault::OpenVault;

/// Checked and linted bytes that no key of ours has touched yet.
pub struct Prepared {
    number: u64,
    to_be_signed: ToBeSigned,
    period: Period,
    intended: Intended,
    holder: Holder,
    names: [String; 2],
    /// The new private key, and whether a sealed copy is kept; none for a holder's own key.
    key: Option<(PrivateKey, bool)>,
}

/// Prepared, and its intent recorded; it may be signed once.
pub struct Intent {
    number: u64,
    to_be_signed: ToBeSigned,
    period: Period,
    key: Option<(PrivateKey, bool)>,
}

/// Signed, and not recorded yet.
pub struct Signed {
    number: u64,
    certificate: Certificate,
    period: Period,
    key: Option<(PrivateKey, bool)>,
}

/// Prepares the certificate of a certificate authority that signs itself. Its number is 1.
///
/// # Errors
/// Days out of range, or the cryptographic library failed.
pub fn prepare_root(
    subject: DistinguishedName,
    key: &PrivateKey,
    days: u32,
    now: Timestamp,
) -> Result<Prepared, Refusal> {
    let period = profile::root_period(days, now)?;
    let number = 1;
    let serial = SerialNumber::generate(number).map_err(|_| Refusal::CryptographyFailed {})?;
    let to_be_signed = ToBeSigned::root(&Template {
        serial,
        subject: &subject,
        not_before: period.not_before,
        not_after: period.not_after,
        subject_public_key_info: key.subject_public_key_info(),
    })?;
    let about = About {
        number,
        serial,
        issuer: number,
        profile: ledger::Profile::Root,
        custody: Custody::Vault,
        public_key: key.subject_public_key_info(),
        renews: None,
        request: None,
    };
    let holder = holder_of(&subject, String::new())?;
    lint::check_root(&Linter::new(key.algorithm())?, &to_be_signed)?;
    Prepared::assemble(&about, to_be_signed, period, holder, subject.common_name(), None)
}

impl Prepared {
    /// Prepares and lints a certificate under an issuer; it may be the follower of another.
    pub(super) fn new(
        request: IssueRequest,
        renews: Option<u64>,
        number: u64,
        issuer: &Issuer,
        linter: &Linter,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let period = profile::period(issuer.certificate(), request.validity, now)?;
        let serial = SerialNumber::generate(number).map_err(|_| Refusal::CryptographyFailed {})?;
        let (key, public_key, custody) = match request.key {
            KeySource::Generate { algorithm, escrow } => {
                let key =
                    PrivateKey::generate(algorithm).map_err(|_| Refusal::CryptographyFailed {})?;
                let public_key = key.subject_public_key_info().to_vec();
                let custody = if escrow { Custody::Escrowed } else { Custody::HandedOut };
                (Some((key, escrow)), public_key, custody)
            }
            KeySource::Requested(asked) => {
                (None, asked.subject_public_key_info().to_vec(), Custody::Requester)
            }
        };
        let (profile, recorded, alternative_names) = match &request.purpose {
            Purpose::Server(names) => {
                (issue::Profile::Server { names }, ledger::Profile::Server, joined(names))
            }
            Purpose::Client => (issue::Profile::Client, ledger::Profile::Client, String::new()),
        };
        let template = Template {
            serial,
            subject: &request.subject,
            not_before: period.not_before,
            not_after: period.not_after,
            subject_public_key_info: &public_key,
        };
        let to_be_signed = ToBeSigned::issued_by(&template, &profile, issuer.certificate())?;
        lint::check_leaf(linter, &to_be_signed, &template, &request.purpose, issuer.certificate())?;
        let mut holder = holder_of(&request.subject, alternative_names)?;
        holder.person = request.person;
        holder.device = request.device;
        holder.source = request.source;
        let about = About {
            number,
            serial,
            issuer: issuer.number(),
            profile: recorded,
            custody,
            public_key: &public_key,
            renews,
            request: request.request,
        };
        let common_name = request.subject.common_name();
        Self::assemble(&about, to_be_signed, period, holder, common_name, key)
    }

    /// The certificate's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Records what is about to be signed.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub fn record_intent(self, transaction: &mut Transaction<'_>) -> Result<Intent, Refusal> {
        transaction.append(Event::Intended(self.intended))?;
        let [name, skeleton] = &self.names;
        transaction.put_holder(self.number, &self.holder, &[name, skeleton])?;
        let Self { number, to_be_signed, period, key, .. } = self;
        Ok(Intent { number, to_be_signed, period, key })
    }

    fn assemble(
        about: &About<'_>,
        to_be_signed: ToBeSigned,
        period: Period,
        holder: Holder,
        common_name: &CommonName,
        key: Option<(PrivateKey, bool)>,
    ) -> Result<Self, Refusal> {
        let intended = Intended {
            number: about.number,
            serial: octets(about.serial.as_bytes())?,
            issuer: about.issuer,
            profile: about.profile,
            profile_version: profile::VERSION,
            not_before: period.not_before.unix_unsigned(),
            not_after: period.not_after.unix_unsigned(),
            key_sha256: octets(&sha256(about.public_key))?,
            to_be_signed_sha256: octets(&to_be_signed.sha256())?,
            custody: about.custody,
            holder_sha256: octets(&holder.sha256()?)?,
            renews: about.renews,
            audience: None,
            request: about.request.map(|digest| octets(&digest)).transpose()?,
        };
        let names = [common_name.as_str().to_owned(), skeleton_key(common_name)];
        Ok(Self { number: about.number, to_be_signed, period, intended, holder, names, key })
    }
}

impl Intent {
    /// The certificate's number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Signs with the issuer's key.
    ///
    /// # Errors
    /// The key is not the issuer's, or the cryptographic library failed.
    pub fn sign(self, signer: &dyn Signer) -> Result<Signed, Refusal> {
        let Self { number, to_be_signed, period, key } = self;
        Ok(Signed { number, certificate: to_be_signed.sign(signer)?, period, key })
    }
}

impl Signed {
    /// Builds what is handed out, before the certificate counts as issued.
    pub(super) fn bundle(
        self,
        issuer: &Issuer,
        encryption: Encryption,
    ) -> Result<(Self, Bundle), Refusal> {
        let stem = stem(self.number, self.certificate.subject_der());
        let chain = issuer.chain_of(&self.certificate);
        let root = issuer.root().clone();
        let bundle = match &self.key {
            Some((key, _)) => Bundle::with_key(stem, chain, root, key, encryption)?,
            None => Bundle { stem, chain, root, key: None },
        };
        Ok((self, bundle))
    }

    /// Records that it is issued, and keeps a sealed copy of the key where that was asked for.
    pub(super) fn record(
        self,
        transaction: &mut Transaction<'_>,
        vault: &OpenVault,
        bundle: Bundle,
    ) -> Result<IssuedCertificate, Refusal> {
        if let Some((key, true)) = &self.key {
            let pkcs8 = key.pkcs8().map_err(|_| Refusal::CryptographyFailed {})?;
            let sealed = vault.seal_escrow(self.number, &pkcs8)?;
            transaction.put_sealed_key(self.number, &sealed);
        }
        self.record_certificate(transaction)?;
        let Self { number, certificate, period, .. } = self;
        Ok(IssuedCertificate { number, certificate, period, bundle })
    }

    /// Records a root, whose key lies in the vault.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub fn record_root(self, transaction: &mut Transaction<'_>) -> Result<(), Refusal> {
        self.record_certificate(transaction)
    }

    fn record_certificate(&self, transaction: &mut Transaction<'_>) -> Result<(), Refusal> {
        let sha256 = octets(&self.certificate.sha256())?;
        transaction.append(Event::Issued(Issued { number: self.number, sha256 }))?;
        transaction.put_certificate(self.number, self.certificate.der());
        Ok(())
    }
}

/// The key under which a name's look-alikes are found. No name begins with its first character.
#[must_use]
pub fn skeleton_key(name: &CommonName) -> String {
    format!("\u{0}{}", name.skeleton())
}

/// What is recorded of a certificate besides its bytes.
struct About<'a> {
    number: u64,
    serial: SerialNumber,
    issuer: u64,
    profile: ledger::Profile,
    custody: Custody,
    public_key: &'a [u8],
    renews: Option<u64>,
    request: Option<Digest>,
}

fn holder_of(subject: &DistinguishedName, alternative_names: String) -> Result<Holder, Refusal> {
    let common_name = subject.common_name().as_str().to_owned();
    Ok(Holder::new(subject.to_string(), common_name, alternative_names)?)
}

/// The names whole: what is shown to people cuts long ones.
fn joined(names: &[SubjectAlternativeName]) -> String {
    let text = |name: &SubjectAlternativeName| match name {
        SubjectAlternativeName::Dns(host) => host.clone(),
        SubjectAlternativeName::Address(address) => address.to_string(),
    };
    names.iter().map(text).collect::<Vec<_>>().join(", ")
}
