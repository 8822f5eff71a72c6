//! Files: read with a bound, written atomically, refused when they belong to somebody else.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::secret::SecretBytes;

/// Mode of files anyone may read: certificates and CRLs.
pub const PUBLIC: u32 = 0o644;
/// Mode of files that hold a secret.
pub const PRIVATE: u32 = 0o600;
/// Mode of folders that hold secrets.
pub const PRIVATE_FOLDER: u32 = 0o700;

/// Mode of folders that everybody may look into.
pub const PUBLIC_FOLDER: u32 = 0o755;

/// Why a file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileError {
    /// The path as it was given.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: FileProblem,
}

/// What is wrong with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileProblem {
    /// It is not there.
    Missing,
    /// It is there already and must not be replaced.
    Exists,
    /// A symbolic link stands where a file or folder must be.
    SymbolicLink,
    /// It is a folder, device, socket or pipe.
    NotAFile,
    /// A file stands where a folder must be.
    NotAFolder,
    /// It belongs to another user.
    ForeignOwner {
        /// The user id that owns it.
        owner: u32,
    },
    /// Others may read it (secrets) or write to it (folders of secrets).
    LooseMode {
        /// The permission bits it has.
        mode: u32,
    },
    /// It is larger than the bound for this kind of file.
    TooLarge {
        /// The bound in bytes.
        limit: u64,
    },
    /// The disk or the quota is full.
    DiskFull,
    /// Permission was refused.
    Denied,
    /// Any other answer of the system, by its error number.
    System(i32),
    /// Permission was refused for what a service reads for itself.
    DeniedToService,
}

impl FileError {
    fn new(path: &Path, problem: FileProblem) -> Self {
        Self { path: path.to_owned(), problem }
    }

    fn of_service(mut self) -> Self {
        if self.problem == FileProblem::Denied {
            self.problem = FileProblem::DeniedToService;
        }
        self
    }

    fn from_errno(path: &Path, errno: Errno) -> Self {
        let problem = match errno {
            Errno::NOENT => FileProblem::Missing,
            Errno::EXIST => FileProblem::Exists,
            Errno::LOOP => FileProblem::SymbolicLink,
            Errno::NOTDIR => FileProblem::NotAFolder,
            Errno::ISDIR => FileProblem::NotAFile,
            Errno::NOSPC | Errno::DQUOT => FileProblem::DiskFull,
            Errno::ACCESS | Errno::PERM | Errno::ROFS => FileProblem::Denied,
            other => FileProblem::System(other.raw_os_error()),
        };
        Self::new(path, problem)
    }

    /// A `FileError` from an error of the standard library.
    #[must_use]
    pub fn from_io(path: &Path, error: &std::io::Error) -> Self {
        Self::from_errno(path, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }
}

/// Reads a public file of at most `limit` bytes. Symbolic links are followed.
///
/// # Errors
/// Missing, unreadable, not a regular file, or larger than `limit`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = open_regular(path, OFlags::empty())?;
    read_bounded(path, &file, limit)
}

/// Reads a secret of at most `limit` bytes: no symbolic link, owned by us (or by root), and closed
/// to group and others.
///
/// # Errors
/// As [`read`], and `SymbolicLink`, `ForeignOwner`, `LooseMode`.
pub fn read_secret(path: &Path, limit: u64) -> Result<SecretBytes, FileError> {
    let file = open_regular(path, OFlags::NOFOLLOW)?;
    check_secret(path, &file)?;
    read_bounded(path, &file, limit).map(SecretBytes::new)
}

/// Accepts an open file only when it is a regular one, owned by us (or by root), and closed to group
/// and others.
///
/// # Errors
/// `NotAFile`, `ForeignOwner`, `LooseMode`.
pub fn check_secret(path: &Path, file: &impl AsFd) -> Result<(), FileError> {
    let stat = rustix::fs::fstat(file).map_err(|e| FileError::from_errno(path, e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileError::new(path, FileProblem::NotAFile));
    }
    check_owner(path, stat.st_uid)?;
    check_closed(path, stat.st_mode)
}

/// Reads a public file that a service reads for itself, as [`read`].
///
/// # Errors
/// As [`read`], but `DeniedToService`.
pub fn read_service_file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read(path, limit).map_err(FileError::of_service)
}

