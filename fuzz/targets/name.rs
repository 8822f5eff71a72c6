#![no_main]
//! Names: those people type, and those that stand in foreign certificates.

use libfuzzer_sys::fuzz_target;
use sekisho::pki::name::{self, CommonName, DistinguishedName, SubjectAlternativeName};
use sekisho_fuzz::assert_printable;

fuzz_target!(|bytes: &[u8]| {
    assert_printable(&name::text_of_der(bytes));
    assert_printable(&name::slash_text_of_der(bytes));
    let _ = name::common_name_of_der(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = SubjectAlternativeName::parse_address(text);
    if let Ok(SubjectAlternativeName::Dns(host)) = SubjectAlternativeName::parse_dns(text) {
        let again = SubjectAlternativeName::parse_dns(&host);
        assert_eq!(again, Ok(SubjectAlternativeName::Dns(host)));
    }
    if let Ok(common_name) = CommonName::parse(text) {
        assert_eq!(CommonName::parse(common_name.as_str()).as_ref(), Ok(&common_name));
        let der = DistinguishedName::new(common_name.clone()).to_der().unwrap();
        assert_eq!(name::common_name_of_der(&der).as_deref(), Some(common_name.as_str()));
    }
});
