//! Who may read a file, as far as owner, group and mode tell.

use std::path::{Path, PathBuf};

use rustix::fs::Stat;

/// A user and all groups that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The user.
    pub uid: u32,
    /// Its own group.
    pub gid: u32,
    /// The other groups that it is in.
    pub groups: Vec<u32>,
}

/// What keeps somebody from reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The file, or a folder above it.
    pub path: PathBuf,
    /// Whether it is the file itself.
    pub is_the_file: bool,
    /// The user that owns it.
    pub owner: u32,
    /// Its group.
    pub group: u32,
    /// Its permission bits.
    pub mode: u32,
}

impl Reader {
    /// A user with the groups that a list of them (group(5)) names it in.
    #[must_use]
    pub fn new(name: &str, uid: u32, gid: u32, list: &str) -> Self {
        let named = list.lines().filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let gid = fields.next()?.parse().ok()?;
            fields.next()?.split(',').any(|member| member == name).then_some(gid)
        });
        Self { uid, gid, groups: named.collect() }
    }

    /// The first thing on the way to a file that keeps this user out, from the root on, along the path as
    /// it is written and to where its links lead. `None` where there is none, or where we cannot look.
    /// Access lists (acl(5)) are not known here.
    #[must_use]
    pub fn obstacle(&self, path: &Path) -> Option<Obstacle> {
        let written = std::path::absolute(path).ok()?;
        let led_to = std::fs::canonicalize(path).ok()?;
        [written, led_to].iter().find_map(|way| {
            let mut steps: Vec<&Path> = way.ancestors().collect();
            steps.reverse();
            steps.into_iter().find_map(|step| self.obstacle_at(step, step == way))
        })
    }

    fn obstacle_at(&self, path: &Path, is_the_file: bool) -> Option<Obstacle> {
        let stat = rustix::fs::stat(path).ok()?;
        if self.may(&stat, if is_the_file { READ } else { PASS }) {
            return None;
        }
        Some(Obstacle {
            path: path.to_owned(),
            is_the_file,
            owner: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7777,
        })
    }

    /// The first of the three that fits decides (path_resolution(7)).
    fn may(&self, stat: &Stat, right: u32) -> bool {
        let shift = if stat.st_uid == self.uid {
            6
        } else if stat.st_gid == self.gid || self.groups.contains(&stat.st_gid) {
            3
        } else {
            0
        };
        (stat.st_mode >> shift) & right != 0
    }
}

const READ: u32 = 0o4;
const PASS: u32 = 0o1;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::ground::files;

    const GROUPS: &str =
        "root:x:0:\nssl-cert:x:110:postgres,sekisho\nother:x:111:sekisho-gate\nbroken\n";

    #[test]
    fn a_user_is_in_its_own_group_and_those_that_name_it_whole() {
        let reader = Reader::new("sekisho", 993, 992, GROUPS);
        assert_eq!(reader, Reader { uid: 993, gid: 992, groups: vec![110] });
    }

    #[test]
    fn the_first_obstacle_on_the_way_is_told_also_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        let [archive, live] = ["archive", "live"].map(|name| folder.path().join(name));
        for made in [&archive, &live] {
            std::fs::create_dir(made).unwrap();
            set(made, 0o755);
        }
        set(folder.path(), 0o755);
        let (file, link) = (archive.join("key"), live.join("key"));
        files::write_new(&file, b"key", files::PUBLIC).unwrap();
        symlink(&file, &link).unwrap();
        let own = std::fs::metadata(&file).unwrap();
        let owner = Reader { uid: own.uid(), gid: own.gid(), groups: vec![] };
        let other = Reader { uid: own.uid() + 1, gid: own.gid() + 1, groups: vec![] };
        let member = Reader { groups: vec![own.gid()], ..other.clone() };
        let at = |reader: &Reader| reader.obstacle(&link).map(|obstacle| obstacle.path);

        for (mode, closed_to) in [
            (0o644, &[][..]),
            (0o640, &[&other]),
            (0o600, &[&other, &member]),
            // Who is in the group is none of the others.
            (0o604, &[&member]),
            (0o044, &[&owner]),
        ] {
            set(&file, mode);
            for reader in [&owner, &other, &member] {
                let expected = closed_to.contains(&reader).then(|| link.clone());
                assert_eq!(at(reader), expected, "{mode:o} {reader:?}");
            }
        }
        set(&file, 0o644);
        for closed in [&archive, &live] {
            set(closed, 0o700);
            assert_eq!(at(&other).as_ref(), Some(closed));
            assert_eq!(at(&owner), None);
            set(closed, 0o711);
            assert_eq!(at(&other), None);
        }
        assert_eq!(other.obstacle(&folder.path().join("none")), None);
    }
}
