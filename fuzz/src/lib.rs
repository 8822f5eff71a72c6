//! What the fuzz targets share.

#![forbid(unsafe_code)]

pub mod stage;
pub mod wire;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file in memory, closed to other users, gone when dropped: for readers that take paths.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A file with these bytes in it.
    pub fn new(bytes: &[u8]) -> Self {
        let path = PathBuf::from(format!("/dev/shm/sekisho-fuzz-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let mut file = options.create_new(true).write(true).mode(0o600).open(&path).unwrap();
        file.write_all(bytes).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Foreign text as it is shown to people has nothing in it that a terminal would act on.
pub fn assert_printable(shown: &str) {
    assert!(!shown.chars().any(sekisho::ground::untrusted::is_hidden), "{shown:?}");
}
