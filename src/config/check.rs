//! What only this machine can tell of a configuration that is right in itself: whether its files
//! hold what they should, its addresses can be listened at, and its certificates last.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use super::{Config, Finding, Unseal, gate_title};
use crate::gate;
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::files::{self, FileError, FileProblem};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::pki::Certificate;
use crate::publisher;

/// Days before its end at which a certificate is warned about.
const WARNING_DAYS: i64 = 30;

/// Octets of a file of certificates.
const CERTIFICATES_LIMIT: u64 = 1024 * 1024;

/// Octets of a key file.
const KEY_FILE_LIMIT: u64 = 4096;

/// Everything that would keep `serve` from starting here, or is worth knowing before it does.
#[must_use]
pub fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(Unseal::KeyFile(path)) = config.authority().map(super::AuthoritySettings::unseal)
        && let Err(error) = files::read_service_secret(path, KEY_FILE_LIMIT)
    {
        findings.push(Finding::error(None, error.into()));
    }
    findings.extend(config.publish().into_iter().flat_map(check_publish));
    for settings in config.gates() {
        findings.extend(check_gate(settings, now));
    }
    findings.extend(config.addresses().iter().filter_map(|(_, address)| try_address(*address)));
    findings
}

/// A folder that is there must be a real one, whose owner may be the publisher's; a socket needs one.
fn check_publish(settings: &publisher::Settings) -> Vec<Finding> {
    let folder = settings.folder().filter(|folder| files::exists(folder));
    let socket = settings.metrics().and_then(publisher::LocalAddress::unix);
    let refused = [
        folder
            .and_then(|folder| files::check_folder(folder).err())
            .filter(|error| !is_owner(error)),
        socket.and_then(Path::parent).and_then(|folder| files::check_owned_folder(folder).err()),
    ];
    refused.into_iter().flatten().map(|error| Finding::error(None, error.into())).collect()
}

fn is_owner(error: &FileError) -> bool {
    matches!(error.problem, FileProblem::ForeignOwner { .. })
}

fn check_gate(settings: &gate::Settings, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut certificates = Vec::new();
    if let Some((certificate, _)) = settings.server_files() {
        certificates.push(certificate);
    }
    if let Some((authorities, lists)) = settings.trust_files() {
        certificates.push(authorities);
        if lists.is_empty() {
            let gate = gate_title(settings.name());
            findings.push(Finding::warning(Refusal::NoRevocationList { gate }));
        }
    }
    if let Err(refusal) = gate::check(settings) {
        findings.push(Finding::error(None, refusal));
    }
    findings.extend(certificates.iter().flat_map(|path| ends(path, now)));
    findings
}

/// The certificates in a file that end soon. Whether it can be read at all is the gate's to say.
fn ends(path: &Path, now: Timestamp) -> Vec<Finding> {
    let bytes = files::read(path, CERTIFICATES_LIMIT).unwrap_or_default();
    let certificates = Certificate::chain_from_pem(&bytes).unwrap_or_default();
    let last = now.plus_days(WARNING_DAYS);
    let soon = certificates.iter().filter(|certificate| certificate.not_after() < last);
    soon.map(|certificate| {
        let left = certificate.not_after().unix() - now.unix();
        let path = Untrusted(&path.to_string_lossy()).to_string();
        let until = certificate.not_after().local();
        Finding::warning(match left.div_euclid(DAY) {
            ..0 => Refusal::CertificateHasEnded { path, until },
            days => Refusal::CertificateEndsSoon { path, until, days: days.to_string() },
        })
    })
    .collect()
}

/// Listens there for a moment. An address in use is no error: `serve` itself may be running.
fn try_address(address: SocketAddr) -> Option<Finding> {
    let listened = TcpListener::bind(address).or_else(|error| {
        // As a gate does: without IPv6, every address is every IPv4 address.
        if address.ip().is_unspecified() && error.kind() != ErrorKind::AddrInUse {
            return TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port()));
        }
        Err(error)
    });
    let error = listened.err()?;
    let (kind, reason) = (error.kind(), error.to_string());
    let address = address.to_string();
    Some(match kind {
        ErrorKind::AddrInUse => Finding::warning(Refusal::AddressInUse { address }),
        ErrorKind::PermissionDenied => Finding::warning(Refusal::AddressDenied { address }),
        _ => Finding::error(None, Refusal::ListenFailed { address, reason }),
    })
}
