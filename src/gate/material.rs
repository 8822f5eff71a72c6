//! The server certificate and the trust anchors of a gate, read from files and checked, at the start
//! and again on every reload; and the server certificate as the authority sends it.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::delivery::Delivery;
use super::host::HostNames;
use super::settings::{ServerSource, Settings, TrustSource};
use crate::admission::{TrustAnchorError, TrustAnchors};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::files::{FileError, FileProblem};
use crate::ground::messages::Refusal;
use crate::ground::secret::SecretBytes;
use crate::ground::untrusted::Untrusted;
use crate::pki::key::KeyError;
use crate::pki::name::slash_text_of_der;
use crate::pki::{Certificate, pkcs8};

/// Days before its end that a certificate is warned about.
const WARNING_DAYS: i64 = 30;

/// What the gate shows visitors: certificate, key, and the names they prove.
#[derive(Debug)]
pub(super) struct ServerIdentity {
    key: Arc<CertifiedKey>,
    pub(super) names: HostNames,
    certificate: Certificate,
}

impl ServerIdentity {
    /// A chain and its PKCS#8 key as the authority sends them; `None` when they do not fit together
    /// or are no server's.
    pub(super) fn of_authority(chain: &[Vec<u8>], key: &SecretBytes) -> Option<Self> {
        let certificate = Certificate::from_der(chain.first()?).ok()?;
        let key = PrivatePkcs8KeyDer::from(key.expose()).into();
        let key = any_supported_type(&key).ok()?;
        let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = CertifiedKey::new(chain, key);
        let fits = key.keys_match().is_ok() && certificate.allows_server_auth();
        let names = HostNames::of(&certificate);
        fits.then(|| Self { key: Arc::new(key), names, certificate })
    }

    /// The last second it is valid.
    pub(super) fn not_after(&self) -> Timestamp {
        self.certificate.not_after()
    }

    pub(super) fn resolver(self: Arc<Self>) -> Arc<dyn ResolvesServerCert> {
        self
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key))
    }
}

/// What there is in files of a server certificate and of trust anchors; the rest comes from the
/// authority.
pub(super) struct Material {
    pub(super) server: Option<Arc<ServerIdentity>>,
    pub(super) anchors: Option<Arc<TrustAnchors>>,
}

impl Material {
    /// Checks the files, and says of each in the log whether it is there, in the words and the order
    /// of the WebORCA log.
    pub(super) fn read(settings: &Settings, files: &Delivery) -> Result<Self, Refusal> {
        announce(settings, files)?;
        let anchors = match &settings.trust {
            TrustSource::Files { authorities, .. } => {
                Some(Arc::new(read_anchors(authorities, files)?))
            }
            TrustSource::Authority => None,
        };
        let server = match &settings.server {
            ServerSource::Files { certificate, key } => {
                Some(Arc::new(read_server(certificate, key, files)?))
            }
            ServerSource::Authority { .. } => None,
        };
        Ok(Self { server, anchors })
    }

    /// Warns of certificates that end within 30 days, or have ended, in the words of the WebORCA log.
    pub(super) fn warn_of_expiry(&self, now: Timestamp) {
        let anchors = self.anchors.iter().flat_map(|anchors| anchors.certificates());
        let server = self.server.iter().map(|server| &server.certificate);
        for certificate in anchors.chain(server) {
            let seconds = certificate.not_after().unix() - now.unix();
            let days = seconds.div_euclid(DAY);
            if days < WARNING_DAYS {
                tracing::warn!(
                    target: super::WEBORCA,
                    "The certificate({}) will be expired in {days} days.#012Please update the certificate.",
                    Untrusted(&slash_text_of_der(certificate.subject_der())),
                );
            }
        }
    }
}

fn announce(settings: &Settings, files: &Delivery) -> Result<(), Refusal> {
    let mut named = Vec::new();
    if let TrustSource::Files { authorities, .. } = &settings.trust {
        named.push(("CA_CRT", authorities));
    }
    if let ServerSource::Files { certificate, key } = &settings.server {
        named.extend([("SERVER_CRT", certificate), ("SERVER_PEM", key)]);
    }
    let mut missing = None;
    for (name, path) in named {
        if files.exists(path) {
            tracing::info!(target: super::WEBORCA, "{name} ...file exists");
        } else {
            tracing::error!(target: super::WEBORCA, "{name} ...file does not exist");
            missing = missing.or(Some(path));
        }
    }
    match missing {
        None => Ok(()),
        Some(path) => Err(FileError { path: path.clone(), problem: FileProblem::Missing }.into()),
    }
}

