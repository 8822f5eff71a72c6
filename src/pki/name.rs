//! Names: ours, checked before they go into a certificate, and those of others, made readable.

use std::fmt;
use std::net::IpAddr;

use der::asn1::{Any, ObjectIdentifier, PrintableStringRef, SetOfVec, Utf8StringRef};
use der::{Decode, Encode, Tag, Tagged};
use unicode_normalization::UnicodeNormalization;
use x509_cert::attr::AttributeTypeAndValue;

use crate::ground::messages::Refusal;
use crate::ground::untrusted::{Untrusted, is_hidden};

/// Characters of a common name, organization or unit at most (RFC 5280 appendix A.1, ub-common-name).
pub const LONGEST_NAME: usize = 64;

/// Characters of a host name at most (RFC 1035 section 2.3.4, without the trailing dot).
const LONGEST_HOST_NAME: usize = 253;

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// How attributes of names are abbreviated for people; others show as their numbers.
const ABBREVIATIONS: [(ObjectIdentifier, &str); 9] = [
    (COUNTRY, "C"),
    (ORGANIZATION, "O"),
    (ORGANIZATIONAL_UNIT, "OU"),
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "emailAddress"),
];

/// A common name: Unicode NFC, 1 to 64 characters, nothing hidden in it, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommonName(String);

/// The subject of a certificate of ours: country, organization, unit if any, common name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    country: String,
    organization: String,
    organizational_unit: Option<String>,
    common_name: CommonName,
}

/// A name a server is reached by (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectAlternativeName {
    /// A host name, lower case; an IDN in its A-label form.
    Dns(String),
    /// An IP address.
    Address(IpAddr),
}

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing, or only spaces.
    Empty,
    /// Too long.
    TooLong {
        /// Characters it has.
        characters: usize,
        /// Characters it may have.
        limit: usize,
    },
    /// A space begins or ends it.
    SpaceAtEnd,
    /// A control, format or separator character.
    HiddenCharacter {
        /// Which.
        character: char,
    },
    /// The country is not two letters of ISO 3166.
    Country,
    /// A wildcard; every server gets its own certificate.
    Wildcard,
    /// Not a host name of letters, digits and hyphens (RFC 952, RFC 1123).
    HostName {
        /// The text.
        text: String,
    },
    /// Not an IP address.
    Address {
        /// The text.
        text: String,
    },
    /// The name could not be written in DER.
    Encoding,
}

impl CommonName {
    /// Checks a name and brings it into Unicode NFC.
    ///
    /// # Errors
    /// Empty, too long, a space at an end, or a hidden character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        checked_text(text).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What remains of the name when characters that look alike are taken for one another: two
    /// names with one skeleton deserve a warning. A help for people, not a proof: the table holds
    /// the look-alikes met in Japanese and Western names, not all of Unicode TR39.
    #[must_use]
    pub fn skeleton(&self) -> String {
        let folded: String = self.0.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        folded.chars().filter(|character| !character.is_whitespace()).map(look_alike).collect()
    }
}

impl fmt::Display for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Untrusted(&self.0).fmt(f)
    }
}

impl DistinguishedName {
    /// The subject orca-catool gives its certificates: `C=JP, O=orca, CN=...`.
    #[must_use]
    pub fn new(common_name: CommonName) -> Self {
        Self {
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            organizational_unit: None,
            common_name,
        }
    }

    /// The name in a certificate of ours.
    ///
    /// # Errors
    /// [`NameError::Encoding`] for a name of other attributes than ours or in another order, and as
    /// the parts of a name.
    pub fn from_der(name: &[u8]) -> Result<Self, NameError> {
        let levels = Levels::from_der(name).map_err(|_| NameError::Encoding)?;
        let mut attributes = levels.iter().flat_map(SetOfVec::iter).peekable();
        let mut next = |oid| {
            let attribute = attributes.next_if(|attribute| attribute.oid == oid);
            attribute.and_then(|attribute| text_of(&attribute.value))
        };
        let country = next(COUNTRY).ok_or(NameError::Encoding)?;
        let organization = next(ORGANIZATION).ok_or(NameError::Encoding)?;
        let unit = next(ORGANIZATIONAL_UNIT);
        let common_name = next(COMMON_NAME).ok_or(NameError::Encoding)?;
        let mut subject = Self::new(CommonName::parse(&common_name)?)
            .with_country(&country)?
            .with_organization(&organization)?;
        if let Some(unit) = unit {
            subject = subject.with_organizational_unit(&unit)?;
        }
        if subject.to_der()? != name {
            return Err(NameError::Encoding);
        }
        Ok(subject)
    }

