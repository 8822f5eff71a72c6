//! The revocation lists of files, and what becomes of newer ones.

use std::path::{Path, PathBuf};

use super::delivery::Delivery;
use crate::admission::{Revocations, TrustAnchors};
use crate::ground::clock::{DAY, Timestamp};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::pki::{Certificate, RevocationList, SerialNumber};

/// The lists in force, and the files they came from.
pub(super) struct RevocationLists {
    files: Vec<ListFile>,
    in_force: Revocations,
    grace_days: i64,
    warned_at: Option<Timestamp>,
}

struct ListFile {
    path: PathBuf,
    issuer: [u8; 32],
    number: SerialNumber,
    this_update: Timestamp,
    next_update: Timestamp,
}

/// Why a file's list is not taken.
enum Unusable {
    /// The system did not give the supervisor the file; its next look may.
    Unreadable(Refusal),
    Refused(Refusal),
    /// It is the one in force, or an older one.
    NotNewer {
        number: SerialNumber,
    },
}

impl RevocationLists {
    /// Reads the lists for the first time. Here one that has expired is refused: nobody is waiting
    /// yet, and the administrator is looking.
    pub(super) fn read(
        paths: &[PathBuf],
        files: &Delivery,
        grace_days: u16,
        anchors: &TrustAnchors,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let grace_days = i64::from(grace_days);
        let mut lists = Self {
            files: Vec::with_capacity(paths.len()),
            in_force: Revocations::new(grace_days),
            grace_days,
            warned_at: None,
        };
        for path in paths {
            let (issuer, list) = read_list(path, files, anchors, now)?;
            if list.is_expired(now) {
                return Err(Refusal::RevocationListExpired {
                    path: shown(path),
                    since: list.next_update().local(),
                });
            }
            if lists.files.iter().any(|file| file.issuer == issuer.sha256()) {
                return Err(Refusal::RevocationListTwice { path: shown(path) });
            }
            lists.in_force = lists.in_force.with(issuer, &list);
            lists.files.push(ListFile::new(path, issuer, &list));
        }
        Ok(lists)
    }

    /// The lists in force; `None` when none are configured.
    pub(super) fn in_force(&self) -> Option<Revocations> {
        (!self.files.is_empty()).then(|| self.in_force.clone())
    }

    /// Takes the lists that are newer. One that is broken, foreign or older is refused and logged; the
    /// last good one stays in force. A newer one is put in force before the log says so: whoever
    /// reads the line may count on it.
    pub(super) fn refresh(
        &mut self,
        files: &Delivery,
        anchors: &TrustAnchors,
        now: Timestamp,
        put_in_force: impl Fn(Revocations),
    ) {
        for file in self.files.iter_mut().filter(|file| files.tells_of(&file.path)) {
            match file.take_newer(files, anchors, now) {
                Err(Unusable::Unreadable(refusal)) => tracing::error!(
                    path = %Untrusted(&file.path.to_string_lossy()),
                    in_force = %file.number,
                    "revocation list cannot be read, the last good one stays in force: {refusal}"
                ),
                Ok((issuer, list)) => {
                    self.in_force = self.in_force.clone().with(issuer, &list);
                    put_in_force(self.in_force.clone());
                    tracing::info!(
                        path = %Untrusted(&file.path.to_string_lossy()),
                        number = %file.number,
                        next_update = %file.next_update,
                        "revocation list in force"
                    );
                }
                Err(Unusable::NotNewer { number }) if number == file.number => {}
                Err(Unusable::NotNewer { number }) => tracing::error!(
                    path = %Untrusted(&file.path.to_string_lossy()),
                    number = %number,
                    in_force = %file.number,
                    "revocation list refused: older than the one in force"
                ),
                Err(Unusable::Refused(refusal)) => tracing::error!(
                    path = %Untrusted(&file.path.to_string_lossy()),
                    in_force = %file.number,
                    "revocation list refused, the last good one stays in force: {refusal}"
                ),
            }
        }
    }

