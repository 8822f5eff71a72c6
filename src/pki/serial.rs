//! Serial numbers of certificates (RFC 5280 section 4.1.2.2).

use std::fmt;

/// Octets of a serial number at most, the sign octet included (RFC 5280 section 4.1.2.2).
const LONGEST: usize = 20;

/// Random octets of a serial number of ours: 96 bits, where the CA/Browser Forum asks for 64.
pub const RANDOM_OCTETS: usize = 12;

/// A serial number: a non-negative integer of 1 to 20 octets, ordered as a number.
/// Serialised as those octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "&[u8]")]
pub struct SerialNumber {
    // The length comes first: among minimal encodings a longer one is a larger number.
    length: u8,
    octets: [u8; LONGEST],
}

/// Why octets are no serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialError {
    /// Not between 1 and 20 octets long.
    Length {
        /// How many there are.
        octets: usize,
    },
    /// The integer is negative.
    Negative,
    /// A leading octet says nothing: not the one DER encoding (X.690 section 8.3.2).
    NotMinimal,
}

impl TryFrom<&[u8]> for SerialNumber {
    type Error = SerialError;

    fn try_from(content: &[u8]) -> Result<Self, SerialError> {
        Self::from_der_integer(content)
    }
}

impl serde::Serialize for SerialNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no serial number of RFC 5280 section 4.1.2.2")
    }
}

impl SerialNumber {
    /// The serial number of our certificate `number`: the number in the high octets, for people's
    /// eyes, then 96 random bits (88 when the number needs nine octets, to stay within 20).
    #[must_use]
    pub fn new(number: u64, random: [u8; RANDOM_OCTETS]) -> Self {
        let number_octets = number.to_be_bytes();
        let leading_zeros = number_octets.iter().take_while(|octet| **octet == 0).count();
        let mut magnitude: Vec<u8> = number_octets.iter().skip(leading_zeros).copied().collect();
        magnitude.extend(random);
        if number > i64::MAX.unsigned_abs() {
            magnitude.truncate(LONGEST - 1);
        }
        Self::of_magnitude(&magnitude)
    }

    /// A serial number of our certificate `number` from the system's random number generator.
    ///
    /// # Errors
    /// The generator failed.
    pub fn generate(number: u64) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut random = [0; RANDOM_OCTETS];
        aws_lc_rs::rand::fill(&mut random)?;
        Ok(Self::new(number, random))
    }

    /// The serial number in the content octets of a DER INTEGER, from a certificate or list of anyone.
    ///
    /// # Errors
    /// Too long, empty, negative, or not minimal.
    pub fn from_der_integer(content: &[u8]) -> Result<Self, SerialError> {
        let mut octets = [0; LONGEST];
        let place = octets.get_mut(..content.len()).filter(|place| !place.is_empty());
        let (Some(place), Ok(length)) = (place, u8::try_from(content.len())) else {
            return Err(SerialError::Length { octets: content.len() });
        };
        match content {
            [0x80..=0xFF, ..] => return Err(SerialError::Negative),
            [0, 0..=0x7F, ..] => return Err(SerialError::NotMinimal),
            _ => {}
        }
        place.copy_from_slice(content);
        Ok(Self { length, octets })
    }

    /// The content octets of the DER INTEGER: minimal, with a sign octet where one is needed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The number of at most 19 octets, which DER puts behind a sign octet where it must.
    fn of_magnitude(magnitude: &[u8]) -> Self {
        let leading_zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
        let digits = magnitude.get(leading_zeros..).unwrap_or_default();
        let sign = usize::from(digits.first().is_none_or(|octet| *octet >= 0x80));
        let mut octets = [0; LONGEST];
        for (place, octet) in octets.iter_mut().skip(sign).zip(digits) {
            *place = *octet;
        }
        let length = u8::try_from(digits.len() + sign).unwrap_or(u8::MAX);
        Self { length, octets }
    }
}

/// Lowercase hexadecimal digits of the number, two an octet, without separators or sign octet.
impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.as_bytes() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        digits.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_leads_and_the_randomness_follows() {
        let serial = SerialNumber::new(2, [0xAB; RANDOM_OCTETS]);
        assert_eq!(serial.to_string(), format!("02{}", "ab".repeat(12)));
        let high = SerialNumber::new(0x80, [1; RANDOM_OCTETS]);
        assert_eq!(high.as_bytes()[..2], [0, 0x80], "a sign octet keeps it positive");
    }

    #[test]
    fn foreign_serials_of_the_wrong_shape_are_refused_by_name() {
        let read = SerialNumber::from_der_integer;
        assert_eq!(read(&[]), Err(SerialError::Length { octets: 0 }));
        assert_eq!(read(&[1; 21]), Err(SerialError::Length { octets: 21 }));
        assert_eq!(read(&[0x80]), Err(SerialError::Negative));
        assert_eq!(read(&[0, 0x7F]), Err(SerialError::NotMinimal));
        assert_eq!(read(&[0]).unwrap().to_string(), "00");
        assert_eq!(read(&[0, 0xFF]).unwrap().to_string(), "ff");
    }

    #[test]
    fn order_is_that_of_the_numbers() {
        let one = SerialNumber::from_der_integer(&[0x7F]).unwrap();
        let two = SerialNumber::from_der_integer(&[0, 0x80]).unwrap();
        let three = SerialNumber::from_der_integer(&[1, 0]).unwrap();
        assert!(one < two && two < three);
    }

    proptest! {
        // I18: positive, minimal, at most 20 octets, whatever the number and the generator give.
        #[test]
        fn our_serials_are_always_legal_and_keep_their_randomness(
            number in any::<u64>(), random in any::<[u8; RANDOM_OCTETS]>()
        ) {
            let serial = SerialNumber::new(number, random);
            prop_assert_eq!(SerialNumber::from_der_integer(serial.as_bytes()), Ok(serial));
            prop_assert!(serial.as_bytes().len() <= 20);
            let kept = if number > i64::MAX.unsigned_abs() { 11 } else { 12 };
            let shown = serial.to_string();
            let expected: String = random[..kept].iter().map(|o| format!("{o:02x}")).collect();
            prop_assert!(number == 0 || shown.ends_with(&expected));
        }
    }
}
