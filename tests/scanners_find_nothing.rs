//! The scanners of the field, testssl.sh and SSLyze, look at a gate of each kind: they find nothing,
//! or what is explained here, finding by finding.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "only the scanner's environment is needed here")]
mod peers;
#[path = "support/gate.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use peers::PythonEnvironment;
use serde_json::Value;
use support::{DAY, Gate, Leaf, Stage};

/// What is found and stays: whose word for it, its text, and why it stays.
const EXPLAINED: [(&str, &str, &str); 8] = [
    (
        "cipher_order",
        "NOT a cipher order configured",
        "all suites of TLS 1.2 are AEAD with ECDHE, so the client, who knows whether it has AES in \
         hardware, chooses, as Mozilla's configurations say",
    ),
    (
        "cert_revocation",
        "Neither CRL nor OCSP URI provided",
        "the CA is the clinic's own; no browser asks for the status of a server certificate of a CA \
         that its user installed",
    ),
    (
        "HSTS",
        "not offered",
        "it would hold for the whole host, where the revocation list is published in clear text; \
         what the application says of it is passed on",
    ),
    (
        "service",
        "Couldn't determine service, skipping all HTTP checks",
        "a strict gate answers nobody who shows no certificate, and this scanner has none",
    ),
    (
        "secure_client_renego",
        "client x509-based authentication prevents this from being tested",
        "the same; SSLyze, which shows one, has tried it and got no renegotiation",
    ),
    (
        "BREACH",
        "client x509-based authentication prevents this from being tested",
        "the same, when it notices in time; the gate compresses nothing, and what it answers itself \
         repeats nothing that was asked",
    ),
    (
        "engine_problem",
        "No engine or GOST support via engine with your /usr/bin/openssl",
        "said of the scanner's own OpenSSL, not of the gate",
    ),
    (
        "maximum_certificate_lifespan",
        "Certificate life span is 397 days",
        "the longest that browsers take, renewed by the authority at two thirds",
    ),
];

/// The gates that are looked at: with or without the page, with or without TLS 1.2.
const KINDS: [Kind; 4] = [
    Kind { explaining: true, tls12: false },
    Kind { explaining: true, tls12: true },
    Kind { explaining: false, tls12: false },
    Kind { explaining: false, tls12: true },
];

#[derive(Clone, Copy, Debug)]
struct Kind {
    explaining: bool,
    tls12: bool,
}

const CURVES: [&str; 3] = ["X25519", "secp256r1", "secp384r1"];
const TLS12_SUITES: [&str; 3] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
];
const TLS13_SUITES: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Apart from the linters: it wants an older `cryptography`.
const SSLYZE: PythonEnvironment =
    PythonEnvironment { folder: "sslyze", packages: &["sslyze==6.3.1"] };

/// All of SSLyze's, so that a new default of its drops none.
const SSLYZE_COMMANDS: [&str; 18] = [
    "--certinfo",
    "--compression",
    "--early_data",
    "--elliptic_curves",
    "--ems",
    "--fallback",
    "--heartbleed",
    "--http_headers",
    "--openssl_ccs",
    "--reneg",
    "--resum",
    "--robot",
    "--sslv2",
    "--sslv3",
    "--tlsv1",
    "--tlsv1_1",
    "--tlsv1_2",
    "--tlsv1_3",
];

#[test]
fn testssl_finds_nothing_that_is_not_explained() {
    at_gates_of_all_kinds(|kind, stage, gate| {
        let report = testssl(stage, gate);
        let findings = report.as_array().unwrap();
        let found = || format!("{kind:?}: {report:#}");
        let text_of = |id: &str| {
            let finding = findings.iter().find(|finding| finding["id"] == id);
            finding.map(|finding| finding["finding"].as_str().unwrap())
        };
        // It has looked, at this gate, and to the end.
        assert!(text_of("scanTime").is_some(), "{}", found());
        assert_eq!(text_of("TLS1_3"), Some("offered with final"), "{}", found());
        assert_eq!(text_of("TLS1_2") == Some("offered"), kind.tls12, "{kind:?}");
        assert_eq!(text_of("cert_chain_of_trust"), Some("passed."), "{kind:?}");
        let page = text_of("HTTP_status_code").is_some_and(|text| text.starts_with("403"));
        assert_eq!(page, kind.explaining, "{kind:?}");

        for finding in findings {
            let field = |name: &str| finding[name].as_str().unwrap();
            let is_good = ["OK", "INFO"].contains(&field("severity"));
            let known = is_explained(field("id"), field("finding"));
            assert!(is_good || known, "{kind:?}: {finding}");
        }
    });
}

