//! Root's commands over a data folder that belongs to the service's own user: an authority of that
//! user carries them out, for as long as the command runs. Root touches nothing in the folder, and
//! everything that is made there belongs to the service.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::authority::{DataFolder, SERVICE_FOLDER};
use crate::door::Door;
use crate::door::descriptors;
use crate::door::feed::{Answer, Event, Hello, Unseal};
use crate::door::frame::{self, FEED_LIMIT};
use crate::door::opening::{self, LogForm};
use crate::ground::access::Reader;
use crate::ground::clock;
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::hardening::{Role, Terms};

use super::roles::{User, Users, packaged_supervisor};
use super::screen;

/// How long the authority may take to begin: it reads the whole ledger first.
const BEGINNING: Duration = Duration::from_secs(900);

/// How often it is looked whether it has begun.
const LOOK: Duration = Duration::from_millis(10);

/// Days a CRL is valid that it signs unasked, and a server certificate: none is due without gates.
const DAYS: u32 = 30;

/// The user to whom root must leave the folder: the authority's account, where it is the owner. The
/// service's own folder is the account's, also where a command of root was killed before it had given
/// back all of it.
///
/// # Errors
/// The system refused to give it back.
pub(super) fn of(folder: &DataFolder) -> Result<Option<User>, Refusal> {
    let Some(user) = Users::find().of(Role::Authority) else { return Ok(None) };
    if is_the_services(folder) && folder.is_initialised() {
        folder.give_to(user.uid, user.gid)?;
    }
    let owner = std::fs::symlink_metadata(folder.path()).ok().map(|folder| folder.uid());
    Ok(owner.filter(|owner| *owner == user.uid).map(|_| user))
}

/// Hands a key file that root has made to the packaged service, which reads it at every start, where the
/// data folder is the service's; whether it did.
///
/// # Errors
/// The system refused.
pub(super) fn hand_over(key_file: &Path, folder: &DataFolder) -> Result<bool, Refusal> {
    let Some(authority) = Users::find().of(Role::Authority) else { return Ok(false) };
    let owner = std::fs::symlink_metadata(folder.path()).ok().map(|folder| folder.uid());
    let supervisor = packaged_supervisor().filter(|_| owner == Some(authority.uid));
    let Some(Reader { uid, gid, .. }) = supervisor else { return Ok(false) };
    files::give(key_file, uid, gid)?;
    Ok(true)
}

fn is_the_services(folder: &DataFolder) -> bool {
    folder.path() == Path::new(SERVICE_FOLDER) && files::exists(folder.path())
}

/// A folder without a CA that root has taken from its owner, to make a CA in it. It goes back when
/// this is dropped, with all that was made.
pub(super) struct TakenFolder<'a> {
    folder: &'a DataFolder,
    owner: Option<User>,
}

impl<'a> TakenFolder<'a> {
    /// Takes the folder; nothing is done where it is ours, or not there.
    ///
    /// # Errors
    /// The system refused.
    pub(super) fn take(folder: &'a DataFolder) -> Result<Self, Refusal> {
        let account = || Users::find().of(Role::Authority).filter(|_| is_the_services(folder));
        let owner = of(folder)?.or_else(account).filter(|_| !folder.is_initialised());
        if owner.is_some() {
            files::take(folder.path())?;
        }
        Ok(Self { folder, owner })
    }
}

impl Drop for TakenFolder<'_> {
    fn drop(&mut self) {
        if let Some(User { uid, gid }) = self.owner {
            // The next command, or the service, gives what is left of root's.
            let _ = self.folder.give_to(uid, gid);
        }
    }
}

/// An authority at work for one command. It ends when this is dropped.
pub(super) struct OwnersAuthority {
    child: Child,
    /// Reads what it says; none once that was taken.
    words: Option<JoinHandle<String>>,
    /// While it is open the authority works.
    feed: Option<UnixStream>,
}