    /// The same name in another country, given as two letters of ISO 3166.
    ///
    /// # Errors
    /// [`NameError::Country`].
    pub fn with_country(mut self, country: &str) -> Result<Self, NameError> {
        if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(NameError::Country);
        }
        self.country = country.to_ascii_uppercase();
        Ok(self)
    }

    /// The same name in another organization.
    ///
    /// # Errors
    /// As for a common name.
    pub fn with_organization(mut self, organization: &str) -> Result<Self, NameError> {
        self.organization = checked_text(organization)?;
        Ok(self)
    }

    /// The same name in a unit of the organization.
    ///
    /// # Errors
    /// As for a common name.
    pub fn with_organizational_unit(mut self, unit: &str) -> Result<Self, NameError> {
        self.organizational_unit = Some(checked_text(unit)?);
        Ok(self)
    }

    /// The country's two letters.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The unit of the organization, if any.
    #[must_use]
    pub fn organizational_unit(&self) -> Option<&str> {
        self.organizational_unit.as_deref()
    }

    /// The common name.
    #[must_use]
    pub fn common_name(&self) -> &CommonName {
        &self.common_name
    }

    /// The DER `Name`: one attribute a level; the country a PrintableString, the rest UTF8String
    /// (RFC 5280 section 4.1.2.4).
    ///
    /// # Errors
    /// [`NameError::Encoding`]; not with names that were checked.
    pub fn to_der(&self) -> Result<Vec<u8>, NameError> {
        let encode = || {
            let text = |value: &str| Any::from_der(&Utf8StringRef::new(value)?.to_der()?);
            let country = Any::from_der(&PrintableStringRef::new(&self.country)?.to_der()?)?;
            let mut levels = vec![level(COUNTRY, country)?];
            levels.push(level(ORGANIZATION, text(&self.organization)?)?);
            if let Some(unit) = &self.organizational_unit {
                levels.push(level(ORGANIZATIONAL_UNIT, text(unit)?)?);
            }
            levels.push(level(COMMON_NAME, text(&self.common_name.0)?)?);
            levels.to_der()
        };
        encode().map_err(|_: der::Error| NameError::Encoding)
    }

    /// The form of the WebORCA log, `/C=JP/O=test/CN=localhost`, safe to print.
    #[must_use]
    pub fn to_slash_text(&self) -> String {
        self.attributes()
            .map(|(name, value)| format!("/{name}={}", escaped(value, &['/'])))
            .collect()
    }

    fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            Some(("C", self.country.as_str())),
            Some(("O", self.organization.as_str())),
            self.organizational_unit.as_deref().map(|unit| ("OU", unit)),
            Some(("CN", self.common_name.as_str())),
        ]
        .into_iter()
        .flatten()
    }
}

/// `C=JP, O=orca, CN=受付1`, safe to print.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .attributes()
            .map(|(name, value)| format!("{name}={}", escaped(value, &[',', '+'])));
        f.write_str(&shown.collect::<Vec<_>>().join(", "))
    }
}