/// Reads a secret that a service reads for itself, as [`read_secret_of_service`].
///
/// # Errors
/// As [`read_secret`], but `DeniedToService`.
pub fn read_service_secret(path: &Path, limit: u64) -> Result<SecretBytes, FileError> {
    read_secret_of_service(path, limit).map_err(FileError::of_service)
}

/// Reads a secret of a service, as [`read_secret`]; but root, who serves for others, may also read
/// what belongs to a service's own user, and what is root's may be open to root's group: an access list,
/// such as systemd makes for a credential, shows so (acl(5)).
///
/// # Errors
/// As [`read_secret`].
pub fn read_secret_of_service(path: &Path, limit: u64) -> Result<SecretBytes, FileError> {
    let file = open_regular(path, OFlags::NOFOLLOW)?;
    let stat = rustix::fs::fstat(&file).map_err(|e| FileError::from_errno(path, e))?;
    if !rustix::process::geteuid().is_root() {
        check_owner(path, stat.st_uid)?;
    }
    let of_root = stat.st_uid == 0 && stat.st_gid == 0;
    check_closed(path, if of_root { stat.st_mode & !0o040 } else { stat.st_mode })?;
    read_bounded(path, &file, limit).map(SecretBytes::new)
}

/// What changes when a file is written or replaced: compare two of the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    inode: u64,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The stamp of the file at a path, symbolic links followed; `None` when there is none.
#[must_use]
pub fn stamp(path: &Path) -> Option<Stamp> {
    let stat = rustix::fs::stat(path).ok()?;
    Some(Stamp {
        inode: stat.st_ino,
        size: stat.st_size,
        modified: (stat.st_mtime, stat.st_mtime_nsec.try_into().unwrap_or(0)),
        changed: (stat.st_ctime, stat.st_ctime_nsec.try_into().unwrap_or(0)),
    })
}

/// Writes a file so that a reader sees the old bytes or the new ones, never a part: a temporary
/// file in the same folder, fsync, rename, fsync of the folder. A symbolic link at `path` is
/// refused, not followed.
///
/// # Errors
/// A folder that is missing or not ours to write, a full disk; the old file is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    refuse_link(path)?;
    let temporary = TemporaryFile::write(path, bytes, mode)?;
    rustix::fs::rename(&temporary.path, path).map_err(|e| FileError::from_errno(path, e))?;
    temporary.keep();
    sync_parent(path)
}

/// As [`write_atomic`], but refuses to replace a file that is there.
///
/// # Errors
/// `Exists` when there is one; else as [`write_atomic`].
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let temporary = TemporaryFile::write(path, bytes, mode)?;
    rustix::fs::linkat(CWD, &temporary.path, CWD, path, AtFlags::empty())
        .map_err(|e| FileError::from_errno(path, e))?;
    drop(temporary);
    sync_parent(path)
}

/// Takes a folder from its owner, for root, with nothing that is in it.
///
/// # Errors
/// `NotAFolder`, or the system's own refusal.
pub fn take(folder: &Path) -> Result<(), FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
        .and_then(|open| rustix::fs::fchown(open, Some(Uid::ROOT), Some(Gid::ROOT)))
        .map_err(|e| FileError::from_errno(folder, e))
}

/// Gives a file, or a folder and all beneath it, to another user. Links are not followed. What belongs
/// neither to us nor to that user already is left as it is.
///
/// # Errors
/// The system's refusal; some of it may be given by then.
pub fn give(path: &Path, uid: u32, gid: u32) -> Result<(), FileError> {
    let stat = rustix::fs::lstat(path).map_err(|e| FileError::from_errno(path, e))?;
    let ours = stat.st_uid == rustix::process::geteuid().as_raw();
    // The folder is ours while we walk it: nobody puts a link in our way.
    if ours && FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        let entries = std::fs::read_dir(path).map_err(|e| FileError::from_io(path, &e))?;
        for entry in entries {
            give(&entry.map_err(|e| FileError::from_io(path, &e))?.path(), uid, gid)?;
        }
    }
    if !ours {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::fs::chownat(CWD, path, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|e| FileError::from_errno(path, e))
}

/// A new file that is written bit by bit, for us only, and appears as a whole when it is finished.
/// Dropped before, it leaves nothing.
pub struct NewFile {
    file: File,
    destination: PathBuf,
    temporary: TemporaryFile,
}

