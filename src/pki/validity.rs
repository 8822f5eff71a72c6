//! Times in certificates and lists (RFC 5280 section 4.1.2.5): UTCTime through 2049, then GeneralizedTime.

use std::time::Duration;

use der::DateTime;
use x509_cert::time::Time;

use crate::ground::clock::Timestamp;

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