impl SubjectAlternativeName {
    /// A host name of labels of letters, digits and hyphens, at most 63 each and 253 together;
    /// one label is enough (`weborca-server`). An IDN is given in its A-label form (`xn--...`).
    ///
    /// # Errors
    /// Empty, too long, a wildcard, or not a host name (an underscore, a dot at the end, a text
    /// that is an IPv4 address).
    pub fn parse_dns(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().count() > LONGEST_HOST_NAME {
            return Err(NameError::TooLong {
                characters: text.chars().count(),
                limit: LONGEST_HOST_NAME,
            });
        }
        if text.contains('*') {
            return Err(NameError::Wildcard);
        }
        // A last label of digits would be read as an address by some and as a name by others.
        let last_is_number =
            text.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
        if last_is_number || !text.split('.').all(is_host_label) {
            return Err(NameError::HostName { text: text.to_owned() });
        }
        Ok(Self::Dns(text.to_ascii_lowercase()))
    }

    /// An IPv4 or IPv6 address, without brackets, zone or port.
    ///
    /// # Errors
    /// [`NameError::Address`].
    pub fn parse_address(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self::Address).map_err(|_| NameError::Address { text: text.to_owned() })
    }
}

impl fmt::Display for SubjectAlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => Untrusted(name).fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Empty => Self::NameEmpty {},
            NameError::TooLong { characters, limit } => {
                Self::NameTooLong { characters: characters.to_string(), limit: limit.to_string() }
            }
            NameError::SpaceAtEnd => Self::NameSpaceAtEnd {},
            NameError::HiddenCharacter { character } => {
                Self::NameHiddenCharacter { character: format!("U+{:04X}", u32::from(character)) }
            }
            NameError::Country => Self::NameCountry {},
            NameError::Wildcard => Self::NameWildcard {},
            NameError::HostName { text } => {
                Self::NameHostName { text: Untrusted(&text).to_string() }
            }
            NameError::Address { text } => Self::NameAddress { text: Untrusted(&text).to_string() },
            NameError::Encoding => Self::NameEncoding {},
        }
    }
}

/// A DER `Name` of anyone as `C=JP, O=orca, CN=受付1`, safe to print; bytes that are no name show as `?`.
#[must_use]
pub fn text_of_der(name: &[u8]) -> String {
    joined(name, &[',', '+'], "", ", ")
}

/// A DER `Name` of anyone as `/C=JP/O=test/CN=localhost`, the form of the WebORCA log, safe to print.
#[must_use]
pub fn slash_text_of_der(name: &[u8]) -> String {
    joined(name, &['/', '+'], "/", "/")
}

/// The last common name in a DER `Name`, as it stands; print it through `Untrusted`.
#[must_use]
pub fn common_name_of_der(name: &[u8]) -> Option<String> {
    let levels = Levels::from_der(name).ok()?;
    let attributes = levels.iter().flat_map(SetOfVec::iter);
    attributes.filter(|one| one.oid == COMMON_NAME).filter_map(|one| text_of(&one.value)).last()
}

/// The attribute values in a DER `Name`, in their order, as they stand; print them through
/// `Untrusted`.
#[must_use]
pub fn values_of_der(name: &[u8]) -> Vec<String> {
    let levels = Levels::from_der(name).unwrap_or_default();
    levels.iter().flat_map(SetOfVec::iter).filter_map(|one| text_of(&one.value)).collect()
}

/// A `RDNSequence`.
type Levels = Vec<SetOfVec<AttributeTypeAndValue>>;

fn level(oid: ObjectIdentifier, value: Any) -> der::Result<SetOfVec<AttributeTypeAndValue>> {
    SetOfVec::from_iter([AttributeTypeAndValue { oid, value }])
}

fn checked_text(text: &str) -> Result<String, NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    let text: String = text.nfc().collect();
    if let Some(character) = text.chars().find(|character| is_hidden(*character)) {
        return Err(NameError::HiddenCharacter { character });
    }
    if text.trim() != text {
        return Err(NameError::SpaceAtEnd);
    }
    match text.chars().count() {
        characters if characters > LONGEST_NAME => {
            Err(NameError::TooLong { characters, limit: LONGEST_NAME })
        }
        _ => Ok(text),
    }
}

fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A value through `Untrusted`, with a backslash before what separates attributes.
fn escaped(value: &str, separators: &[char]) -> String {
    let shown = Untrusted(value).to_string();
    let mut text = String::with_capacity(shown.len());
    for character in shown.chars() {
        if separators.contains(&character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

fn joined(name: &[u8], separators: &[char], before: &str, between: &str) -> String {
    let Ok(levels) = Levels::from_der(name) else { return "?".to_owned() };
    let level_text = |level: &SetOfVec<AttributeTypeAndValue>| {
        let attributes = level.iter().map(|one| {
            let known = ABBREVIATIONS.iter().find(|(oid, _)| *oid == one.oid);
            let label = known.map_or_else(|| one.oid.to_string(), |(_, label)| (*label).to_owned());
            let value = text_of(&one.value).unwrap_or_else(|| "?".to_owned());
            format!("{label}={}", escaped(&value, separators))
        });
        attributes.collect::<Vec<_>>().join("+")
    };
    format!("{before}{}", levels.iter().map(level_text).collect::<Vec<_>>().join(between))
}

/// The text of a directory string, in any of the forms RFC 5280 section 4.1.2.4 knows.
fn text_of(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        // T.61 is taken for Latin-1, as everyone does.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok())?
        }
        _ => None,
    }
}

/// The character a look-alike is taken for, after lower-casing and NFKC (which fold full-width forms).
fn look_alike(character: char) -> char {
    match character {
        '0' | 'о' | 'ο' | '〇' => 'o',
        '1' | 'i' | '|' | 'і' | 'ι' | 'ӏ' => 'l',
        'а' | 'α' => 'a',
        'с' | 'ϲ' => 'c',
        'е' => 'e',
        'һ' => 'h',
        'ј' => 'j',
        'κ' | 'к' => 'k',
        'м' => 'm',
        'ν' => 'v',
        'η' => 'n',
        'р' | 'ρ' => 'p',
        'ѕ' | '5' => 's',
        'τ' | 'т' => 't',
        'υ' => 'u',
        'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ー' | '一' | '—' | '–' | '‐' | '−' | '_' => '-',
        'ニ' => '二',
        'ロ' => '口',
        'カ' => '力',
        'エ' => '工',
        'タ' => '夕',
        'ト' => '卜',
        'ハ' => '八',
        'へ' => 'ヘ',
        'べ' => 'ベ',
        'ぺ' => 'ペ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subject(common_name: &str) -> DistinguishedName {
        DistinguishedName::new(CommonName::parse(common_name).unwrap())
    }

    // I38: each kind of name that could deceive a reader is refused by its own reason.
    #[test]
    fn names_that_deceive_are_refused_by_name() {
        let refused = |text: &str| CommonName::parse(text).unwrap_err();
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused(" \u{3000}"), NameError::Empty);
        assert_eq!(refused("user1 "), NameError::SpaceAtEnd);
        assert_eq!(refused("\u{3000}受付"), NameError::SpaceAtEnd);
        for character in ['\0', '\n', '\u{1b}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2028}'] {
            assert_eq!(
                refused(&format!("a{character}b")),
                NameError::HiddenCharacter { character }
            );
        }
        assert_eq!(refused(&"あ".repeat(65)), NameError::TooLong { characters: 65, limit: 64 });
        assert!(CommonName::parse(&"あ".repeat(64)).is_ok());
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_name() {
        let composed = CommonName::parse("が").unwrap();
        assert_eq!(CommonName::parse("か\u{3099}").unwrap(), composed);
    }

    #[test]
    fn look_alikes_share_a_skeleton_and_others_do_not() {
        let skeleton = |text| CommonName::parse(text).unwrap().skeleton();
        for (one, other) in [
            ("user1", "userl"),
            ("USER0", "userO"),
            ("ｕｓｅｒ１", "user1"),
            ("раураl", "paypal"),
            ("タ", "夕"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("受付1"), skeleton("受付2"));
    }

    #[test]
    fn the_two_text_forms_read_as_people_expect() {
        let name = subject("受付1").with_organizational_unit("内科").unwrap();
        assert_eq!(name.to_string(), "C=JP, O=orca, OU=内科, CN=受付1");
        assert_eq!(name.to_slash_text(), "/C=JP/O=orca/OU=内科/CN=受付1");
        let der = name.to_der().unwrap();
        assert_eq!(text_of_der(&der), name.to_string());
        assert_eq!(slash_text_of_der(&der), name.to_slash_text());
        assert_eq!(common_name_of_der(&der).as_deref(), Some("受付1"));
    }

    // A name must not be able to fake further attributes in a log line or a list.
    #[test]
    fn a_name_cannot_pretend_to_have_more_attributes() {
        let der = subject("x, O=other/O=third").to_der().unwrap();
        assert_eq!(text_of_der(&der), "C=JP, O=orca, CN=x\\, O=other/O=third");
        assert_eq!(slash_text_of_der(&der), "/C=JP/O=orca/CN=x, O=other\\/O=third");
    }

    #[test]
    fn the_country_is_a_printable_string_and_the_rest_utf8() {
        let der = subject("user1").with_country("jp").unwrap().to_der().unwrap();
        assert!(der.windows(4).any(|four| four == [0x13, 2, b'J', b'P']));
        assert!(der.windows(6).any(|six| six == b"\x0c\x04orca"));
        assert_eq!(subject("a").with_country("JPN").unwrap_err(), NameError::Country);
        assert_eq!(subject("a").with_country("日").unwrap_err(), NameError::Country);
    }

    #[test]
    fn host_names_are_letters_digits_and_hyphens() {
        let name = |text: &str| SubjectAlternativeName::Dns(text.to_owned());
        let parse = SubjectAlternativeName::parse_dns;
        assert_eq!(parse("weborca-server"), Ok(name("weborca-server")));
        assert_eq!(parse("WebORCA.Example"), Ok(name("weborca.example")));
        assert_eq!(parse("xn--wgv71a.jp"), Ok(name("xn--wgv71a.jp")));
        assert_eq!(parse("*.example.jp"), Err(NameError::Wildcard));
        for bad in ["a_b", "a.", ".a", "a..b", "-a", "a-", "受付", "192.168.1.100", "a b", "a\0"]
        {
            assert_eq!(parse(bad), Err(NameError::HostName { text: bad.to_owned() }), "{bad}");
        }
        let long_label = format!("{}.jp", "a".repeat(64));
        assert_eq!(parse(&long_label), Err(NameError::HostName { text: long_label.clone() }));
        assert!(matches!(
            parse(&"a.".repeat(200)),
            Err(NameError::TooLong { characters: 400, .. })
        ));
    }

    #[test]
    fn addresses_are_plain() {
        let parse = SubjectAlternativeName::parse_address;
        assert!(parse("192.168.1.100").is_ok() && parse("fd00::1").is_ok());
        for bad in ["192.168.1", "[fd00::1]", "fe80::1%eth0", "127.0.0.1:8000", "010.0.0.1"] {
            assert_eq!(parse(bad), Err(NameError::Address { text: bad.to_owned() }), "{bad}");
        }
    }

    #[test]
    fn the_old_string_forms_of_other_cas_are_readable() {
        let name = |tag: Tag, value: &[u8]| {
            vec![level(COMMON_NAME, Any::new(tag, value).unwrap()).unwrap()].to_der().unwrap()
        };
        let bmp: Vec<u8> = "受付𠮷".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text_of_der(&name(Tag::BmpString, &bmp)), "CN=受付𠮷");
        assert_eq!(text_of_der(&name(Tag::TeletexString, b"caf\xe9")), "CN=café");
        assert_eq!(text_of_der(&name(Tag::Utf8String, b"\xff")), "CN=?");
        assert_eq!(text_of_der(b"\x30\x00"), "");
    }

    proptest! {
        #[test]
        fn every_accepted_name_survives_der(text in "\\PC{1,64}") {
            if let Ok(name) = CommonName::parse(&text) {
                let der = DistinguishedName::new(name.clone()).to_der().unwrap();
                prop_assert_eq!(common_name_of_der(&der).unwrap(), name.as_str());
                prop_assert!(!text_of_der(&der).chars().any(is_hidden));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = (text_of_der(&bytes), common_name_of_der(&bytes));
        }
    }
}