impl OwnersAuthority {
    /// Starts it over a folder, sealed, and waits until it takes commands.
    ///
    /// # Errors
    /// It could not be started, or ended at once; what it said of that is shown.
    pub(super) fn start(folder: &DataFolder, user: User) -> Result<Self, Refusal> {
        let failed =
            |error: std::io::Error| Refusal::AuthorityNotSpawned { reason: error.to_string() };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mut child = Command::new("/proc/self/exe")
            .arg("authority")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .uid(user.uid)
            .gid(user.gid)
            .spawn()
            .map_err(failed)?;
        let words = child.stderr.take();
        let words = words.map(|stderr| std::thread::spawn(move || last_words(stderr)));
        let mut authority = Self { child, words, feed: Some(ours) };
        authority.begin(folder)?;
        Ok(authority)
    }

    fn begin(&mut self, folder: &DataFolder) -> Result<(), Refusal> {
        let hello = Hello {
            folder: folder.path().to_owned(),
            unseal: Unseal::Later,
            admins: Vec::new(),
            roles: Vec::new(),
            crl_days: DAYS,
            server_days: DAYS,
            gates: Vec::new(),
            terms: Terms::default(),
        };
        let Some(feed) = &mut self.feed else { return Err(Refusal::ServiceGone {}) };
        let gone = |_| Refusal::ServiceGone {};
        // Nothing comes over it.
        let (_, channel) = descriptors::pair().map_err(gone)?;
        // When it cannot be told the process is gone, and that is found out below.
        let _ = opening::begin_and_wait(feed, LogForm::Text, channel.as_fd());
        drop(channel);
        let mut told = feed.try_clone().map_err(gone)?;
        // When it cannot be written the process is gone, and that is found out below.
        let _ = frame::write(feed, &Answer::Hello(Box::new(hello)), FEED_LIMIT);
        // Nobody serves: what it tells is read and forgotten.
        std::thread::spawn(move || {
            while let Ok(Some(event)) = frame::read::<Event>(&mut told, FEED_LIMIT) {
                drop(event);
            }
        });
        let deadline = clock::monotonic() + BEGINNING;
        while clock::monotonic() < deadline {
            if Door::at(&folder.control_socket(), "").is_ok_and(|door| door.is_some()) {
                return Ok(());
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        Err(Refusal::OwnersAuthorityEnded { reason: self.words() })
    }

    /// What it said last, once it has ended.
    fn words(&mut self) -> String {
        self.words.take().and_then(|words| words.join().ok()).unwrap_or_default()
    }
}

/// Reads to the end, so that nobody waits who says much; the last of it.
fn last_words(mut from: impl Read) -> String {
    let (mut said, mut octets) = (Vec::new(), [0; WORDS]);
    while let Ok(read @ 1..) = from.read(&mut octets) {
        said.extend_from_slice(octets.get(..read).unwrap_or_default());
        said.drain(..said.len().saturating_sub(WORDS));
    }
    String::from_utf8_lossy(&said).trim_end().to_owned()
}

/// Octets of last words that are shown.
const WORDS: usize = 4096;

impl Drop for OwnersAuthority {
    fn drop(&mut self) {
        if let Some(feed) = self.feed.take() {
            // Its reader has a copy; the end is told to both.
            let _ = feed.shutdown(std::net::Shutdown::Both);
        }
        // It ends by itself once its command is finished.
        let ended = self.child.wait();
        let words = self.words();
        if !ended.is_ok_and(|status| status.success()) && !words.is_empty() {
            screen::aside(&words);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    // Catches an authority that waits for ever, and its command with it, once it has said more than
    // a pipe holds.
    #[test]
    fn whoever_says_much_is_read_to_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let reading = std::thread::spawn(move || last_words(ours));
        for line in 0..100_000 {
            writeln!(theirs, "line {line}").unwrap();
        }
        drop(theirs);
        let words = reading.join().unwrap();
        assert!(words.ends_with("\nline 99999"), "{words}");
        assert!(words.len() <= WORDS);
    }
}
