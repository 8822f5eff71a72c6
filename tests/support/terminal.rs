//! A person at a terminal: waits for questions, types answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage fails")]

use std::process::Command;

use crate::desk::{self, Desk};

/// What a dialogue at a terminal came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Dialogue {
    /// Everything the terminal showed.
    pub(crate) shown: String,
    /// The exit code; negative after a signal.
    pub(crate) code: i64,
    /// Whether the terminal was left as it was: echo, lines, signals.
    pub(crate) restored: bool,
    /// Answers nobody asked for.
    pub(crate) unasked: u64,
}

/// Runs a command at a terminal of its own; each question is answered once it is shown.
pub(crate) fn converse(desk: &Desk, command: &Command, dialogue: &[(&str, &str)]) -> Dialogue {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/terminal.py");
    let mut python = desk.command("python3");
    python.arg(script).arg(serde_json::to_string(dialogue).unwrap());
    python.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        python.env(name, value.unwrap());
    }
    let ran = desk::finish_peer("python3", python).success();
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    Dialogue {
        shown: told["shown"].as_str().unwrap().to_owned(),
        code: told["code"].as_i64().unwrap(),
        restored: told["restored"].as_bool().unwrap(),
        unasked: told["unasked"].as_u64().unwrap(),
    }
}
