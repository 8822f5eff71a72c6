//! The only reader of time. Everything else takes a [`Timestamp`] as a parameter.

mod watch;

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use watch::{ClockStanding, ClockWatch};

/// Whole seconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(from = "i64", into = "i64")]
pub struct Timestamp(i64);

/// Seconds of one day.
pub const DAY: i64 = 86_400;

/// 9999-12-30T22:00:00Z: the last second that is in the year 9999 (the last that RFC 5280 section
/// 4.1.2.5 can express) in every time zone.
const LAST: i64 = 253_402_207_200;

impl Timestamp {
    /// A time from seconds since the epoch, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST))
    }

    /// Seconds since the epoch, never negative.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch as the unsigned number the encoders want.
    #[must_use]
    pub fn unix_unsigned(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// This time moved by a number of seconds, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// This time moved by a number of days, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(DAY))
    }

    /// Whole days from this time until `later`, rounded towards zero; negative when past.
    #[must_use]
    pub fn days_until(self, later: Self) -> i64 {
        (later.0 - self.0) / DAY
    }

    /// `2026-11-22T12:00:00Z`, for machines.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `Sun, 22 Nov 2026 12:00:00 GMT`, the form of HTTP (RFC 9110 section 5.6.7).
    #[must_use]
    pub fn http_date(self) -> String {
        self.zoned(&jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The time of an HTTP header in that form; `None` for any other text.
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let parser = jiff::fmt::rfc2822::DateTimeParser::new();
        parser.parse_timestamp(text).ok().map(|time| Self::from_unix(time.as_second()))
    }

    /// `2026-11-22 21:00:00 +0900`, in the zone of this machine, for people.
    #[must_use]
    pub fn local(self) -> String {
        self.zoned(zone_of_this_machine()).strftime("%Y-%m-%d %H:%M:%S %z").to_string()
    }

    /// `2026-11-22`, in the zone of this machine, for lists.
    #[must_use]
    pub fn local_date(self) -> String {
        self.zoned(zone_of_this_machine()).strftime("%Y-%m-%d").to_string()
    }

    /// `2023/09/07 12:56:10`, in the zone of this machine: the form of the WebORCA log.
    #[must_use]
    pub fn weborca_log(self) -> String {
        self.zoned(zone_of_this_machine()).strftime("%Y/%m/%d %H:%M:%S").to_string()
    }

    /// Year, month, day, hour, minute and second in the zone of this machine, for zip entries.
    #[must_use]
    pub fn local_parts(self) -> (i16, i8, i8, i8, i8, i8) {
        let time = self.zoned(zone_of_this_machine());
        (time.year(), time.month(), time.day(), time.hour(), time.minute(), time.second())
    }

    fn zoned(self, zone: &jiff::tz::TimeZone) -> jiff::Zoned {
        jiff::Timestamp::from_second(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(zone.clone())
    }
}

impl From<i64> for Timestamp {
    fn from(seconds: i64) -> Self {
        Self::from_unix(seconds)
    }
}

impl From<Timestamp> for i64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Finds out of the machine what is needed to tell the time, for as long as the process lives: one that
/// is confined may not open the file of its zone later, nor look for the kernel's clocks.
pub fn prepare() {
    let _ = zone_of_this_machine();
    let _ = since_boot();
}

fn zone_of_this_machine() -> &'static jiff::tz::TimeZone {
    static ZONE: OnceLock<jiff::tz::TimeZone> = OnceLock::new();
    ZONE.get_or_init(jiff::tz::TimeZone::system)
}

/// The wall clock's time, now.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_unix(i64::try_from(elapsed.as_secs()).unwrap_or(LAST))
}

/// A point on the monotonic clock, for measuring how long something took.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Seconds since this machine was started, time asleep included. Nobody can set this clock, and the
/// wall clock's steps do not move it.
fn since_boot() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_times_are_rfc3339_in_utc() {
        assert_eq!(Timestamp::from_unix(1_694_091_370).rfc3339(), "2023-09-07T12:56:10Z");
    }

    #[test]
    fn times_of_http_come_back_as_they_went() {
        let time = Timestamp::from_unix(784_111_777);
        assert_eq!(time.http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(Timestamp::parse_http_date(&time.http_date()), Some(time));
        for foreign in ["", "yesterday", "Sun, 06 Nov 1994 08:49:37 GMT\u{0}", "Sun, 99 Nov 1994"] {
            assert_eq!(Timestamp::parse_http_date(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn times_outside_the_years_of_x509_are_clamped() {
        assert_eq!(Timestamp::from_unix(-5).unix(), 0);
        assert_eq!(Timestamp::from_unix(i64::MAX).rfc3339(), "9999-12-30T22:00:00Z");
        assert_eq!(Timestamp::from_unix(0).plus_days(i64::MAX).rfc3339(), "9999-12-30T22:00:00Z");
    }
}
