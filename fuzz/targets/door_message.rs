#![no_main]
//! Messages of the door, as either end may get them from a captured process at the other: what is
//! read can be sent, and is then read as the same. Orders are checked as the authority checks them.

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use sekisho::authority::orders;
use sekisho::door::command::{Command, Request};
use sekisho::door::feed::{Answer, Event};
use sekisho::door::frame;
use sekisho::door::reply::Message;
use sekisho::gate::process::{FromGate, ToGate};
use sekisho::publisher::process::FromPublisher;
use serde::Serialize;
use serde::de::DeserializeOwned;

const LIMIT: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((kind, body)) = input.split_first() else { return };
    match kind % 8 {
        0 => {
            let request = read_twice::<Request>(body);
            if let Some(Request { command: Command::Issue { orders, .. }, .. }) = request {
                for order in orders {
                    let _ = orders::check(order);
                }
            }
        }
        1 => drop(read_twice::<Message>(body)),
        2 => drop(read_twice::<Event>(body)),
        3 => drop(read_twice::<Answer>(body)),
        4 => drop(read_twice::<FromGate>(body)),
        5 => drop(read_twice::<FromPublisher>(body)),
        6 => drop(read_twice::<ToGate>(body)),
        _ => {
            let mut stream = body;
            while let Ok(Some(_)) = frame::read::<Answer>(&mut stream, LIMIT) {}
        }
    }
});

fn read_twice<T: Serialize + DeserializeOwned + Debug>(body: &[u8]) -> Option<T> {
    let message = frame::decode::<T>(body).ok()?;
    let sent = frame::encode(&message, LIMIT).unwrap();
    assert!(sent.len() <= body.len() + 6, "longer than it came");
    let again = frame::read::<T>(&mut sent.as_slice(), LIMIT).unwrap().unwrap();
    assert_eq!(format!("{again:?}"), format!("{message:?}"));
    assert_eq!(*frame::encode(&again, LIMIT).unwrap(), *sent);
    Some(message)
}