impl NewFile {
    /// Begins a file, beside where it will appear.
    ///
    /// # Errors
    /// `Exists` when there is one already; a folder that is missing or not ours to write.
    pub fn create(destination: &Path) -> Result<Self, FileError> {
        if exists(destination) {
            return Err(FileError::new(destination, FileProblem::Exists));
        }
        let (temporary, file) = TemporaryFile::create(destination)?;
        Ok(Self { file, destination: destination.to_owned(), temporary })
    }

    /// Makes it durable, and lets it appear.
    ///
    /// # Errors
    /// `Exists` when there is one by now; a full disk; nothing appears then.
    pub fn finish(self) -> Result<(), FileError> {
        let path = &self.destination;
        let failed = |errno| FileError::from_errno(path, errno);
        rustix::fs::fsync(&self.file).map_err(failed)?;
        let temporary = &self.temporary.path;
        match rustix::fs::linkat(CWD, temporary, CWD, path, AtFlags::empty()) {
            Ok(()) => {}
            // A disk that knows no links, such as a memory stick's.
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS) => {
                let flags = RenameFlags::NOREPLACE;
                rustix::fs::renameat_with(CWD, temporary, CWD, path, flags).map_err(failed)?;
            }
            Err(errno) => return Err(failed(errno)),
        }
        sync_parent(path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Opens a public file to be read bit by bit. Symbolic links are followed.
///
/// # Errors
/// Missing, unreadable, or not a regular file.
pub fn open(path: &Path) -> Result<File, FileError> {
    open_regular(path, OFlags::empty()).map(File::from)
}

/// Moves a file or folder to a place that is free, and makes that durable.
///
/// # Errors
/// The system's refusal; nothing has moved then.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    rustix::fs::rename(from, to).map_err(|e| FileError::from_errno(to, e))?;
    sync_parent(to)
}

/// Makes a folder (and the folders above it) or accepts the one that is there: a real folder that
/// we own and that nobody else may write to.
///
/// # Errors
/// `SymbolicLink`, `NotAFolder`, `ForeignOwner`, `LooseMode`, or the system's own refusal.
pub fn ensure_folder(path: &Path, mode: u32) -> Result<(), FileError> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
        Ok(()) => return sync_parent(path),
        Err(Errno::EXIST) => {}
        Err(Errno::NOENT) => {
            let parent = path.parent().ok_or_else(|| FileError::new(path, FileProblem::Missing))?;
            ensure_folder(parent, mode)?;
            return match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
                Ok(()) => sync_parent(path),
                Err(errno) => Err(FileError::from_errno(path, errno)),
            };
        }
        Err(errno) => return Err(FileError::from_errno(path, errno)),
    }
    check_folder(path)
}

/// Accepts a folder only when it is a real one, ours, and closed to other writers.
///
/// # Errors
/// As [`ensure_folder`].
pub fn check_folder(path: &Path) -> Result<(), FileError> {
    let stat = rustix::fs::lstat(path).map_err(|e| FileError::from_errno(path, e))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {}
        FileType::Symlink => return Err(FileError::new(path, FileProblem::SymbolicLink)),
        _ => return Err(FileError::new(path, FileProblem::NotAFolder)),
    }
    check_owner(path, stat.st_uid)?;
    if stat.st_mode & 0o022 != 0 {
        let mode = stat.st_mode & 0o7777;
        return Err(FileError::new(path, FileProblem::LooseMode { mode }));
    }
    Ok(())
}

/// Accepts a folder only when it is ours, whoever else may write to it; links are followed.
///
/// # Errors
/// `Missing`, `NotAFolder`, `ForeignOwner`.
pub fn check_owned_folder(path: &Path) -> Result<(), FileError> {
    let stat = rustix::fs::stat(path).map_err(|e| FileError::from_errno(path, e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(FileError::new(path, FileProblem::NotAFolder));
    }
    check_owner(path, stat.st_uid)
}

/// Whether something stands at the path; a dangling link counts.
#[must_use]
pub fn exists(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok()
}

fn check_owner(path: &Path, owner: u32) -> Result<(), FileError> {
    let ours = rustix::process::geteuid().as_raw();
    if owner == ours || owner == 0 {
        return Ok(());
    }
    Err(FileError::new(path, FileProblem::ForeignOwner { owner }))
}

fn check_closed(path: &Path, mode: u32) -> Result<(), FileError> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(FileError::new(path, FileProblem::LooseMode { mode: mode & 0o7777 }))
}

