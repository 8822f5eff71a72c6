//! I17, I18, I19: an issuer whose time is over signs nothing, a certificate never outlives its issuer,
//! serial numbers and salts are random and long enough.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeSet;

use desk::{Desk, finish, names_in};

#[test]
fn an_expired_authority_signs_nothing() {
    let desk = Desk::new();
    desk.ca(&["init", "--days", "30"]).success();
    desk.ca(&["issue", "client", "before", "--days", "10"]).success();
    let (listed, files) = (desk.json(&["list", "--all"]), names_in(&desk.path("")));
    for words in [
        ["issue", "client", "user1", "--days", "1"].as_slice(),
        &["issue", "server", "clinic.example", "--days", "1"],
        &["crl"],
    ] {
        let ran = finish(desk.at("+31d", desk.sekisho(words)));
        ran.refused(&["the CA expired on", "create a new CA"]);
        let ran = finish(desk.at("-2d", desk.sekisho(words)));
        ran.refused(&["the CA begins on", "Set the clock"]);
    }
    assert_eq!(desk.json(&["list", "--all"]), listed, "nothing was recorded");
    assert_eq!(names_in(&desk.path("")), files, "nothing was written");
    // Revoking needs no signature: it stands, and that no CRL tells of it is said.
    let revoked = finish(desk.at("+31d", desk.sekisho(&["revoke", "before"])));
    revoked.refused(&["000002 is revoked, but no CRL"]);
    assert_eq!(desk.json(&["show", "2"])["state"], "revoked");
}

#[test]
fn a_certificate_beyond_the_authority_is_refused_with_the_last_possible_day() {
    let desk = Desk::with_key_file();
    let end = desk.json(&["show", "1"])["not_after"].as_str().unwrap().to_owned();
    // Each command at the same second, or a day could end between two of them.
    let ask = |name: &str, days: &str| {
        let command = desk.sekisho(&["issue", "client", name, "--days", days]);
        finish(desk.at("@2030-06-01 12:00:00", command))
    };
    let refused = ask("user1", "7400");
    let days =
        refused.error.split("at most ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    refused.refused(&["outlive the CA, which ends on", "Ask for at most", " days"]);
    assert_eq!(desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len(), 1);
    assert!(!names_in(&desk.path("")).iter().any(|name| name.ends_with(".p12")));

    ask("user1", &days).success();
    let certificate = desk.json(&["show", "user1"]);
    assert!(certificate["not_after"].as_str().unwrap() <= end.as_str(), "{certificate}");
    let one_more = (days.parse::<u32>().unwrap() + 1).to_string();
    ask("user2", &one_more).refused(&["outlive the CA"]);
}

#[test]
fn the_manuals_tool_shortens_and_says_so() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    desk.write(".orca_catool/config.yml", ":client_cert_validity: 36525\n");
    let ran = desk.orca(&["issue_client_cert", "-c", "user1"]).success();
    assert!(ran.error.contains("shortened to the end of the CA"), "{ran:?}");
    desk.peer("unzip", "unzip", &["-q", "certs/000002__JP_orca_user1.zip"]);
    let end = |crt: &str| desk.openssl(&["x509", "-in", crt, "-noout", "-enddate"]);
    let folder = "000002__JP_orca_user1";
    assert_eq!(end(&format!("{folder}/{folder}.crt")), end(&format!("{folder}/ca.crt")));
}

#[test]
fn serial_numbers_are_random_positive_unique_and_short_enough() {
    let desk = Desk::with_key_file();
    let names: String = (0..200).map(|number| format!("person {number}\n")).collect();
    desk.write("staff.csv", format!("name\n{names}"));
    desk.ca(&["issue", "client", "--from", "staff.csv", "--out", "out", "--pem"]).success();
    let listed = desk.json(&["list"]);
    let serials: Vec<Vec<u8>> = listed["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| data_encoding::HEXLOWER.decode(c["serial"].as_str().unwrap().as_bytes()).unwrap())
        .collect();
    assert_eq!(serials.len(), 201);
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), 201);
    for serial in &serials {
        assert!((12..20).contains(&serial.len()), "{serial:x?}");
    }
    // The highest octet of number 200 has its first bit set: encoded badly it would be negative.
    let crt = "out/000200__JP_orca_person%20198.crt";
    let shown = desk.openssl(&["x509", "-in", crt, "-noout", "-serial"]);
    assert!(shown.starts_with("serial=C8"), "{shown}");
    // Each of the low 96 bits is set in about half: beyond 58 to 143 of 201 lies less than 10^-8.
    for bit in 0..96 {
        let is_set = |serial: &&Vec<u8>| serial[serial.len() - 1 - bit / 8] >> (bit % 8) & 1 == 1;
        let set = serials.iter().filter(is_set).count();
        assert!((58..=143).contains(&set), "bit {bit} is set in {set} of 201");
    }
}

#[test]
fn every_salt_is_random_and_at_least_16_octets_long() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    desk.orca(&["issue_client_cert", "-c", "user1"]).success();
    let mut salts = BTreeSet::new();
    let mut seen = 0;
    for _ in 0..3 {
        let folder = "000002__JP_orca_user1";
        desk.peer("unzip", "unzip", &["-qo", &format!("certs/{folder}.zip")]);
        let p12 = std::fs::read(desk.path(&format!("{folder}/{folder}.p12"))).unwrap();
        let pem = format!("{folder}/{folder}.enc.pem");
        let key = "key.der";
        let body = desk.read(&pem);
        let base64: String = body.lines().filter(|line| !line.starts_with('-')).collect();
        desk.write(key, data_encoding::BASE64.decode(base64.as_bytes()).unwrap());
        let found = [
            pbkdf2_salts(&p12),
            vec![mac_salt(&p12)],
            pbkdf2_salts(&std::fs::read(desk.path(key)).unwrap()),
        ]
        .concat();
        assert_eq!(found.len(), 4, "key bag, certificates, MAC; encrypted PEM");
        for salt in found {
            assert!(salt.len() >= 16, "{salt:x?}");
            salts.insert(salt);
            seen += 1;
        }
        desk.orca(&["export_cert", "2"]).success();
    }
    assert_eq!(salts.len(), seen, "a salt was used twice");
}

/// The salts of every PBKDF2 in a file (RFC 8018 appendix A.2): they lie behind its identifier.
fn pbkdf2_salts(der: &[u8]) -> Vec<Vec<u8>> {
    const PBKDF2: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
    let places = der.windows(PBKDF2.len()).enumerate().filter(|(_, window)| *window == PBKDF2);
    places
        .map(|(place, _)| {
            let parameters = &der[place + PBKDF2.len()..];
            assert_eq!((parameters[0], parameters[2]), (0x30, 0x04), "{parameters:x?}");
            parameters[4..4 + usize::from(parameters[3])].to_vec()
        })
        .collect()
}

/// The salt of a bundle's MAC (RFC 7292 section 4): the last OCTET STRING, before the iterations.
fn mac_salt(der: &[u8]) -> Vec<u8> {
    for length in 8..=64_u8 {
        for integer in 3..=5_usize {
            let salt = usize::from(length);
            let begin = der.len() - integer - salt - 2;
            let iterations = der[der.len() - integer] == 0x02
                && usize::from(der[der.len() - integer + 1]) == integer - 2;
            if iterations && der[begin] == 0x04 && der[begin + 1] == length {
                return der[begin + 2..begin + 2 + salt].to_vec();
            }
        }
    }
    panic!("no MAC at the end");
}
