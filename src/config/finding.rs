//! What is wrong with a configuration: everything at once, each with its line.

use std::path::PathBuf;

use crate::ground::messages::Refusal;

/// Everything found in one file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, counted from 1, where there is one to blame.
    pub line: Option<usize>,
    /// How bad it is.
    pub grade: Grade,
    /// What is wrong, and what to do next.
    pub refusal: Refusal,
}

/// Whether `serve` would start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// It would not.
    Error,
    /// It would.
    Warning,
}

impl Finding {
    pub(super) fn error(line: Option<usize>, refusal: Refusal) -> Self {
        Self { line, grade: Grade::Error, refusal }
    }

    pub(super) fn warning(refusal: Refusal) -> Self {
        Self { line: None, grade: Grade::Warning, refusal }
    }
}