fn read_anchors(path: &Path, files: &Delivery) -> Result<TrustAnchors, Refusal> {
    let shown = || Untrusted(&path.to_string_lossy()).to_string();
    let bytes = files.read(path)?.expose();
    let certificates = Certificate::chain_from_pem(bytes)
        .map_err(|_| Refusal::AuthorityFileUnreadable { path: shown() })?;
    TrustAnchors::new(certificates).map_err(|error| match error {
        TrustAnchorError::Empty => Refusal::AuthorityFileUnreadable { path: shown() },
        TrustAnchorError::NotAnAuthority { position } => {
            Refusal::NotAnAuthority { path: shown(), position: position.to_string() }
        }
        TrustAnchorError::Unsupported { position } => {
            Refusal::AuthorityUnsupported { path: shown(), position: position.to_string() }
        }
    })
}

fn read_server(path: &Path, key_path: &Path, files: &Delivery) -> Result<ServerIdentity, Refusal> {
    let shown = || Untrusted(&path.to_string_lossy()).to_string();
    let bytes = files.read(path)?.expose();
    let chain = Certificate::chain_from_pem(bytes)
        .map_err(|_| Refusal::ServerCertificateUnreadable { path: shown() })?;
    let Some(certificate) = chain.first().cloned() else {
        return Err(Refusal::ServerCertificateUnreadable { path: shown() });
    };
    if !certificate.allows_server_auth() {
        return Err(Refusal::NotForServers { path: shown() });
    }
    let key = read_server_key(key_path, files)?;
    let chain = chain.iter().map(|c| CertificateDer::from(c.der().to_vec())).collect();
    let key = CertifiedKey::new(chain, key);
    key.keys_match().map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Refusal::ServerKeyMismatch {
            key: Untrusted(&key_path.to_string_lossy()).to_string(),
            certificate: shown(),
        },
        _ => Refusal::ServerCertificateUnreadable { path: shown() },
    })?;
    let names = HostNames::of(&certificate);
    Ok(ServerIdentity { key: Arc::new(key), names, certificate })
}

fn read_server_key(path: &Path, files: &Delivery) -> Result<Arc<dyn SigningKey>, Refusal> {
    let name = path.to_string_lossy();
    read_signing_key(path, files).map_err(|problem| match problem {
        KeyProblem::File(error) => error.into(),
        KeyProblem::Unreadable => {
            Refusal::ServerKeyUnreadable { path: Untrusted(&name).to_string() }
        }
        KeyProblem::Encrypted => {
            tracing::error!(target: super::WEBORCA, "PASSWORD input was canceled");
            let plain =
                name.strip_suffix(".enc.pem").map_or("*.pem".to_owned(), |n| format!("{n}.pem"));
            Refusal::ServerKeyEncrypted {
                path: Untrusted(&name).to_string(),
                plain: Untrusted(&plain).to_string(),
            }
        }
    })
}

/// Why a file gives no private key.
pub(super) enum KeyProblem {
    File(FileError),
    Encrypted,
    Unreadable,
}

/// The private key in a file. Its bytes are wiped; what rustls keeps is the pair in aws-lc.
pub(super) fn read_signing_key(
    path: &Path,
    files: &Delivery,
) -> Result<Arc<dyn SigningKey>, KeyProblem> {
    let text = files.read(path).map_err(KeyProblem::File)?;
    let key = pkcs8::read_pem(text).map_err(|error| match error {
        KeyError::Encrypted => KeyProblem::Encrypted,
        _ => KeyProblem::Unreadable,
    })?;
    let der = key.pkcs8().map_err(|_| KeyProblem::Unreadable)?;
    let der = PrivateKeyDer::Pkcs8(der.expose().into());
    any_supported_type(&der).map_err(|_| KeyProblem::Unreadable)
}