fn refuse_link(path: &Path) -> Result<(), FileError> {
    match rustix::fs::lstat(path) {
        Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(()),
            FileType::Symlink => Err(FileError::new(path, FileProblem::SymbolicLink)),
            _ => Err(FileError::new(path, FileProblem::NotAFile)),
        },
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(FileError::from_errno(path, errno)),
    }
}

fn open_regular(path: &Path, extra: OFlags) -> Result<OwnedFd, FileError> {
    // Without NONBLOCK, opening a pipe that somebody left here would wait for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | extra;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|e| FileError::from_errno(path, e))?;
    let stat = rustix::fs::fstat(&file).map_err(|e| FileError::from_errno(path, e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FileError::new(path, FileProblem::NotAFile));
    }
    Ok(file)
}

fn read_bounded(path: &Path, file: &impl AsFd, limit: u64) -> Result<Vec<u8>, FileError> {
    let stat = rustix::fs::fstat(file).map_err(|e| FileError::from_errno(path, e))?;
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if size > limit {
        return Err(FileError::new(path, FileProblem::TooLarge { limit }));
    }
    let file = File::from(
        rustix::io::fcntl_dupfd_cloexec(file, 0).map_err(|e| FileError::from_errno(path, e))?,
    );
    // One allocation of the final size, so that growing leaves no copies of a secret behind.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| FileError::from_io(path, &e))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(FileError::new(path, FileProblem::TooLarge { limit }));
    }
    Ok(bytes)
}

fn sync_parent(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
        .and_then(rustix::fs::fsync)
        .map_err(|e| FileError::from_errno(folder, e))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A complete file beside its destination; removed when dropped without [`TemporaryFile::keep`].
struct TemporaryFile {
    path: PathBuf,
    kept: bool,
}

impl TemporaryFile {
    fn write(destination: &Path, bytes: &[u8], mode: u32) -> Result<Self, FileError> {
        let failed = |errno| FileError::from_errno(destination, errno);
        let (temporary, mut file) = Self::create(destination)?;
        file.write_all(bytes).map_err(|e| FileError::from_io(destination, &e))?;
        // The mode is set on the open file, so that the umask does not decide it.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(failed)?;
        rustix::fs::fsync(&file).map_err(failed)?;
        Ok(temporary)
    }

    /// An empty file beside its destination, for us only.
    fn create(destination: &Path) -> Result<(Self, File), FileError> {
        let failed = |errno| FileError::from_errno(destination, errno);
        let mut name = std::ffi::OsString::from(".sekisho-");
        let mut random = [0_u8; 8];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| failed(Errno::IO))?;
        name.push(format!("{:016x}", u64::from_be_bytes(random)));
        let path = folder_of(destination).join(name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(PRIVATE)).map_err(failed)?;
        Ok((Self { path, kept: false }, File::from(file)))
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about a failure here; the name says whose litter it is.
            let _ = rustix::fs::unlink(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_link_in_the_way_is_refused_and_its_target_untouched() {
        let folder = folder();
        let target = folder.path().join("target");
        let link = folder.path().join("link");
        write_new(&target, b"kept", PUBLIC).unwrap();
        symlink(&target, &link).unwrap();
        let error = write_atomic(&link, b"new", PUBLIC).unwrap_err();
        assert_eq!(error.problem, FileProblem::SymbolicLink);
        assert_eq!(read(&target, 100).unwrap(), b"kept");
        assert_eq!(read_secret(&link, 100).unwrap_err().problem, FileProblem::SymbolicLink);
    }

    #[test]
    fn a_secret_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.path().join("key");
        write_new(&path, b"secret", PUBLIC).unwrap();
        let error = read_secret(&path, 100).unwrap_err();
        assert_eq!(error.problem, FileProblem::LooseMode { mode: 0o644 });
    }

    #[test]
    fn the_mode_asked_for_is_the_mode_given_and_nothing_is_left_behind() {
        let folder = folder();
        let path = folder.path().join("secret");
        write_atomic(&path, b"1", PRIVATE).unwrap();
        write_atomic(&path, b"2", PRIVATE).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, PRIVATE);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(write_new(&path, b"3", PRIVATE).unwrap_err().problem, FileProblem::Exists);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(read(&path, 1).unwrap(), b"2");
    }

    #[test]
    fn a_file_over_its_bound_is_refused() {
        let folder = folder();
        let path = folder.path().join("large");
        write_new(&path, &[0; 101], PUBLIC).unwrap();
        let error = read(&path, 100).unwrap_err();
        assert_eq!(error.problem, FileProblem::TooLarge { limit: 100 });
    }
}
