//! The programs people use read what we write: OpenSSL, NSS (Chrome on Linux, Firefox), Java, GnuTLS and
//! Python; and the linter of the field finds nothing in it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use sekisho::ground::files;
use sekisho::ground::secret::{Passphrase, SecretBytes};
use sekisho::pki::issue::Profile;
use sekisho::pki::passphrase::{Origin, generate_passphrase};
use sekisho::pki::pkcs12::{self, Contents, Encryption};
use sekisho::pki::revocation_list::{RevocationListToBeSigned, RevokedCertificate, pem_of};
use sekisho::pki::{
    CertificateRequest, KeyAlgorithm, Reason, Signer, SubjectAlternativeName, pkcs8,
};
use std::path::{Path, PathBuf};
use support::{Holder, LINTERS, an_hour_ago, root, run};

const PASSPHRASE: &str = "6RYv24bqgpyu6tn8";

/// A name whose first character does not fit into the 16 bits of a BMPString.
const BEYOND_BMP: &str = "𠮷田 太郎";

#[test]
fn openssl_reads_every_bundle_and_key() {
    let folder = tempfile::tempdir().unwrap();
    for (bundle, holder) in bundles(folder.path(), BEYOND_BMP) {
        let pass = format!("pass:{PASSPHRASE}");
        let text = openssl(&["pkcs12", "-in", &bundle, "-passin", &pass, "-nodes"]);
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{text}");
        assert_eq!(holder_public_key(&holder), public_key_in(folder.path(), &text));
    }
}

#[test]
fn openssl_reads_encrypted_and_plain_keys_and_we_read_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = Passphrase::new(PASSPHRASE.to_owned());
    for algorithm in KeyAlgorithm::ALL {
        let key = sekisho::pki::PrivateKey::generate(algorithm).unwrap();
        let encrypted = pkcs8::encrypted_pem(&key, &passphrase, Origin::Chosen).unwrap();
        let file = put(folder.path(), "key.enc.pem", encrypted.as_bytes());
        let pass = format!("pass:{PASSPHRASE}");
        // Ed25519 came after the traditional forms.
        let has_traditional = algorithm != KeyAlgorithm::Ed25519;
        let traditional = has_traditional
            .then(|| openssl(&["pkey", "-in", &file, "-passin", &pass, "-traditional"]));
        let modern = Some(openssl(&["pkey", "-in", &file, "-passin", &pass]));
        for text in [traditional, modern].into_iter().flatten() {
            let again = pkcs8::read_pem(&SecretBytes::new(text.into_bytes())).unwrap();
            assert_eq!(again.subject_public_key_info(), key.subject_public_key_info());
        }
        let file = put(folder.path(), "key.pem", key.pkcs8_pem().unwrap().expose());
        openssl(&["pkey", "-in", &file, "-check", "-noout"]);
        let file = put(folder.path(), "key.enc.pem", encrypted.as_bytes());
        run("gnutls-bin", "certtool", &["--key-info", "--infile", &file, "--password", PASSPHRASE]);
    }
}

#[test]
fn java_finds_the_key_and_trusts_the_ca() {
    let folder = tempfile::tempdir().unwrap();
    for (bundle, _) in bundles(folder.path(), BEYOND_BMP) {
        let list =
            ["-list", "-storetype", "PKCS12", "-keystore", &bundle, "-storepass", PASSPHRASE];
        let text = run("default-jre-headless", "keytool", &list);
        assert!(text.contains("PrivateKeyEntry") && text.contains("trustedCertEntry"), "{text}");
    }
}

#[test]
fn nss_imports_every_bundle_but_ed25519() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sql:{}", folder.path().display());
    run("libnss3-tools", "certutil", &["-N", "-d", &database, "--empty-password"]);
    for (bundle, holder) in bundles(folder.path(), BEYOND_BMP) {
        // NSS 3.87 knows no Ed25519 keys, in any form.
        if holder.key.algorithm() != KeyAlgorithm::Ed25519 {
            let import = ["-i", &bundle, "-d", &database, "-W", PASSPHRASE];
            let text = run("libnss3-tools", "pk12util", &import);
            assert!(text.contains("PKCS12 IMPORT SUCCESSFUL"), "{text}");
        }
    }
}

#[test]
fn gnutls_verifies_the_mac_of_every_bundle() {
    let folder = tempfile::tempdir().unwrap();
    for (bundle, _) in bundles(folder.path(), BEYOND_BMP) {
        let info = ["--p12-info", "--inder", "--infile", &bundle, "--password", PASSPHRASE];
        let text = run("gnutls-bin", "certtool", &info);
        assert!(text.contains("MAC info") && !text.contains("MAC verification failed"), "{text}");
        assert!(text.contains("BEGIN CERTIFICATE"), "{text}");
        assert!(text.contains("Friendly name: 𠮷田 太郎"), "{text}");
    }
}

