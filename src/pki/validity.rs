//! Times in certificates and lists (RFC 5280 section 4.1.2.5): UTCTime through 2049, then
//! GeneralizedTime; and when people are told of an end that is near.

use std::time::Duration;

use der::DateTime;
use x509_cert::time::Time;

use crate::ground::clock::{DAY, Timestamp};

/// Days before the end of a certificate at which people are told, the last first.
pub const NOTICE_STEPS: [u16; 5] = [1, 7, 14, 30, 60];

/// The step of [`NOTICE_STEPS`] that a certificate has reached: the fewest days that it still lies
/// within. `None` while there are more than 60 days left, and once it has ended.
#[must_use]
pub fn notice_step(now: Timestamp, not_after: Timestamp) -> Option<u16> {
    let left = not_after.unix() - now.unix();
    let reached = |days: &u16| left <= i64::from(*days) * DAY;
    if left < 0 { None } else { NOTICE_STEPS.into_iter().find(reached) }
}

/// A time as certificates and lists carry it.
pub(super) fn encode(time: Timestamp) -> der::Result<Time> {
    Ok(Time::from(DateTime::from_unix_duration(Duration::from_secs(time.unix_unsigned()))?))
}

/// A time that a certificate or list carried.
pub(super) fn decode(time: Time) -> Timestamp {
    Timestamp::from_unix(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_notice_is_due_from_its_day_on_and_never_after_the_end() {
        let end = Timestamp::from_unix(1_800_000_000);
        let step =
            |days: i64, seconds: i64| notice_step(end.plus_seconds(-days * DAY - seconds), end);
        assert_eq!(step(60, 1), None);
        assert_eq!(step(60, 0), Some(60));
        assert_eq!(step(30, 1), Some(60));
        assert_eq!(step(30, 0), Some(30));
        assert_eq!(step(13, 0), Some(14));
        assert_eq!(step(2, 0), Some(7));
        assert_eq!(step(1, 0), Some(1));
        assert_eq!(step(0, 0), Some(1));
        assert_eq!(step(0, -1), None);
    }

    #[test]
    fn the_form_changes_in_2050() {
        let last_second_of_2049 = 2_524_607_999;
        let before = encode(Timestamp::from_unix(last_second_of_2049)).unwrap();
        let after = encode(Timestamp::from_unix(last_second_of_2049 + 1)).unwrap();
        assert!(matches!(before, Time::UtcTime(_)) && matches!(after, Time::GeneralTime(_)));
    }

    proptest! {
        #[test]
        fn every_time_survives(seconds in any::<i64>()) {
            let time = Timestamp::from_unix(seconds);
            prop_assert_eq!(decode(encode(time).unwrap()), time);
        }
    }
}