#[test]
fn sslyze_finds_nothing_that_is_not_explained() {
    at_gates_of_all_kinds(|kind, stage, gate| {
        let (report, said) = sslyze(kind, stage, gate);
        let server = &report["server_scan_results"][0];
        assert_eq!(server["scan_status"], "COMPLETED", "{kind:?}: {said}");
        let result = |command: &str| {
            let attempt = &server["scan_result"][command];
            assert_eq!(attempt["status"], "COMPLETED", "{kind:?} {command}: {attempt:#}");
            attempt["result"].clone()
        };
        let suites = |version: &str| {
            let accepted = &result(&format!("{version}_cipher_suites"))["accepted_cipher_suites"];
            names(accepted, "/cipher_suite/name")
        };
        for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
            assert_eq!(suites(version), set(&[]), "{kind:?} {version}");
        }
        let tls12 = if kind.tls12 { set(&TLS12_SUITES) } else { set(&[]) };
        assert_eq!(suites("tls_1_2"), tls12, "{kind:?}");
        assert_eq!(suites("tls_1_3"), set(&TLS13_SUITES), "{kind:?}");
        let curves = names(&result("elliptic_curves")["supported_curves"], "/name");
        assert_eq!(curves, set(&CURVES), "{kind:?}");

        for (command, field, expected) in [
            ("tls_compression", "supports_compression", Value::from(false)),
            ("tls_1_3_early_data", "supports_early_data", Value::from(false)),
            ("session_renegotiation", "client_renegotiations_success_count", Value::from(0)),
            ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", false.into()),
            ("session_renegotiation", "supports_secure_renegotiation", Value::from(true)),
            ("tls_extended_master_secret", "supports_ems_extension", Value::from(true)),
            ("tls_fallback_scsv", "supports_fallback_scsv", Value::from(true)),
            ("heartbleed", "is_vulnerable_to_heartbleed", Value::from(false)),
            ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", Value::from(false)),
            // Tickets alone, no state at the gate.
            ("session_resumption", "session_id_successful_resumptions_count", Value::from(0)),
        ] {
            assert_eq!(result(command)[field], expected, "{kind:?} {command} {field}");
        }
        let robot = result("robot")["robot_result"].clone();
        assert_eq!(robot, "NOT_VULNERABLE_RSA_NOT_SUPPORTED", "{kind:?}");
        assert!(result("http_headers")["http_error_trace"].is_null(), "{kind:?}");
        // It takes for resumed only who gets the very same ticket back. The gate gives another, and
        // says itself what it resumed.
        let resumed = gate.log.count("tls=\"TLSv1_2\" resumed=true");
        assert_eq!(resumed > 0, kind.tls12, "{kind:?}");

        let certificate = &result("certificate_info")["certificate_deployments"][0];
        assert_eq!(certificate["received_chain_has_valid_order"], true, "{kind:?}");
        assert_eq!(certificate["verified_chain_has_sha1_signature"], false, "{kind:?}");
        let paths = certificate["path_validation_results"].as_array().unwrap();
        let ours = |path: &&Value| path["trust_store"]["name"] == "Supplied CA file";
        let ours = paths.iter().find(ours).expect("the CA was not taken");
        assert_eq!(ours["was_validation_successful"], true, "{kind:?}: {ours:#}");

        // Its comparison with Mozilla's configuration is not in the JSON.
        let (_, comparison) = said.split_once("COMPLIANCE AGAINST TLS CONFIGURATION").unwrap();
        let issues = comparison.lines().filter_map(|line| line.trim().strip_prefix("* "));
        for issue in issues {
            let (id, text) = issue.split_once(": ").unwrap();
            assert!(is_explained(id, text), "{kind:?}: {comparison}");
        }
        assert!(!comparison.contains("ERROR"), "{kind:?}: {said}");
    });
}

fn is_explained(id: &str, text: &str) -> bool {
    EXPLAINED.iter().any(|(known, start, _)| *known == id && text.starts_with(start))
}

