//! The high-security type (高セキュリティ型) of the TLS guideline of IPA and CRYPTREC (GL-3001, 3.0.1 of
//! July 2020), which the guideline of the Ministry of Health for medical information systems (6.0)
//! asks for where a network is open, and asks client certificates for as well.

use std::path::{Path, PathBuf};

use rustls::{CipherSuite, NamedGroup, ProtocolVersion};

use super::super::{Config, gate_title};
use super::{Judged, Outcome, Source};
use crate::gate::{Offer, Settings, StalePolicy};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::files;
use crate::ground::messages::Text;
use crate::ground::untrusted::Untrusted;
use crate::pki::algorithm::KeyAlgorithm;
use crate::pki::revocation_list::LARGEST_REVOCATION_LIST;
use crate::pki::{Certificate, RevocationList};

/// One row of the table.
struct Requirement {
    id: &'static str,
    source: Source,
    text: fn() -> Text,
    judge: fn(&Config, Timestamp) -> Outcome,
}

/// The requirements.
const TABLE: [Requirement; 18] = [
    row("tls13", Source::Ipa, || Text::RequireTls13 {}, tls13),
    row("tls12", Source::Mhlw, || Text::RequireTls12 {}, tls12),
    row("old-versions", Source::Ipa, || Text::RequireNoOldVersions {}, old_versions),
    row("forward-secrecy", Source::Ipa, || Text::RequireForwardSecrecy {}, forward_secrecy),
    row("aead", Source::Ipa, || Text::RequireAead {}, aead),
    row("server-key", Source::Ipa, || Text::RequireServerKey {}, server_key),
    row("server-signature", Source::Ipa, || Text::RequireServerSignature {}, server_signature),
    row("server-days", Source::Sekisho, || Text::RequireServerDays {}, server_days),
    row("client-certificate", Source::Mhlw, || Text::RequireClientCertificate {}, by_construction),
    row("client-algorithms", Source::Sekisho, || Text::RequireClientAlgorithms {}, by_construction),
    row("authority-key", Source::Ipa, || Text::RequireAuthorityKey {}, authority_key),
    row("revocation", Source::Sekisho, || Text::RequireRevocation {}, revocation),
    row("crl-fresh", Source::Sekisho, || Text::RequireFreshCrl {}, fresh_crl),
    row("stale", Source::Sekisho, || Text::RequireNoStaleService {}, stale),
    row("upstream", Source::Sekisho, || Text::RequireUpstreamEncrypted {}, upstream),
    row("metrics", Source::Sekisho, || Text::RequireMetricsHere {}, metrics),
    row("renegotiation", Source::Bcp195, || Text::RequireNoRenegotiation {}, by_construction),
    row("early-data", Source::Bcp195, || Text::RequireNoEarlyData {}, by_construction),
];

/// Days a server certificate lasts at most; Apple's systems refuse longer ones of any CA.
const SERVER_DAYS: i64 = 825;

/// Days a revocation list may be overdue.
const GRACE_DAYS: u16 = 7;

/// Octets of a file of certificates.
const CERTIFICATES_LIMIT: u64 = 1024 * 1024;

/// Cipher suites with AES-GCM or ChaCha20-Poly1305; those of TLS 1.2 with an ephemeral ECDH.
const SUITES: [CipherSuite; 9] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// Ephemeral ECDH of 256 bits or more, alone or together with ML-KEM.
const GROUPS: [NamedGroup; 4] =
    [NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1];

pub(super) fn judge(config: &Config, now: Timestamp) -> Vec<Judged> {
    let judged = |row: &Requirement| Judged {
        id: row.id,
        source: row.source,
        requirement: (row.text)(),
        outcome: (row.judge)(config, now),
    };
    TABLE.iter().map(judged).collect()
}

const fn row(
    id: &'static str,
    source: Source,
    text: fn() -> Text,
    judge: fn(&Config, Timestamp) -> Outcome,
) -> Requirement {
    Requirement { id, source, text, judge }
}

fn tls13(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let offer = Offer::of(gate.accepts_tls12());
        let modern = |suite: &rustls::SupportedCipherSuite| {
            suite.version().version == ProtocolVersion::TLSv1_3
        };
        Some(unless(offer.suites.iter().any(modern), || not_built(gate)))
    })
}

