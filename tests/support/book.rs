//! What the commands acknowledged, held against what the CA knows afterwards.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::desk::{Desk, text};

/// Everything seen or acknowledged so far, by number.
#[derive(Default)]
pub(crate) struct Book {
    serials: BTreeMap<u64, String>,
    issued: BTreeSet<u64>,
    revoked: BTreeSet<u64>,
    abandoned: BTreeSet<u64>,
}

impl Book {
    /// Takes down what a command printed before it ended, whole or not.
    pub(crate) fn acknowledged(&mut self, printed: &str) {
        let Ok(answer) = serde_json::from_str::<Value>(printed) else { return };
        for issued in answer["issued"].as_array().into_iter().flatten() {
            let number = issued["number"].as_u64().unwrap();
            self.same_serial(number, &issued["serial"]);
            self.issued.insert(number);
        }
        let revoked = answer["lineage"].as_array().into_iter().flatten();
        self.revoked.extend(revoked.map(|number| number.as_u64().unwrap()));
    }

    /// Opens the CA as the next command does: whatever was interrupted is repaired, and said. Then
    /// holds what it knows against the book. Returns the certificates, as `list --all` tells them.
    pub(crate) fn check(&mut self, desk: &Desk) -> Vec<Value> {
        self.check_told(desk, "")
    }

    /// The same where a service repaired, and its log says so.
    pub(crate) fn check_told(&mut self, desk: &Desk, log: &str) -> Vec<Value> {
        let ran = desk.ca(&["list", "--all", "--json"]).success();
        let listed: Value = serde_json::from_str(&ran.out).unwrap();
        let certificates = listed["certificates"].as_array().unwrap().clone();
        let mut states = BTreeMap::new();
        for certificate in &certificates {
            let number = certificate["number"].as_u64().unwrap();
            let state = certificate["state"].as_str().unwrap();
            self.same_serial(number, &certificate["serial"]);
            assert_eq!(states.insert(number, state), None, "number {number} twice");
            match state {
                "abandoned" if self.abandoned.insert(number) => {
                    let logged = |line: &str| {
                        let words = line.split(|character: char| !character.is_ascii_digit());
                        line.contains("interrupted")
                            && words.into_iter().any(|word| word == number.to_string())
                    };
                    let told = ran.error.contains(&format!("{number:06}"));
                    let named = told || log.lines().any(logged);
                    assert!(named, "{number} was repaired in silence: {}", ran.error);
                }
                "revoked" => {
                    self.revoked.insert(number);
                }
                "intended" => panic!("{number} is left as intended"),
                _ => {}
            }
        }
        let serials: BTreeSet<&String> = self.serials.values().collect();
        assert_eq!(serials.len(), self.serials.len(), "a serial number twice");
        for number in &self.issued {
            let state = states.get(number).copied();
            assert!(matches!(state, Some("valid" | "revoked")), "{number} was lost: {state:?}");
        }
        for number in &self.revoked {
            assert_eq!(states.get(number), Some(&"revoked"), "{number} is not revoked any more");
        }
        for number in &self.abandoned {
            assert_eq!(states.get(number), Some(&"abandoned"), "{number} came back");
        }
        desk.ca(&["verify"]).success();
        certificates
    }

    /// A fresh CRL, as openssl reads it, tells of everything revoked or abandoned, and of no more.
    pub(crate) fn check_crl(&self, desk: &Desk) {
        desk.ca(&["crl"]).success();
        let told: BTreeSet<String> =
            desk.crl_serials(text(&desk.path("ca/crl.pem"))).into_iter().collect();
        let numbers = self.revoked.union(&self.abandoned);
        let expected: BTreeSet<String> =
            numbers.map(|number| self.serials[number].to_uppercase()).collect();
        assert_eq!(told, expected);
    }

    /// A certificate in force that this book issued; one is issued where there is none.
    pub(crate) fn one_to_revoke(&mut self, desk: &Desk) -> u64 {
        let valid = self.issued.difference(&self.revoked).next().copied();
        valid.unwrap_or_else(|| {
            self.acknowledged(&desk.ca(&["issue", "client", "spare", "--json"]).success().out);
            *self.issued.last().unwrap()
        })
    }

    pub(crate) fn abandoned(&self) -> usize {
        self.abandoned.len()
    }

    pub(crate) fn issued(&self) -> usize {
        self.issued.len()
    }

    fn same_serial(&mut self, number: u64, serial: &Value) {
        let serial = serial.as_str().unwrap().to_owned();
        let known = self.serials.entry(number).or_insert_with(|| serial.clone());
        assert_eq!(*known, serial, "number {number} was used twice");
    }
}
