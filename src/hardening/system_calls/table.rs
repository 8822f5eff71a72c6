//! The system calls and who may make them, from traces of every role under load, built with glibc and
//! with musl. `S` is the supervisor, `A` the authority, `G` a gate, `P` the publisher.

use libc::c_long;

use super::Role;

/// What the arguments of a call must be.
#[derive(Clone, Copy)]
pub(super) enum Arguments {
    /// Anything.
    Any,
    /// `clone`: only a thread of the same process.
    Threads,
    /// `mmap`, `mprotect`: no memory that can be run.
    NoCode,
    /// `prctl`: only the names of threads. Above all not `PR_SET_DUMPABLE`.
    ThreadNames,
    /// `socket`, `socketpair`: only `AF_UNIX`, and streams: a datagram goes to any socket by its path.
    UnixStreams,
    /// `sendto`, `sendmsg` with their flags at this place: no `MSG_FASTOPEN`, which connects. A
    /// listening socket that was shut down could be sent out with it.
    NoFastOpen(u8),
    /// `ioctl`, `fcntl`: only these requests. Above all not `TIOCSTI`, which types at the terminal of
    /// the log, and not `F_SETOWN`, which has the kernel send signals to others.
    Requests(&'static [u64]),
    /// `prlimit64`: only its own limits, not those of another process of the same user.
    OwnLimits,
    /// `tgkill`: only this process, which ends itself so.
    OwnProcess,
    /// `setsockopt`: only these options, by level and name. Above all not `SO_LINGER`: the supervisor,
    /// which has a copy of every socket that it hands out, would wait in `close`.
    Options(&'static [(u64, u64)]),
}

/// Roles as a row of letters.
pub(super) type Roles = &'static str;

/// Reads a row of letters.
pub(super) trait Column {
    /// Whether the role's letter is in the row.
    fn has(&self, role: Role) -> bool;
}

impl Column for str {
    fn has(&self, role: Role) -> bool {
        self.contains(match role {
            Role::Supervisor => 'S',
            Role::Authority => 'A',
            Role::Gate => 'G',
            Role::Publisher => 'P',
        })
    }
}

use Arguments::{
    Any, NoCode, NoFastOpen, Options, OwnLimits, OwnProcess, Requests, ThreadNames, Threads,
    UnixStreams,
};

/// What the sockets of visitors are told (tcp(7)), and how long the authority's may take to read and write
/// (socket(7)).
const SOCKET_OPTIONS: &[(u64, u64)] = &[
    (libc::IPPROTO_TCP.unsigned_abs() as u64, libc::TCP_NODELAY.unsigned_abs() as u64),
    (libc::IPPROTO_TCP.unsigned_abs() as u64, libc::TCP_CORK.unsigned_abs() as u64),
    (libc::SOL_SOCKET.unsigned_abs() as u64, libc::SO_KEEPALIVE.unsigned_abs() as u64),
    (libc::SOL_SOCKET.unsigned_abs() as u64, libc::SO_RCVTIMEO.unsigned_abs() as u64),
    (libc::SOL_SOCKET.unsigned_abs() as u64, libc::SO_SNDTIMEO.unsigned_abs() as u64),
];

/// Copies, flags and locks of descriptors.
const DESCRIPTOR_COMMANDS: &[u64] = &[
    libc::F_DUPFD.unsigned_abs() as u64,
    libc::F_DUPFD_CLOEXEC.unsigned_abs() as u64,
    libc::F_GETFD.unsigned_abs() as u64,
    libc::F_SETFD.unsigned_abs() as u64,
    libc::F_GETFL.unsigned_abs() as u64,
    libc::F_SETFL.unsigned_abs() as u64,
    libc::F_GETLK.unsigned_abs() as u64,
    libc::F_SETLK.unsigned_abs() as u64,
    libc::F_OFD_SETLK.unsigned_abs() as u64,
];

// Of `asm-generic/ioctls.h`: glibc and musl disagree on their type.
const FIONBIO: u64 = 0x5421;
const FIONREAD: u64 = 0x541B;
const TCGETS: u64 = 0x5401;

/// What may be called.
#[rustfmt::skip]
pub(super) const CALLS: &[(c_long, Roles, Arguments)] = &[
    // Memory.
    (libc::SYS_brk,                     "SAGP", Any),
    (libc::SYS_madvise,                 "SAGP", Any),
    (libc::SYS_mmap,                    "SAGP", NoCode),
    (libc::SYS_mprotect,                "SAGP", NoCode),
    (libc::SYS_mremap,                  "SAGP", Any),
    (libc::SYS_munmap,                  "SAGP", Any),
    (libc::SYS_memfd_secret,            "SA--", Any),
    (libc::SYS_mlock,                   "SA--", Any),
    (libc::SYS_mlock2,                  "SA--", Any),
    (libc::SYS_mlockall,                "S---", Any),
    (libc::SYS_munlock,                 "SA--", Any),
    // Threads and signals of its own.
    (libc::SYS_clone,                   "SAGP", Threads),
    (libc::SYS_clone3,                  "SAGP", Any), // answered with ENOSYS by a filter of its own
    (libc::SYS_exit,                    "SAGP", Any),
    (libc::SYS_exit_group,              "SAGP", Any),
    (libc::SYS_futex,                   "SAGP", Any),
    (libc::SYS_getpid,                  "SAGP", Any),
    (libc::SYS_gettid,                  "SAGP", Any),
    (libc::SYS_membarrier,              "SAGP", Any),
    (libc::SYS_prctl,                   "SAGP", ThreadNames),
    (libc::SYS_restart_syscall,         "SAGP", Any),
    (libc::SYS_rseq,                    "SAGP", Any),
    (libc::SYS_rt_sigaction,            "SAGP", Any),
    (libc::SYS_rt_sigprocmask,          "SAGP", Any),
    (libc::SYS_rt_sigreturn,            "SAGP", Any),
    (libc::SYS_sched_getaffinity,       "SAGP", Any),
    (libc::SYS_sched_yield,             "SAGP", Any),
    (libc::SYS_set_robust_list,         "SAGP", Any),
    (libc::SYS_sigaltstack,             "SAGP", Any),
    (libc::SYS_tgkill,                  "SAGP", OwnProcess),
    // Time, chance and what it is.
    (libc::SYS_clock_getres,            "SAGP", Any),
    (libc::SYS_clock_gettime,           "SAGP", Any),
    (libc::SYS_clock_nanosleep,         "SAGP", Any),
    (libc::SYS_nanosleep,               "SAGP", Any),
    (libc::SYS_gettimeofday,            "SAGP", Any),
    (libc::SYS_getrandom,               "SAGP", Any),
    (libc::SYS_getuid,                  "SAGP", Any),
    (libc::SYS_geteuid,                 "SAGP", Any),
    (libc::SYS_getgid,                  "SAGP", Any),
    (libc::SYS_getegid,                 "SAGP", Any),
    (libc::SYS_sysinfo,                 "SA--", Any),
    (libc::SYS_uname,                   "SA--", Any),
    // Descriptors it has.
    (libc::SYS_close,                   "SAGP", Any),
    (libc::SYS_dup,                     "SAGP", Any),
    (libc::SYS_fcntl,                   "SAGP", Requests(DESCRIPTOR_COMMANDS)),
    (libc::SYS_fstat,                   "SAGP", Any),
    (libc::SYS_ioctl,                   "SAGP", Requests(&[FIONBIO, FIONREAD, TCGETS])),
    (libc::SYS_lseek,                   "SAGP", Any),
    (libc::SYS_read,                    "SAGP", Any),
    (libc::SYS_readv,                   "SAGP", Any),
    (libc::SYS_write,                   "SAGP", Any),
    (libc::SYS_writev,                  "SAGP", Any),
    (libc::SYS_epoll_create1,           "S-GP", Any),
    (libc::SYS_epoll_ctl,               "S-GP", Any),
    (libc::SYS_epoll_pwait,             "S-GP", Any),
    (libc::SYS_epoll_pwait2,            "S-GP", Any),
    (libc::SYS_eventfd2,                "S-GP", Any),
    (libc::SYS_ppoll,                   "SAGP", Any),
    // Sockets it was given, and pairs of its own.
    (libc::SYS_accept4,                 "SAGP", Any),
    (libc::SYS_getpeername,             "SAGP", Any),
    (libc::SYS_getsockname,             "SAGP", Any),
    (libc::SYS_getsockopt,              "SAGP", Any),
    (libc::SYS_recvfrom,                "SAGP", Any),
    (libc::SYS_recvmsg,                 "SAGP", Any),
    (libc::SYS_sendmsg,                 "SA--", NoFastOpen(2)), // it sends descriptors
    (libc::SYS_sendto,                  "SAGP", NoFastOpen(3)),
    (libc::SYS_setsockopt,              "SAGP", Options(SOCKET_OPTIONS)),
    (libc::SYS_shutdown,                "SAGP", Any),
    (libc::SYS_socketpair,              "S-GP", UnixStreams),
    // The control socket.
    (libc::SYS_bind,                    "SA--", Any),
    (libc::SYS_listen,                  "SA--", Any),
    (libc::SYS_socket,                  "SA--", UnixStreams),
    // Files.
    (libc::SYS_faccessat,               "SA-P", Any),
    (libc::SYS_faccessat2,              "SA-P", Any),
    (libc::SYS_fallocate,               "SA--", Any),
    (libc::SYS_fchmod,                  "SA-P", Any),
    (libc::SYS_fchmodat,                "SA-P", Any),
    (libc::SYS_fdatasync,               "SA-P", Any),
    (libc::SYS_flock,                   "SA--", Any),
    (libc::SYS_fstatfs,                 "SA-P", Any),
    (libc::SYS_fsync,                   "SA-P", Any),
    (libc::SYS_ftruncate,               "SA-P", Any),
    (libc::SYS_getcwd,                  "SA-P", Any),
    (libc::SYS_getdents64,              "SA-P", Any),
    (libc::SYS_linkat,                  "SA-P", Any),
    (libc::SYS_mkdirat,                 "SA-P", Any),
    (libc::SYS_newfstatat,              "SA-P", Any),
    (libc::SYS_openat,                  "SA-P", Any),
    (libc::SYS_pread64,                 "SA-P", Any),
    (libc::SYS_pwrite64,                "SA-P", Any),
    (libc::SYS_readlinkat,              "SA-P", Any),
    (libc::SYS_renameat,                "SA-P", Any),
    (libc::SYS_renameat2,               "SA-P", Any),
    (libc::SYS_statx,                   "SA-P", Any),
    (libc::SYS_umask,                   "SA--", Any),
    (libc::SYS_unlinkat,                "SA-P", Any),
    // Starting the others, and their beginning until they restrict themselves.
    (libc::SYS_capget,                  "S---", Any),
    (libc::SYS_capset,                  "S---", Any),
    (libc::SYS_chdir,                   "S---", Any),
    (libc::SYS_close_range,             "S---", Any),
    (libc::SYS_dup3,                    "S---", Any),
    (libc::SYS_execve,                  "S---", Any),
    (libc::SYS_fchown,                  "S---", Any),
    (libc::SYS_fchownat,                "S---", Any),
    (libc::SYS_getpgid,                 "S---", Any),
    (libc::SYS_getppid,                 "S---", Any),
    (libc::SYS_getgroups,               "S---", Any),
    (libc::SYS_kill,                    "S---", Any),
    (libc::SYS_landlock_add_rule,       "S---", Any),
    (libc::SYS_landlock_create_ruleset, "S---", Any),
    (libc::SYS_landlock_restrict_self,  "S---", Any),
    (libc::SYS_pidfd_open,              "S---", Any),
    (libc::SYS_pidfd_send_signal,       "S---", Any),
    (libc::SYS_pipe2,                   "S---", Any),
    (libc::SYS_prlimit64,               "SAGP", OwnLimits),
    (libc::SYS_seccomp,                 "S---", Any),
    (libc::SYS_set_tid_address,         "S---", Any),
    (libc::SYS_setgid,                  "S---", Any),
    (libc::SYS_setgroups,               "S---", Any),
    (libc::SYS_setpgid,                 "S---", Any),
    (libc::SYS_setsid,                  "S---", Any),
    (libc::SYS_setuid,                  "S---", Any),
    (libc::SYS_tkill,                   "S---", Any),
    (libc::SYS_wait4,                   "S---", Any),
    (libc::SYS_waitid,                  "S---", Any),
    // Connecting to the upstreams, and their names.
    (libc::SYS_connect,                 "S---", Any),
    (libc::SYS_recvmmsg,                "S---", Any),
    (libc::SYS_sendmmsg,                "S---", Any),
    // Older forms that the C libraries still call.
    #[cfg(target_arch = "x86_64")] (libc::SYS_access,     "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_arch_prctl, "S---", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_chmod,      "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_dup2,       "S---", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_epoll_wait, "S-GP", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_fork,       "S---", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_getrlimit,  "SAGP", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_link,       "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_lstat,      "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_mkdir,      "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_open,       "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_pipe,       "S---", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_poll,       "SAGP", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_readlink,   "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_rename,     "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_rmdir,      "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_stat,       "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_time,       "SAGP", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_unlink,     "SA-P", Any),
    #[cfg(target_arch = "x86_64")] (libc::SYS_vfork,      "S---", Any),
];

/// What only an intruder would call: it ends the process.
#[rustfmt::skip]
pub(super) const ALARMS: &[(c_long, Roles)] = &[
    // Running another program, or this one a second time.
    (libc::SYS_execve,            "-AGP"),
    (libc::SYS_execveat,          "SAGP"),
    (libc::SYS_memfd_create,      "SAGP"),
    // Other processes.
    (libc::SYS_kcmp,              "SAGP"),
    (libc::SYS_pidfd_getfd,       "SAGP"),
    (libc::SYS_process_vm_readv,  "SAGP"),
    (libc::SYS_process_vm_writev, "SAGP"),
    (libc::SYS_ptrace,            "SAGP"),
    // Another user.
    (libc::SYS_setgid,            "-AGP"),
    (libc::SYS_setgroups,         "-AGP"),
    (libc::SYS_setregid,          "SAGP"),
    (libc::SYS_setresgid,         "SAGP"),
    (libc::SYS_setresuid,         "SAGP"),
    (libc::SYS_setreuid,          "SAGP"),
    (libc::SYS_setuid,            "-AGP"),
    // The network.
    (libc::SYS_bind,              "--GP"),
    (libc::SYS_connect,           "-AGP"),
    (libc::SYS_listen,            "--GP"),
    (libc::SYS_socket,            "--GP"),
    // Files past every check of a path.
    (libc::SYS_name_to_handle_at, "SAGP"),
    (libc::SYS_open_by_handle_at, "SAGP"),
    // Parts of the kernel that breakers of kernels like.
    (libc::SYS_add_key,           "SAGP"),
    (libc::SYS_bpf,               "SAGP"),
    (libc::SYS_io_uring_enter,    "SAGP"),
    (libc::SYS_io_uring_register, "SAGP"),
    (libc::SYS_io_uring_setup,    "SAGP"),
    (libc::SYS_keyctl,            "SAGP"),
    (libc::SYS_perf_event_open,   "SAGP"),
    (libc::SYS_request_key,       "SAGP"),
    (libc::SYS_userfaultfd,       "SAGP"),
    (libc::SYS_vmsplice,          "SAGP"),
    // The machine.
    (libc::SYS_acct,              "SAGP"),
    (libc::SYS_adjtimex,          "SAGP"),
    (libc::SYS_chroot,            "SAGP"),
    (libc::SYS_clock_adjtime,     "SAGP"),
    (libc::SYS_clock_settime,     "SAGP"),
    (libc::SYS_delete_module,     "SAGP"),
    (libc::SYS_finit_module,      "SAGP"),
    (libc::SYS_fsconfig,          "SAGP"),
    (libc::SYS_fsmount,           "SAGP"),
    (libc::SYS_fsopen,            "SAGP"),
    (libc::SYS_init_module,       "SAGP"),
    (libc::SYS_kexec_file_load,   "SAGP"),
    (libc::SYS_kexec_load,        "SAGP"),
    (libc::SYS_mount,             "SAGP"),
    (libc::SYS_move_mount,        "SAGP"),
    (libc::SYS_open_tree,         "SAGP"),
    (libc::SYS_personality,       "SAGP"),
    (libc::SYS_pivot_root,        "SAGP"),
    (libc::SYS_reboot,            "SAGP"),
    (libc::SYS_setns,             "SAGP"),
    (libc::SYS_settimeofday,      "SAGP"),
    (libc::SYS_swapoff,           "SAGP"),
    (libc::SYS_swapon,            "SAGP"),
    (libc::SYS_syslog,            "SAGP"),
    (libc::SYS_umount2,           "SAGP"),
    (libc::SYS_unshare,           "SAGP"),
    #[cfg(target_arch = "x86_64")] (libc::SYS_fork,       "-AGP"),
    #[cfg(target_arch = "x86_64")] (libc::SYS_ioperm,     "SAGP"),
    #[cfg(target_arch = "x86_64")] (libc::SYS_iopl,       "SAGP"),
    #[cfg(target_arch = "x86_64")] (libc::SYS_modify_ldt, "SAGP"),
    #[cfg(target_arch = "x86_64")] (libc::SYS_vfork,      "-AGP"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_allowed_and_alarming_at_once() {
        for (alarm, roles) in ALARMS {
            for (call, allowed, _) in CALLS.iter().filter(|(call, ..)| call == alarm) {
                let both = roles.chars().filter(|role| *role != '-' && allowed.contains(*role));
                assert_eq!(both.collect::<String>(), "", "system call {call}");
            }
        }
    }

    #[test]
    fn every_row_is_there_once_and_has_a_letter_or_a_dash_for_each_role() {
        let calls = CALLS.iter().map(|(call, roles, _)| (*call, *roles));
        for table in [calls.collect::<Vec<_>>(), ALARMS.to_vec()] {
            let mut numbers: Vec<c_long> = table.iter().map(|(call, _)| *call).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), table.len(), "a call is there twice");
            for (call, roles) in table {
                let well_formed = roles.len() == 4
                    && roles.chars().zip("SAGP".chars()).all(|(is, may)| is == may || is == '-');
                assert!(well_formed, "system call {call}: {roles}");
            }
        }
    }

    #[test]
    fn the_gate_can_make_no_socket_open_no_file_and_start_nothing() {
        for forbidden in [
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_openat,
            libc::SYS_execve,
            libc::SYS_ptrace,
            libc::SYS_kill,
        ] {
            let allowed =
                CALLS.iter().any(|(call, roles, _)| *call == forbidden && roles.has(Role::Gate));
            assert!(!allowed, "system call {forbidden}");
        }
    }
}