/// Has each gate looked at, all at once: a scanner mostly waits.
fn at_gates_of_all_kinds(look: impl Fn(Kind, &Stage, &Gate) + Sync) {
    std::thread::scope(|scope| {
        for kind in KINDS {
            let look = &look;
            scope.spawn(move || {
                // As a scanner needs it, which shakes hands as an attacker would. What the limits
                // drop it would call refused.
                let mut stage = Stage::new().with_argument("--handshakes-per-second=10000");
                if kind.explaining {
                    stage = stage.explaining();
                }
                if kind.tls12 {
                    stage = stage.with_argument("--tls12");
                }
                // As long as the authority makes it, with a serial number of some length.
                let (from, until) = (-60, 397 * DAY - 60);
                let serial = 0x7a3d_91c5_2e60_b84f;
                let leaf = Leaf { serial, from, until, ..Leaf::server() };
                stage.write_identity("server", &stage.authority.issue(&leaf));
                stage.client("user1", 3);
                let gate = stage.start();
                look(kind, &stage, &gate);
                assert_eq!(gate.log.count("connection dropped"), 0, "{kind:?}: scanned in part");
            });
        }
    });
}

/// What testssl.sh says of a gate. On a machine with much to do its own clock may run out before it
/// has found TLS at all; then it ends without a word on any version, and looks again.
fn testssl(stage: &Stage, gate: &Gate) -> Value {
    let mut report = Value::Null;
    for look in 1..=3 {
        report = one_look(stage, gate, look);
        let found = |finding: &Value| finding["id"] == "TLS1_3";
        if report.as_array().unwrap().iter().any(found) {
            break;
        }
    }
    report
}

/// One look of testssl.sh. It shows no certificate: it could not before version 3.2.
fn one_look(stage: &Stage, gate: &Gate, look: u32) -> Value {
    let report = stage.path(&format!("testssl-{look}.json"));
    let mut command = Command::new("testssl");
    command
        .args(["--quiet", "--warnings", "batch", "--color", "0"])
        .args(["--nodns", "none", "--ip", "127.0.0.1"])
        // Without the simulated clients, which find nothing and take half of the time.
        .args(["--protocols", "--std", "--fs", "--server-preference", "--server-defaults"])
        .args(["--headers", "--vulnerable"])
        .arg("--add-ca")
        .arg(stage.path("ca.crt"))
        .arg("--jsonfile")
        .arg(&report)
        .arg(format!("https://localhost:{}", gate.address.port()));
    // Its exit code counts what it could not find out; the report names it.
    scan(&command, "testssl.sh");
    json(&report)
}

/// What SSLyze says of a gate as a visitor who is let in: its report, and what it printed.
fn sslyze(kind: Kind, stage: &Stage, gate: &Gate) -> (Value, String) {
    let report = stage.path("sslyze.json");
    let mut command = Command::new(SSLYZE.program("sslyze"));
    command
        .args(SSLYZE_COMMANDS)
        // Fewer at once than the gate lets one address begin.
        .arg("--slow_connection")
        .args(["--mozilla_config", if kind.tls12 { "intermediate" } else { "modern" }])
        .arg("--certinfo_ca_file")
        .arg(stage.path("ca.crt"))
        .arg("--cert")
        .arg(stage.path("user1.crt"))
        .arg("--key")
        .arg(stage.path("user1.pem"))
        .arg("--json_out")
        .arg(&report)
        .arg(format!("localhost:{}", gate.address.port()));
    let said = scan(&command, "python3-venv");
    (json(&report), said)
}

/// Runs a scanner to its end; what it printed.
fn scan(command: &Command, package: &str) -> String {
    let output = Command::new("timeout")
        .arg(SCAN.as_secs().to_string())
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .expect("timeout: install the Debian package coreutils");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let ended = output.status.code().is_some_and(|code| ![124, 126, 127].contains(&code));
    assert!(ended, "{}; apt-get install {package}\n{text}", output.status);
    text
}

/// Longer than anything else a test waits for.
const SCAN: Duration = Duration::from_secs(150);

fn json(report: &Path) -> Value {
    let bytes = sekisho::ground::files::read(report, 8 << 20).unwrap();
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", report.display()))
}

fn names(list: &Value, place: &str) -> BTreeSet<String> {
    let entries = list.as_array().unwrap().iter();
    entries.map(|entry| entry.pointer(place).unwrap().as_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
