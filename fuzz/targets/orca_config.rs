#![no_main]
//! `~/.orca_catool/config.yml`.

use libfuzzer_sys::fuzz_target;
use sekisho::config::orca_catool::OrcaCatool;

fuzz_target!(|text: &str| {
    if let Ok(config) = OrcaCatool::parse(text) {
        for days in [config.server_days, config.client_days, config.crl_days] {
            assert!((1..=36_525).contains(&days));
        }
    }
});
