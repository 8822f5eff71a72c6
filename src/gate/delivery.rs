//! A gate's files as octets: the supervisor reads them, for the gate may open none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::settings::{ServerSource, Settings, TrustSource};
use crate::door::WireSecret;
use crate::ground::files::{self, FileError, FileProblem, Stamp};
use crate::ground::secret::SecretBytes;
use crate::pki::revocation_list::LARGEST_REVOCATION_LIST;

/// Octets of a file of certificates.
const CERTIFICATES_LIMIT: u64 = 1024 * 1024;

/// Octets of a file with a private key.
const KEY_LIMIT: u64 = 64 * 1024;

/// What some files of a gate held when they were last read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delivery {
    files: Vec<Delivered>,
    /// Whether all of them are to be put in force anew.
    pub(super) reload: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Delivered {
    path: PathBuf,
    /// As the file was just before it was read.
    stamp: Option<Stamp>,
    content: Result<WireSecret, FileError>,
}

/// How a file is read.
#[derive(Clone, Copy)]
enum Kind {
    Certificates,
    Key,
    RevocationList,
}

impl Delivery {
    /// Reads every file that the settings name, to be put in force as a whole.
    #[must_use]
    pub fn of_all(settings: &Settings) -> Self {
        let files = named(settings).into_iter().map(|(path, kind)| Delivered::read(path, kind));
        Self { files: files.collect(), reload: true }
    }

    /// The octets of a file.
    pub(super) fn read(&self, path: &Path) -> Result<&SecretBytes, FileError> {
        let missing = || FileError { path: path.to_owned(), problem: FileProblem::Missing };
        match &self.file(path).ok_or_else(missing)?.content {
            Ok(content) => Ok(content.get()),
            Err(error) => Err(error.clone()),
        }
    }

    /// Whether there was something at the path.
    pub(super) fn exists(&self, path: &Path) -> bool {
        !matches!(self.read(path), Err(FileError { problem: FileProblem::Missing, .. }))
    }

    /// The stamp of a file that was there. `None` for one that was not, or that was not delivered.
    pub(super) fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.file(path)?.stamp
    }

    /// Whether something is said of the file.
    pub(super) fn tells_of(&self, path: &Path) -> bool {
        self.file(path).is_some()
    }

    fn file(&self, path: &Path) -> Option<&Delivered> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl Delivered {
    fn read(path: &Path, kind: Kind) -> Self {
        let stamp = files::stamp(path);
        let content = match kind {
            Kind::Certificates => {
                files::read_service_file(path, CERTIFICATES_LIMIT).map(SecretBytes::new)
            }
            Kind::Key => files::read_service_secret(path, KEY_LIMIT),
            Kind::RevocationList => {
                let limit = u64::try_from(LARGEST_REVOCATION_LIST).unwrap_or(u64::MAX);
                // In PEM it is longer.
                files::read_service_file(path, limit.saturating_mul(2)).map(SecretBytes::new)
            }
        };
        Self { path: path.to_owned(), stamp, content: content.map(WireSecret::from) }
    }
}

/// Watches a gate's revocation lists for newer ones.
pub struct Watch {
    lists: Vec<Watched>,
}

struct Watched {
    path: PathBuf,
    seen: Option<Stamp>,
    readable: bool,
}

impl Watch {
    /// Watches the lists that the settings name, from the state they were delivered in.
    #[must_use]
    pub fn new(settings: &Settings, delivered: &Delivery) -> Self {
        let lists = settings.trust_files().map_or(&[][..], |(_, lists)| lists);
        let lists = lists.iter().map(|path| Watched {
            path: path.clone(),
            seen: delivered.stamp(path),
            readable: delivered.read(path).is_ok(),
        });
        Self { lists: lists.collect() }
    }

    /// The lists that have changed since they were last looked at; a file that could not be read is
    /// told of once, and again when it can be.
    pub fn changes(&mut self) -> Option<Delivery> {
        let mut files = Vec::new();
        for list in &mut self.lists {
            let stamp = files::stamp(&list.path);
            if list.readable && stamp == list.seen {
                continue;
            }
            let file = Delivered::read(&list.path, Kind::RevocationList);
            let readable = file.content.is_ok();
            let told = !readable && !list.readable;
            list.readable = readable;
            list.seen = file.stamp;
            if !told {
                files.push(file);
            }
        }
        (!files.is_empty()).then_some(Delivery { files, reload: false })
    }
}

/// The files that the settings name, and of each whether it is a private key.
#[must_use]
pub fn files_of(settings: &Settings) -> Vec<(&Path, bool)> {
    named(settings).into_iter().map(|(path, kind)| (path, matches!(kind, Kind::Key))).collect()
}

fn named(settings: &Settings) -> Vec<(&Path, Kind)> {
    let mut named = Vec::new();
    if let ServerSource::Files { certificate, key } = &settings.server {
        named.extend([(certificate.as_path(), Kind::Certificates), (key.as_path(), Kind::Key)]);
    }
    if let TrustSource::Files { authorities, revocation_lists, .. } = &settings.trust {
        named.push((authorities.as_path(), Kind::Certificates));
        let lists = revocation_lists.iter().map(|path| (path.as_path(), Kind::RevocationList));
        named.extend(lists);
    }
    if let Some(tls) = &settings.upstream_tls {
        named.push((tls.authorities.as_path(), Kind::Certificates));
        if let Some((certificate, key)) = &tls.client {
            named.extend([(certificate.as_path(), Kind::Certificates), (key.as_path(), Kind::Key)]);
        }
    }
    named
}