fn tls12(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        Some(unless(!gate.accepts_tls12(), || Text::ChangeTls12 { gate: title(gate) }))
    })
}

fn old_versions(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let modern = [ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3];
        let offer = Offer::of(gate.accepts_tls12());
        let all = offer.suites.iter().all(|suite| modern.contains(&suite.version().version));
        Some(unless(all, || not_built(gate)))
    })
}

fn forward_secrecy(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let offer = Offer::of(gate.accepts_tls12());
        let ephemeral = offer.groups.iter().all(|group| GROUPS.contains(group));
        Some(unless(ephemeral, || not_built(gate)))
    })
}

fn aead(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let offer = Offer::of(gate.accepts_tls12());
        let all = offer.suites.iter().all(|suite| SUITES.contains(&suite.suite()));
        Some(unless(all, || not_built(gate)))
    })
}

/// What the program does whatever the configuration says; tests of its own hold it.
fn by_construction(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |_| Some(Vec::new()))
}

fn server_key(config: &Config, _: Timestamp) -> Outcome {
    each_server_chain(config, |path, chain| {
        let leaf = chain.first();
        unless(leaf.is_some_and(has_strong_key), || Text::ChangeServerKey { path: shown(path) })
    })
}

fn server_signature(config: &Config, _: Timestamp) -> Outcome {
    each_server_chain(config, |path, chain| {
        // Nobody relies on the signature a root makes over itself.
        let mut signed = chain.iter().filter(|certificate| !certificate.is_self_issued());
        let strong = signed.all(Certificate::has_accepted_signature_algorithm);
        unless(strong, || Text::ChangeServerSignature { path: shown(path) })
    })
}

fn server_days(config: &Config, now: Timestamp) -> Outcome {
    each_server_chain(config, |path, chain| {
        let Some(leaf) = chain.first() else { return Vec::new() };
        let days = (leaf.not_after().unix() - leaf.not_before().unix()).div_euclid(DAY);
        let current = leaf.not_before() <= now && now <= leaf.not_after();
        unless(current && days <= SERVER_DAYS, || Text::ChangeServerDays {
            path: shown(path),
            days: SERVER_DAYS.to_string(),
        })
    })
}

fn authority_key(config: &Config, _: Timestamp) -> Outcome {
    let mut paths: Vec<_> = trust_files(config).map(|(_, path, _)| path.to_owned()).collect();
    paths.extend(config.authority().map(|authority| authority.folder().join(AUTHORITY_FILE)));
    gather(paths.iter().map(|path| {
        Some(match read_chain(path) {
            Ok(chain) => {
                let strong = chain.iter().all(has_strong_key);
                unless(strong, || Text::ChangeAuthorityKey { path: shown(path) })
            }
            Err(unreadable) => vec![unreadable],
        })
    }))
}

/// Gates that know the ledger hear of every revocation; others need a list of each authority.
fn revocation(config: &Config, now: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let Some((authorities, lists)) = gate.trust_files() else { return Some(Vec::new()) };
        Some(match read_chain(authorities) {
            Ok(chain) => {
                let covered = chain.iter().all(|authority| {
                    lists.iter().any(|list| read_list(list, authority, now).is_some())
                });
                unless(covered, || Text::ChangeRevocation { gate: title(gate) })
            }
            Err(unreadable) => vec![unreadable],
        })
    })
}

fn fresh_crl(config: &Config, now: Timestamp) -> Outcome {
    let of_files = trust_files(config).map(|(gate, authorities, lists)| {
        if lists.is_empty() {
            return None;
        }
        let mut wrong = Vec::new();
        for authority in read_chain(authorities).unwrap_or_default() {
            let old = lists.iter().find(|path| {
                read_list(path, &authority, now).is_some_and(|list| list.is_expired(now))
            });
            wrong.extend(old.map(|path| Text::ChangeCrl { path: shown(path) }));
        }
        if gate.grace_days().is_some_and(|days| days > GRACE_DAYS) {
            let days = GRACE_DAYS.to_string();
            wrong.push(Text::ChangeGraceDays { gate: title(gate), days });
        }
        Some(wrong)
    });
    let of_authority = config.authority().map(|authority| {
        let folder = authority.folder();
        let (path, file) = (folder.join(CRL_FILE), folder.join(AUTHORITY_FILE));
        let issuer = read_chain(&file).ok().and_then(|chain| chain.into_iter().next());
        let list = issuer.and_then(|issuer| read_list(&path, &issuer, now));
        let fresh = list.is_some_and(|list| !list.is_expired(now));
        Some(unless(fresh, || Text::ChangeCrl { path: shown(&path) }))
    });
    gather(of_files.chain(of_authority))
}

