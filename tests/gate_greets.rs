//! The page behind a gate that has no application yet, and hostile octets in front of one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::{AlertDescription, Error};
use sekisho::gate::{Files, Gate, Settings};
use support::{Identity, Leaf, PATIENCE, Stage, Visitor, certificate};

// The library's own entry, as `quickstart` uses it.
#[test]
fn a_gate_without_an_application_greets_its_visitors_by_name() {
    let stage = Stage::new();
    stage.client("<受付1>", 3);
    let files = Files {
        server_certificate: stage.path("server.crt"),
        server_key: stage.path("server.pem"),
        authorities: stage.path("ca.crt"),
    };
    let settings = Settings::new(files).with_greeting().with_listen("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let gate = runtime.block_on(Gate::open_here(settings, None)).unwrap();
    let url = format!("https://localhost:{}/", gate.address().port());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = runtime.spawn(gate.serve(async {
        let _ = stopped.await;
    }));
    let curl = |path: &str| {
        let output = std::process::Command::new("curl")
            .args(["--silent", "--max-time", "10", "--noproxy", "*", "--cacert"])
            .arg(stage.path("trusted.crt"))
            .arg("--cert")
            .arg(stage.path("<受付1>.crt"))
            .arg("--key")
            .arg(stage.path("<受付1>.pem"))
            .arg(format!("{url}{path}"))
            .output()
            .expect("curl: install the Debian package curl");
        String::from_utf8(output.stdout).unwrap()
    };
    let page = curl("");
    assert!(page.contains("ようこそ、&lt;受付1&gt; さん"), "{page}");
    let whoami: serde_json::Value = serde_json::from_str(&curl("whoami")).unwrap();
    assert_eq!(whoami["common_name"], "<受付1>");
    assert_eq!(whoami["serial"], "03");
    stop.send(()).unwrap();
    runtime.block_on(serving).unwrap();
}

// I11, I25: whatever strangers send, and whatever they call a certificate, the gate goes on.
#[test]
fn hostile_octets_and_certificates_stop_nothing() {
    let stage = Stage::new().with_argument("--handshakes-per-second").with_argument("100000");
    let gate = stage.start();
    let mut random = [0; 256];
    for round in 0..200_usize {
        aws_lc_rs::rand::fill(&mut random).unwrap();
        // Every other one looks like a handshake record at first.
        if round % 2 == 0 {
            random[..5].copy_from_slice(&[0x16, 3, 1, 0, 200]);
        }
        let mut stream = TcpStream::connect(gate.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(&random[..round + 1]);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }

    let good = stage.authority.issue(&Leaf::client("user1", 3));
    let der = certificate(&good.certificate);
    for position in (0..der.len() * 8).step_by(29) {
        let mut flipped = der.to_vec();
        flipped[position / 8] ^= 1 << (position % 8);
        let answer = show(&stage, &gate, &flipped, &good);
        assert!(answer.is_err(), "bit {position} makes another certificate, and it was let in");
    }
    for octets in
        [&[0x30, 0x00][..], &[0x30, 0x80], &[0x03, 0x00], &[], &[0x30, 0x84, 255, 255, 255, 255]]
    {
        let refused = show(&stage, &gate, octets, &good).unwrap_err();
        assert!(
            matches!(
                refused,
                Error::AlertReceived(
                    AlertDescription::BadCertificate | AlertDescription::DecodeError
                )
            ),
            "{octets:?}: {refused}"
        );
    }
    assert!(show(&stage, &gate, &der, &good).is_ok());
    assert_eq!(gate.log.count("panicked"), 0);
}

fn show(stage: &Stage, gate: &support::Gate, der: &[u8], identity: &Identity) -> Result<(), Error> {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let identity = Identity { certificate: pem, key: identity.key.clone() };
    let visited = Visitor::new(stage, gate, &identity, &rustls::version::TLS13).visit()?;
    assert!(visited.answer.ends_with("hello"), "{visited:?}");
    Ok(())
}
