//! What the tests of the whole share: peer programs, folders, and a small CA.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use sekisho::ground::clock::{self, Timestamp};
use sekisho::pki::issue::{Profile, Template, ToBeSigned};
use sekisho::pki::{
    Certificate, CommonName, DistinguishedName, KeyAlgorithm, PrivateKey, SerialNumber, Signer,
};

/// A key and its certificate.
pub(crate) struct Holder {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

/// A root CA whose certificate began an hour ago.
pub(crate) fn root(algorithm: KeyAlgorithm) -> Holder {
    let key = PrivateKey::generate(algorithm).unwrap();
    let name = name("orca CA");
    let certificate =
        ToBeSigned::root(&template(1, &name, &key, 7300)).unwrap().sign(&key).unwrap();
    Holder { key, certificate }
}

impl Holder {
    /// A certificate for a new key, good for 30 days.
    pub(crate) fn issue(
        &self,
        number: u64,
        common_name: &str,
        algorithm: KeyAlgorithm,
        profile: &Profile<'_>,
    ) -> Holder {
        let key = PrivateKey::generate(algorithm).unwrap();
        let name = name(common_name);
        let template = template(number, &name, &key, 30);
        let prepared = ToBeSigned::issued_by(&template, profile, &self.certificate).unwrap();
        Holder { certificate: prepared.sign(&self.key).unwrap(), key }
    }
}

/// `C=JP, O=orca, CN=...`
pub(crate) fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::new(CommonName::parse(common_name).unwrap())
}

/// An hour before the test began: the same for all, so that no second that passes between two of them
/// makes one outlive its issuer.
pub(crate) fn an_hour_ago() -> Timestamp {
    static BEGAN: OnceLock<Timestamp> = OnceLock::new();
    BEGAN.get_or_init(clock::now).plus_seconds(-3600)
}

fn template<'a>(
    number: u64,
    subject: &'a DistinguishedName,
    key: &'a PrivateKey,
    days: i64,
) -> Template<'a> {
    Template {
        serial: SerialNumber::generate(number).unwrap(),
        subject,
        not_before: an_hour_ago(),
        not_after: an_hour_ago().plus_days(days),
        subject_public_key_info: key.subject_public_key_info(),
    }
}

/// Runs a peer program to its end; what it printed on both outputs. A failure of the program fails the
/// test, and so does its absence, with the name of the Debian package to install.
pub(crate) fn run(package: &str, program: impl AsRef<Path>, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{program:?}: {error}; apt-get install {package}"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{program:?} {arguments:?}: {}\n{text}", output.status);
    text
}

/// Python programs in an environment of their own under `target/peers`.
pub(crate) struct PythonEnvironment {
    pub(crate) folder: &'static str,
    pub(crate) packages: &'static [&'static str],
}

/// pkilint, and the library it is built on.
pub(crate) const LINTERS: PythonEnvironment =
    PythonEnvironment { folder: "venv", packages: &["pkilint==0.13.3", "cryptography==50.0.2"] };

impl PythonEnvironment {
    /// One of the programs. The environment is made when it is not there.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        static MAKING: Mutex<()> = Mutex::new(());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(self.folder);
        let program = folder.join("bin").join(name);
        // Test programs run one after another, but threads of one may come here together.
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if !program.exists() {
            run("python3-venv", "python3", &["-m", "venv", folder.to_str().unwrap()]);
            let install = [&["install", "--quiet"], self.packages].concat();
            run("python3-venv", folder.join("bin/pip"), &install);
        }
        program
    }
}