fn stale(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let policy = gate.stale_policy()?;
        Some(unless(policy != StalePolicy::Serve, || Text::ChangeStale { gate: title(gate) }))
    })
}

fn upstream(config: &Config, _: Timestamp) -> Outcome {
    each_gate(config, |gate| {
        let url = gate.upstream_in_clear_text();
        Some(url.map(|url| Text::ChangeUpstream { gate: title(gate), url }).into_iter().collect())
    })
}

fn metrics(config: &Config, _: Timestamp) -> Outcome {
    let address = config.publish().and_then(|publish| publish.metrics());
    gather(address.map(|address| {
        let here = address.tcp().is_none_or(|tcp| tcp.ip().to_canonical().is_loopback());
        Some(unless(here, || Text::ChangeMetrics {}))
    }))
}

/// The CA's certificate in the data folder, and its revocation list.
const AUTHORITY_FILE: &str = "ca.crt";
const CRL_FILE: &str = "crl.pem";

/// What is wrong with each gate; `None` for one that the requirement does not speak of.
fn each_gate(config: &Config, judge: impl Fn(&Settings) -> Option<Vec<Text>>) -> Outcome {
    gather(config.gates().iter().map(judge))
}

/// The same for the certificates in files. Those of the authority are made as required.
fn each_server_chain(
    config: &Config,
    judge: impl Fn(&Path, &[Certificate]) -> Vec<Text>,
) -> Outcome {
    each_gate(config, |gate| {
        let Some((path, _)) = gate.server_files() else { return Some(Vec::new()) };
        Some(match read_chain(path) {
            Ok(chain) => judge(path, &chain),
            Err(unreadable) => vec![unreadable],
        })
    })
}

fn gather(judged: impl IntoIterator<Item = Option<Vec<Text>>>) -> Outcome {
    let judged: Vec<Vec<Text>> = judged.into_iter().flatten().collect();
    if judged.is_empty() {
        return Outcome::NotApplicable;
    }
    let mut wrong = Vec::new();
    for text in judged.into_iter().flatten() {
        if !wrong.contains(&text) {
            wrong.push(text);
        }
    }
    if wrong.is_empty() { Outcome::Met } else { Outcome::NotMet(wrong) }
}

fn unless(met: bool, change: impl FnOnce() -> Text) -> Vec<Text> {
    if met { Vec::new() } else { vec![change()] }
}

/// RSA of 2048 bits or more, or ECDSA of 256 bits or more.
fn has_strong_key(certificate: &Certificate) -> bool {
    let key = certificate.subject_public_key_info();
    match KeyAlgorithm::of_subject_public_key_info(key) {
        Some(KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384) => true,
        Some(KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096) => true,
        Some(KeyAlgorithm::Ed25519) | None => false,
    }
}

fn trust_files(config: &Config) -> impl Iterator<Item = (&Settings, &Path, &[PathBuf])> {
    config.gates().iter().filter_map(|gate| {
        let (authorities, lists) = gate.trust_files()?;
        Some((gate, authorities, lists))
    })
}

fn read_chain(path: &Path) -> Result<Vec<Certificate>, Text> {
    let bytes = files::read(path, CERTIFICATES_LIMIT).ok();
    let chain = bytes.and_then(|bytes| Certificate::chain_from_pem(&bytes).ok());
    chain.ok_or_else(|| Text::ChangeUnreadable { path: shown(path) })
}

/// The list in a file, when this authority signed it.
fn read_list(path: &Path, authority: &Certificate, now: Timestamp) -> Option<RevocationList> {
    let limit = u64::try_from(LARGEST_REVOCATION_LIST * 2).ok()?;
    RevocationList::verify(&files::read(path, limit).ok()?, authority, now).ok()
}

fn not_built(gate: &Settings) -> Text {
    Text::ChangeBuild { gate: title(gate) }
}

fn title(gate: &Settings) -> String {
    gate_title(gate.name())
}

fn shown(path: &Path) -> String {
    Untrusted(&path.to_string_lossy()).to_string()
}
