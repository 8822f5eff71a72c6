//! A bar for waits over a second, where a terminal watches.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::session::Session;
use crate::ground::clock;

/// A wait shorter than this is shown to nobody.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far something has come.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    wanted: bool,
}

impl Progress {
    /// A wait for this many steps. Nothing is shown to machines, nor where no terminal watches.
    pub(super) fn new(session: &Session, steps: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {eta}") {
            bar.set_style(style);
        }
        Self { bar, started: clock::monotonic(), wanted: !session.screen.is_json() }
    }

    /// It has come to this step.
    pub(super) fn at(&mut self, step: u64) {
        self.bar.set_position(step);
        if self.wanted && self.started.elapsed() > PATIENCE {
            self.wanted = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// One step more.
    pub(super) fn step(&mut self) {
        self.at(self.bar.position().saturating_add(1));
    }

    /// It is over; nothing of the bar stays.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