#[test]
fn python_reads_names_and_matching_keys_from_every_bundle() {
    const SCRIPT: &str = "\
import sys
from cryptography.hazmat.primitives.serialization import pkcs12
for path in sys.argv[2:]:
    bundle = pkcs12.load_pkcs12(open(path, 'rb').read(), sys.argv[1].encode())
    assert bundle.cert.friendly_name.decode() == '受付1', bundle.cert.friendly_name
    assert bundle.key.public_key() == bundle.cert.certificate.public_key()
    assert len(bundle.additional_certs) == 1
";
    let folder = tempfile::tempdir().unwrap();
    let bundles = bundles(folder.path(), "受付1");
    let mut arguments = vec!["-c", SCRIPT, PASSPHRASE];
    arguments.extend(bundles.iter().map(|(path, _)| path.as_str()));
    run("python3-venv", LINTERS.program("python"), &arguments);
}

#[test]
fn openssl_verifies_chains_strictly_and_sees_revocations() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in KeyAlgorithm::ALL {
        let ca = root(algorithm);
        let good = ca.issue(2, "user1", KeyAlgorithm::EcdsaP256, &Profile::Client);
        let lost = ca.issue(3, "user2", KeyAlgorithm::EcdsaP256, &Profile::Client);
        let ca_file = put(folder.path(), "ca.crt", ca.certificate.pem().as_bytes());
        let crl_file = put(folder.path(), "ca.crl", pem_of(&list(&ca, &[&lost])).as_bytes());
        let verify = |holder: &Holder| {
            let leaf = put(folder.path(), "leaf.crt", holder.certificate.pem().as_bytes());
            std::process::Command::new("openssl")
                .args(["verify", "-x509_strict", "-check_ss_sig", "-crl_check"])
                .args(["-purpose", "sslclient", "-CAfile", &ca_file, "-CRLfile", &crl_file, &leaf])
                .output()
                .map(|output| {
                    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
                })
                .unwrap()
        };
        assert!(verify(&good).contains(": OK"), "{}: {}", algorithm.name(), verify(&good));
        assert!(verify(&lost).contains("certificate revoked"), "{}", verify(&lost));
    }
}

#[test]
fn nss_and_gnutls_read_our_revocation_list() {
    let folder = tempfile::tempdir().unwrap();
    let ca = root(KeyAlgorithm::EcdsaP256);
    let lost = ca.issue(3, "user2", KeyAlgorithm::EcdsaP256, &Profile::Client);
    let der = list(&ca, &[&lost]);
    let ca_file = put(folder.path(), "ca.crt", ca.certificate.pem().as_bytes());
    let crl_file = put(folder.path(), "ca.crl", &der);
    let crl_pem = put(folder.path(), "ca.crl.pem", pem_of(&der).as_bytes());
    let database = format!("sql:{}", folder.path().display());
    run("libnss3-tools", "certutil", &["-N", "-d", &database, "--empty-password"]);
    let import = ["-A", "-d", &database, "-n", "ca", "-t", "CT,C,C", "-a", "-i", &ca_file];
    run("libnss3-tools", "certutil", &import);
    run("libnss3-tools", "crlutil", &["-I", "-d", &database, "-i", &crl_file]);
    let verify = ["--verify-crl", "--infile", &crl_pem, "--load-ca-certificate", &ca_file];
    let text = run("gnutls-bin", "certtool", &verify);
    assert!(text.contains("Verified"), "{text}");
}

// FACTS: pkilint rejects names of one label, which clinics use and no public CA may issue.
#[test]
fn the_linter_finds_nothing_but_names_of_one_label() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| put(folder.path(), name, bytes);
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048, KeyAlgorithm::Ed25519] {
        let ca = root(algorithm);
        let names = ["weborca.example.jp", "weborca-server"]
            .map(|name| SubjectAlternativeName::parse_dns(name).unwrap());
        let address = SubjectAlternativeName::parse_address("192.168.1.100").unwrap();
        let qualified = [names[0].clone(), address.clone()];
        let single = [names[1].clone(), address];
        let issuing = ca.issue(2, "issuing CA", algorithm, &Profile::IssuingAuthority);
        let server = issuing.issue(3, "weborca", algorithm, &Profile::Server { names: &qualified });
        let local = ca.issue(4, "weborca", algorithm, &Profile::Server { names: &single });
        let client = ca.issue(5, "受付1", algorithm, &Profile::Client);
        for (name, holder) in
            [("root", &ca), ("issuing", &issuing), ("server", &server), ("client", &client)]
        {
            let file = put(name, holder.certificate.pem().as_bytes());
            assert_eq!(lint("lint_pkix_cert", &[], &file), [""; 0], "{name} {}", algorithm.name());
        }
        let file = put("local", local.certificate.pem().as_bytes());
        assert_eq!(lint("lint_pkix_cert", &[], &file), ["pkix.invalid_domain_name_syntax"]);
        let file = put("crl", pem_of(&list(&ca, &[&client, &local])).as_bytes());
        assert_eq!(lint("lint_crl", &["-t", "CRL", "-p", "PKIX"], &file), [""; 0]);
        let file = put("empty", pem_of(&list(&ca, &[])).as_bytes());
        assert_eq!(lint("lint_crl", &["-t", "CRL", "-p", "PKIX"], &file), [""; 0]);
        let chain = [
            put("ca", issuing.certificate.pem().as_bytes()),
            put("leaf", server.certificate.pem().as_bytes()),
        ];
        let found = lint("lint_pkix_signer_signee_cert_chain", &[&chain[0]], &chain[1]);
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn we_read_the_requests_openssl_writes() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key.pem");
    let key_file = key_file.to_str().unwrap();
    for kind in ["rsa:2048", "ec:P-256", "ec:P-384", "ed25519"] {
        let mut arguments = vec!["req", "-new", "-nodes", "-utf8", "-keyout", key_file];
        arguments.extend([
            "-subj",
            "/C=JP/O=orca/CN=受付1",
            "-addext",
            "subjectAltName=DNS:a.example",
        ]);
        let curve = format!("ec_paramgen_curve:{}", kind.trim_start_matches("ec:"));
        match kind {
            "ec:P-256" | "ec:P-384" => arguments.extend(["-newkey", "ec", "-pkeyopt", &curve]),
            _ => arguments.extend(["-newkey", kind]),
        }
        let text = openssl(&arguments);
        let request = CertificateRequest::read(text.as_bytes()).unwrap();
        assert_eq!(request.requested_common_name().as_deref(), Some("受付1"));
        assert_eq!(request.requested_names().len(), 1);
    }
}

