//! The published documents as files, for programs that read files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, CWD};

use super::publication::Publication;
use crate::ground::files::{self, FileError, FileProblem, PUBLIC, PUBLIC_FOLDER};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// A folder that is ours to write to.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or accepts the one that is there when this process may write to it.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let not_ours = || Refusal::PublishFolderNotOurs {
            path: Untrusted(&path.to_string_lossy()).to_string(),
            user: rustix::process::geteuid().as_raw().to_string(),
        };
        match files::ensure_folder(path, PUBLIC_FOLDER) {
            Ok(()) => {}
            Err(FileError {
                problem: FileProblem::ForeignOwner { .. } | FileProblem::Denied,
                ..
            }) => return Err(not_ours()),
            Err(error) => return Err(error.into()),
        }
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS).map_err(|_| not_ours())?;
        Ok(Self(path.to_owned()))
    }

    /// Writes the documents, each whole or not at all; whether all of them are there.
    pub(super) async fn write(&self, publication: Arc<Publication>) -> bool {
        let folder = self.0.clone();
        // Reaching the disk takes a while, and those who ask must not wait for it.
        let written = tokio::task::spawn_blocking(move || write(&folder, &publication)).await;
        match written {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                let refusal = Refusal::from(error);
                tracing::error!("publisher: the files are not written: {refusal}");
                false
            }
            Err(_) => false,
        }
    }
}

fn write(folder: &Path, publication: &Publication) -> Result<(), FileError> {
    for (name, bytes) in publication.files() {
        files::write_atomic(&folder.join(name), bytes, PUBLIC)?;
    }
    Ok(())
}
