//! Writing what is handed out. The files belong to whoever asked.

use std::path::{Path, PathBuf};

use crate::ca::{Bundle, KeyMaterial};
use crate::door::reply::{self, Issued};
use crate::ground::files::{self, FileError, PRIVATE, PUBLIC};
use crate::ground::messages::Refusal;
use crate::ground::secret::Passphrase;
use crate::pki::Certificate;

/// A certificate that was issued just now, as it came through the door.
pub(super) struct Received {
    /// Its number.
    pub(super) number: u64,
    /// Whether it was shortened to the issuer's end.
    pub(super) shortened: bool,
    /// The certificate.
    pub(super) certificate: Certificate,
    /// What is handed out.
    pub(super) bundle: Bundle,
}

impl Received {
    /// What was issued, read.
    pub(super) fn of(issued: Issued) -> Result<Self, Refusal> {
        let bundle = bundle(issued.bundle)?;
        let certificate = bundle.chain.first().cloned().ok_or(Refusal::ServiceOtherVersion {})?;
        Ok(Self { number: issued.number, shortened: issued.shortened, certificate, bundle })
    }
}

/// A bundle, as it came through the door.
pub(super) fn bundle(bundle: reply::Bundle) -> Result<Bundle, Refusal> {
    let read = |der: &[u8]| Certificate::from_der(der).map_err(|_| Refusal::ServiceOtherVersion {});
    let key = bundle.key.map(|key| {
        Ok::<_, Refusal>(KeyMaterial {
            plain_pem: key.plain_pem.into_inner(),
            pkcs12: key.pkcs12,
            passphrase: Passphrase::from_bytes(key.passphrase.get())
                .ok_or(Refusal::ServiceOtherVersion {})?,
        })
    });
    Ok(Bundle {
        stem: bundle.stem,
        chain: bundle.chain.iter().map(|der| read(der)).collect::<Result<_, _>>()?,
        root: read(&bundle.root)?,
        key: key.transpose()?,
    })
}

/// The files that were written for one certificate.
pub(super) struct Written {
    /// The file to import or to install.
    pub(super) main: PathBuf,
    /// The certificate with its chain, in PEM, when asked for.
    pub(super) certificate: Option<PathBuf>,
    /// The private key in the clear, in PEM, when asked for.
    pub(super) key: Option<PathBuf>,
}

/// Writes the `.p12`, or the `.crt` where there is no key; with `pem` also `.crt` and `.pem`.
/// Nothing that is there is replaced, and nothing stays when one of them fails.
pub(super) fn write(bundle: &Bundle, folder: &Path, pem: bool) -> Result<Written, Refusal> {
    let path = |ending: &str| folder.join(format!("{}.{ending}", bundle.stem));
    let chain = bundle.chain_pem();
    let mut wanted: Vec<(PathBuf, &[u8], u32)> = Vec::new();
    let mut written = Written { main: path("p12"), certificate: None, key: None };
    match &bundle.key {
        Some(key) => {
            wanted.push((path("p12"), &key.pkcs12, PRIVATE));
            if pem {
                wanted.push((path("crt"), chain.as_bytes(), PUBLIC));
                wanted.push((path("pem"), key.plain_pem.expose(), PRIVATE));
                (written.certificate, written.key) = (Some(path("crt")), Some(path("pem")));
            }
        }
        None => {
            wanted.push((path("crt"), chain.as_bytes(), PUBLIC));
            written.main = path("crt");
        }
    }
    let mut done: Vec<PathBuf> = Vec::new();
    for (path, bytes, mode) in wanted {
        if let Err(error) = files::write_new(&path, bytes, mode) {
            for path in done {
                // What cannot be removed is named by the error that follows.
                let _ = std::fs::remove_file(path);
            }
            return Err(error.into());
        }
        done.push(path);
    }
    Ok(written)
}

/// Refuses a folder that cannot be written before anything is signed.
pub(super) fn check_writable(folder: &Path) -> Result<(), Refusal> {
    let probe = folder.join(format!(".sekisho-probe-{}", std::process::id()));
    let made = files::write_new(&probe, b"", PRIVATE);
    // It may be there although it is not durable; its name is ours alone.
    let _ = std::fs::remove_file(&probe);
    Ok(made.map_err(|error| FileError { path: folder.to_owned(), ..error })?)
}
