//! Landlock: which files a role reaches, whatever its user might.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, PathFd, PathFdError, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope, make_bitflags,
};

use super::{Confinement, Reason, Role};

/// The first that has files: Linux 5.13.
const FILES: ABI = ABI::V1;

/// The first that has TCP: Linux 6.7.
const NETWORK: ABI = ABI::V4;

/// The first that has signals and abstract sockets: Linux 6.12. It is also the newest that is used:
/// what was never tried is not switched on.
const SCOPE: ABI = ABI::V6;

/// What came of the parts that only newer kernels have.
pub(super) struct Newer {
    pub(super) network: Result<(), Reason>,
    pub(super) scope: Result<(), Reason>,
}

/// The newest Landlock ABI that this kernel has; `None` without Landlock.
#[must_use]
#[allow(unsafe_code, reason = "the landlock crate tells only whoever confines itself")]
pub fn kernel_landlock_abi() -> Option<u32> {
    /// `LANDLOCK_CREATE_RULESET_VERSION` of linux/landlock.h.
    const VERSION: libc::c_uint = 1;
    let nowhere = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the kernel reads nothing from the address, which must be null and of
    // length 0 (landlock_create_ruleset(2)); it only returns a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nowhere, 0_usize, VERSION) };
    u32::try_from(version).ok()
}

/// Restricts the calling thread, and all it starts, to the files that the confinement names.
pub(super) fn restrict(confinement: &Confinement) -> Result<Newer, Reason> {
    let limit = confinement.terms.landlock_abi.map_or(SCOPE, |abi| ABI::from(i32::from(abi)));
    let limit = limit.min(SCOPE);
    let LandlockStatus::Available { effective_abi, .. } = rules(confinement, limit)?.landlock
    else {
        return Err(Reason::Unsupported);
    };
    let present = |needed: ABI| {
        if effective_abi.min(limit) >= needed { Ok(()) } else { Err(Reason::Unsupported) }
    };
    let network = match confinement.role {
        // It connects to the upstreams, for the gates.
        Role::Supervisor => Err(Reason::NotOfThisRole),
        Role::Authority | Role::Gate | Role::Publisher => present(NETWORK),
    };
    Ok(Newer { network, scope: present(SCOPE) })
}

fn rules(confinement: &Confinement, limit: ABI) -> Result<RestrictionStatus, Reason> {
    if kernel_landlock_abi().is_none() {
        return Err(Reason::Unsupported);
    }
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(FILES))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(limit))?;
    if limit >= NETWORK && confinement.role != Role::Supervisor {
        rules = rules.handle_access(AccessNet::from_all(NETWORK))?;
    }
    if limit >= SCOPE {
        rules = rules.scope(match confinement.role {
            // systemd, and an upstream, may be at an abstract socket.
            Role::Supervisor => Scope::Signal.into(),
            Role::Authority | Role::Gate | Role::Publisher => Scope::from_all(SCOPE),
        })?;
    }
    let mut rules = rules.create()?;
    let reading = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let devices = make_bitflags!(AccessFs::{Execute | MakeChar | MakeBlock | IoctlDev});
    let granted =
        [(&confinement.read, reading), (&confinement.write, AccessFs::from_all(limit) & !devices)];
    for (paths, access) in granted {
        for path in paths {
            if let Some((place, access)) = open(path, access, limit)? {
                rules = rules.add_rule(PathBeneath::new(place, access))?;
            }
        }
    }
    if confinement.role == Role::Supervisor {
        for program in PROGRAMS {
            let access = reading | AccessFs::Execute;
            if let Some((place, access)) = open(Path::new(program), access, limit)? {
                rules = rules.add_rule(PathBeneath::new(place, access))?;
            }
        }
    }
    Ok(rules.restrict_self()?)
}

/// What the supervisor runs: itself. Where it is not one static file, its loader is a program, too.
const PROGRAMS: &[&str] = if cfg!(target_feature = "crt-static") {
    &["/proc/self/exe"]
} else {
    &["/proc/self/exe", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
};

/// A place and what may be done there; `None` where there is none, since nothing can be done then.
fn open(
    path: &Path,
    access: BitFlags<AccessFs>,
    limit: ABI,
) -> Result<Option<(PathFd, BitFlags<AccessFs>)>, Reason> {
    let place = match PathFd::new(path) {
        Ok(place) => place,
        Err(PathFdError::OpenCall { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            return Ok(None);
        }
        Err(PathFdError::OpenCall { source, .. }) => return Err(source.into()),
        Err(_) => return Err(Reason::Unsupported),
    };
    // A file has no rights of a folder.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(limit) };
    Ok(Some((place, access)))
}

impl From<RulesetError> for Reason {
    fn from(error: RulesetError) -> Self {
        let errno = *landlock::Errno::from(error);
        Self::of_errno(errno)
    }
}
