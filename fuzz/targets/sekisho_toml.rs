#![no_main]
//! `sekisho.toml`: whatever is accepted is within its bounds, and whatever is refused can be shown.

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sekisho::config::sekisho_toml;
use sekisho::ground::messages::Language;
use sekisho_fuzz::assert_printable;

fuzz_target!(|text: &str| {
    match sekisho_toml::parse(text, Path::new("/nowhere")) {
        Ok(config) => {
            assert!(config.authority().is_some() || !config.gates().is_empty());
            if let Some(authority) = config.authority() {
                assert!((1..=90).contains(&authority.crl_days()));
                assert!((2..=825).contains(&authority.server_days()));
            }
            let mut names: Vec<&str> = config.gates().iter().map(|gate| gate.name()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|two| two[0] != two[1]));
            assert!(names.iter().all(|name| (1..=32).contains(&name.len())));
        }
        Err(findings) => {
            assert!(!findings.is_empty());
            for finding in findings {
                // What is missing at the end may be missed on the empty line after the last.
                assert!(finding.line.is_none_or(|line| line <= text.split('\n').count()));
                for language in [Language::English, Language::Japanese] {
                    assert_printable(&finding.refusal.what(language));
                    assert_printable(&finding.refusal.next(language));
                }
            }
        }
    }
});