#[test]
fn a_generated_passphrase_opens_a_bundle_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let holder = root(KeyAlgorithm::EcdsaP256);
    let contents = Contents {
        key: &holder.key,
        certificate: &holder.certificate,
        chain: &[],
        friendly_name: "CA",
    };
    let passphrase = generate_passphrase().unwrap();
    let bytes =
        pkcs12::build(&contents, &passphrase, Origin::Generated, Encryption::Modern).unwrap();
    let file = put(folder.path(), "ca.p12", &bytes);
    let pass = format!("pass:{}", passphrase.expose());
    openssl(&["pkcs12", "-in", &file, "-passin", &pass, "-noout"]);
}

/// A bundle of every algorithm in both encryptions: its file, and what is in it.
fn bundles(folder: &Path, friendly_name: &str) -> Vec<(String, Holder)> {
    let ca = root(KeyAlgorithm::EcdsaP256);
    let passphrase = Passphrase::new(PASSPHRASE.to_owned());
    let mut bundles = Vec::new();
    for algorithm in KeyAlgorithm::ALL {
        for encryption in [Encryption::Modern, Encryption::Legacy] {
            let common_name = format!("{} {encryption:?}", algorithm.name());
            let client = ca.issue(2, &common_name, algorithm, &Profile::Client);
            let contents = Contents {
                key: &client.key,
                certificate: &client.certificate,
                chain: std::slice::from_ref(&ca.certificate),
                friendly_name,
            };
            let bytes =
                pkcs12::build(&contents, &passphrase, Origin::Generated, encryption).unwrap();
            let file = put(folder, &format!("{common_name}.p12"), &bytes);
            bundles.push((file, client));
        }
    }
    bundles
}

fn list(ca: &Holder, revoked: &[&Holder]) -> Vec<u8> {
    let entries = revoked.iter().map(|holder| RevokedCertificate {
        serial: holder.certificate.serial(),
        revoked_at: an_hour_ago(),
        reason: Reason::KeyCompromise,
        invalid_since: Some(an_hour_ago()),
    });
    let until = an_hour_ago().plus_days(7);
    RevocationListToBeSigned::build(&ca.certificate, 1, an_hour_ago(), until, entries)
        .unwrap()
        .sign(&ca.key)
        .unwrap()
}

fn holder_public_key(holder: &Holder) -> Vec<u8> {
    holder.certificate.subject_public_key_info().to_vec()
}

/// The public key of the private key in a PEM text, as OpenSSL computes it.
fn public_key_in(folder: &Path, text: &str) -> Vec<u8> {
    let key = put(folder, "opened.pem", text.as_bytes());
    let public: PathBuf = folder.join("public.der");
    let public = public.to_str().unwrap();
    openssl(&["pkey", "-in", &key, "-pubout", "-outform", "DER", "-out", public]);
    files::read(Path::new(public), 10_000).unwrap()
}

/// The codes of what a linter of pkilint finds, warnings and worse.
fn lint(linter: &str, arguments: &[&str], file: &str) -> Vec<String> {
    let mut all = vec!["lint", "-s", "WARNING", "-f", "JSON"];
    all.extend(arguments);
    all.push(file);
    let output = std::process::Command::new(LINTERS.program(linter)).args(&all).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{linter}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let results = report["results"].as_array().unwrap();
    let findings =
        results.iter().flat_map(|result| result["finding_descriptions"].as_array().unwrap());
    findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn openssl(arguments: &[&str]) -> String {
    run("openssl", "openssl", arguments)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    files::write_atomic(&path, bytes, files::PRIVATE).unwrap();
    path.to_str().unwrap().to_owned()
}
