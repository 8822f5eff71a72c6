//! Faults at chosen system calls, by strace.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage fails")]

use std::process::Command;

use crate::desk::{self, Desk, Ran};

/// What became of a command in which one system call failed, or killed it.
pub(crate) struct Faulted {
    pub(crate) ran: Ran,
    /// The system call that was hit, with the path it was about; none when there were fewer.
    pub(crate) hit: Option<String>,
    /// Whether it had printed its result by then.
    pub(crate) after_its_answer: bool,
}

/// Runs a command and lets its `when`th call of `call` fail: `error=EIO`, `signal=KILL`.
pub(crate) fn inject(
    desk: &Desk,
    command: &Command,
    call: &str,
    fault: &str,
    when: u32,
) -> Faulted {
    let trace = desk.path("trace");
    let mut strace = desk.command("strace");
    strace.args(["-f", "-y", "-qq", "-o"]).arg(&trace);
    strace.args(["-e", &format!("trace={call},write"), "-e", "signal=none"]);
    strace.args(["-e", &format!("inject={call}:{fault}:when={when}")]);
    strace.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        strace.env(name, value.unwrap());
    }
    let ran = desk::finish_peer("strace", strace);
    let trace = std::fs::read_to_string(&trace).unwrap_or_default();
    let mut calls = trace.lines().filter(|line| line.contains(&format!("{call}(")));
    let hit = if fault.starts_with("signal") {
        // The call that kills is the last one, and its number is the one asked for.
        let calls: Vec<&str> = calls.collect();
        (ran.code.is_none() && calls.len() >= when as usize)
            .then(|| calls.last().unwrap().to_string())
    } else {
        calls.find(|line| line.contains("(INJECTED)")).map(str::to_owned)
    };
    let answer = trace.find("write(1<");
    let after_its_answer = hit.as_ref().is_some_and(|hit| answer < trace.find(hit.as_str()));
    Faulted { ran, hit, after_its_answer: answer.is_some() && after_its_answer }
}