    /// Reads all files anew under other anchors. What is in force may be replaced by newer only.
    pub(super) fn reread(
        &self,
        delivery: &Delivery,
        anchors: &TrustAnchors,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut in_force = Revocations::new(self.grace_days);
        let mut files = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let (issuer, list) = read_list(&file.path, delivery, anchors, now)?;
            if issuer.sha256() == file.issuer && list.number() < file.number {
                return Err(Refusal::RevocationListOlder {
                    path: shown(&file.path),
                    number: list.number().to_string(),
                    in_force: file.number.to_string(),
                });
            }
            in_force = in_force.with(issuer, &list);
            files.push(ListFile::new(&file.path, issuer, &list));
        }
        Ok(Self { files, in_force, grace_days: self.grace_days, warned_at: self.warned_at })
    }

    /// Warns once a day while a list is overdue.
    pub(super) fn warn_if_overdue(&mut self, now: Timestamp) {
        if self.warned_at.is_some_and(|warned| now < warned.plus_seconds(DAY)) {
            return;
        }
        for file in self.files.iter().filter(|file| file.next_update < now) {
            self.warned_at = Some(now);
            tracing::warn!(
                path = %Untrusted(&file.path.to_string_lossy()),
                next_update = %file.next_update,
                everybody_refused_after = %file.next_update.plus_days(self.grace_days),
                "revocation list expired: issue a new one"
            );
        }
    }
}

impl ListFile {
    fn new(path: &Path, issuer: &Certificate, list: &RevocationList) -> Self {
        Self {
            path: path.to_owned(),
            issuer: issuer.sha256(),
            number: list.number(),
            this_update: list.this_update(),
            next_update: list.next_update(),
        }
    }

    fn take_newer<'a>(
        &mut self,
        files: &Delivery,
        anchors: &'a TrustAnchors,
        now: Timestamp,
    ) -> Result<(&'a Certificate, RevocationList), Unusable> {
        let bytes = files.read(&self.path).map_err(|error| Unusable::Unreadable(error.into()))?;
        let (issuer, list) =
            verified(&self.path, bytes.expose(), anchors, now).map_err(Unusable::Refused)?;
        let same_issuer = issuer.sha256() == self.issuer;
        // A CA restored from a backup counts its lists again: what is later counts, not what is like.
        let later = list.number() == self.number && list.this_update() > self.this_update;
        if same_issuer && list.number() <= self.number && !later {
            return Err(Unusable::NotNewer { number: list.number() });
        }
        if !same_issuer {
            // The list in force would silently stop being kept up to date.
            return Err(Unusable::Refused(Refusal::RevocationListOtherIssuer {}));
        }
        self.number = list.number();
        self.this_update = list.this_update();
        self.next_update = list.next_update();
        Ok((issuer, list))
    }
}

/// Reads a list that one of the anchors signed.
fn read_list<'a>(
    path: &Path,
    files: &Delivery,
    anchors: &'a TrustAnchors,
    now: Timestamp,
) -> Result<(&'a Certificate, RevocationList), Refusal> {
    verified(path, files.read(path)?.expose(), anchors, now)
}

fn verified<'a>(
    path: &Path,
    bytes: &[u8],
    anchors: &'a TrustAnchors,
    now: Timestamp,
) -> Result<(&'a Certificate, RevocationList), Refusal> {
    let mut first_error = None;
    for issuer in anchors.certificates() {
        match RevocationList::verify(bytes, issuer, now) {
            Ok(list) => return Ok((issuer, list)),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let reason = first_error.map_or(Refusal::RevocationListOtherIssuer {}, Refusal::from);
    Err(Refusal::RevocationListUnusable {
        path: shown(path),
        reason_en: reason.what(crate::ground::messages::Language::English),
        reason_ja: reason.what(crate::ground::messages::Language::Japanese),
    })
}

fn shown(path: &Path) -> String {
    Untrusted(&path.to_string_lossy()).to_string()
}
