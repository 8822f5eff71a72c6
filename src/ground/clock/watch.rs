//! Whether the wall clock can be believed. It is held against two things that nobody sets: the
//! boot-time clock, and the newest time that the ledger has seen.
//!
//! A wall clock that jumps ahead would sign certificates that begin too late and drop revocations of
//! what has not expired; one that jumps back would sign what is older than what it replaces.

use super::{Timestamp, since_boot};

/// How far the wall clock may lie behind the ledger: the steps by which NTP sets it, in seconds.
const TOLERANCE: i64 = 60;
/// How far wall clock and boot-time clock may part, in seconds.
const DIVERGENCE: i64 = 3_600;

/// Whether the wall clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ClockStanding {
    /// It can.
    Good,
    /// It was set, by over an hour, while this process ran.
    Diverged {
        /// Seconds it lies ahead of what has passed; negative when behind.
        seconds: i64,
    },
    /// It is behind the newest time of the ledger.
    BehindLedger {
        /// By so many seconds.
        seconds: i64,
    },
}

/// Watches the wall clock from its start on.
#[derive(Debug, Clone)]
pub struct ClockWatch {
    /// When both clocks were read and the wall clock was believed.
    anchor: Moment,
    now: Moment,
    /// The ledger's newest time, for as long as the wall clock was never believed.
    awaited: Option<Timestamp>,
}

/// Both clocks at once.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: Timestamp,
    since_boot: i64,
}

impl ClockWatch {
    /// Begins to watch: what the wall clock says now, and the newest time of the ledger.
    #[must_use]
    pub fn start(wall: Timestamp, newest: Timestamp) -> Self {
        Self::start_at(Moment::of(wall), newest)
    }

    /// Tells it what the wall clock says now.
    pub fn tell(&mut self, wall: Timestamp) {
        self.tell_at(Moment::of(wall));
    }

    /// Believes the wall clock as it was last told, whatever it said before.
    pub fn confirm(&mut self) {
        self.anchor = self.now;
        self.awaited = None;
    }

    /// Judges what it was last told, by the newest time of the ledger.
    #[must_use]
    pub fn standing(&self, newest: Timestamp) -> ClockStanding {
        let behind = newest.unix() - self.now.wall.unix();
        if behind > TOLERANCE {
            return ClockStanding::BehindLedger { seconds: behind };
        }
        let passed = self.now.since_boot - self.anchor.since_boot;
        let ahead = self.now.wall.unix() - self.anchor.wall.unix() - passed;
        if ahead.abs() > DIVERGENCE {
            return ClockStanding::Diverged { seconds: ahead };
        }
        ClockStanding::Good
    }

    fn start_at(now: Moment, newest: Timestamp) -> Self {
        Self { anchor: now, now, awaited: now.is_behind(newest).then_some(newest) }
    }

    fn tell_at(&mut self, now: Moment) {
        self.now = now;
        // A machine without a clock of its own starts in the past until NTP has answered: the step
        // that ends this is no jump.
        if self.awaited.is_some_and(|newest| !now.is_behind(newest)) {
            self.confirm();
        }
    }
}

impl Moment {
    fn of(wall: Timestamp) -> Self {
        Self { wall, since_boot: since_boot() }
    }

    fn is_behind(self, newest: Timestamp) -> bool {
        newest.unix() - self.wall.unix() > TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    fn moment(wall: i64, since_boot: i64) -> Moment {
        Moment { wall: Timestamp::from_unix(START + wall), since_boot }
    }

    fn newest(seconds: i64) -> Timestamp {
        Timestamp::from_unix(START + seconds)
    }

    fn standing_at(wall: i64, since_boot: i64) -> ClockStanding {
        let mut watch = ClockWatch::start_at(moment(0, 500), newest(0));
        watch.tell_at(moment(wall, 500 + since_boot));
        watch.standing(newest(0))
    }

    #[test]
    fn time_that_passes_is_no_divergence() {
        for passed in [0, 10, 100 * 86_400] {
            assert_eq!(standing_at(passed, passed), ClockStanding::Good);
        }
    }

    #[test]
    fn a_jump_of_over_an_hour_is_seen_in_both_directions() {
        assert_eq!(standing_at(10 + 3_600, 10), ClockStanding::Good);
        assert_eq!(standing_at(10 + 3_601, 10), ClockStanding::Diverged { seconds: 3_601 });
        assert_eq!(standing_at(100, 3_700), ClockStanding::Good);
        assert_eq!(standing_at(100, 3_701), ClockStanding::Diverged { seconds: -3_601 });
    }

    #[test]
    fn a_clock_behind_the_ledger_is_seen_beyond_a_step_of_ntp() {
        let watch = ClockWatch::start_at(moment(0, 500), newest(60));
        assert_eq!(watch.standing(newest(60)), ClockStanding::Good);
        assert_eq!(watch.standing(newest(61)), ClockStanding::BehindLedger { seconds: 61 });
    }

    #[test]
    fn a_confirmation_is_the_new_beginning() {
        let mut watch = ClockWatch::start_at(moment(0, 500), newest(0));
        watch.tell_at(moment(1_000_000, 510));
        watch.confirm();
        watch.tell_at(moment(1_000_020, 530));
        assert_eq!(watch.standing(newest(1_000_000)), ClockStanding::Good);
        watch.tell_at(moment(1_010_000, 540));
        assert_eq!(watch.standing(newest(0)), ClockStanding::Diverged { seconds: 9_970 });
    }

    #[test]
    fn a_clock_that_ntp_sets_after_the_start_needs_no_confirmation() {
        let mut watch = ClockWatch::start_at(moment(-1_000_000, 5), newest(0));
        let behind = ClockStanding::BehindLedger { seconds: 1_000_000 };
        assert_eq!(watch.standing(newest(0)), behind);
        watch.tell_at(moment(30, 20));
        assert_eq!(watch.standing(newest(0)), ClockStanding::Good);
        watch.tell_at(moment(30 + 7_200, 20));
        assert_eq!(watch.standing(newest(0)), ClockStanding::Diverged { seconds: 7_200 });
    }

    #[test]
    fn the_boot_time_clock_only_grows() {
        let first = since_boot();
        assert!(first > 0 && since_boot() >= first);
    }
}
