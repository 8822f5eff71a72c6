//! The test harness of programs that play a service themselves: it prints what `make test` counts.

#![allow(clippy::print_stdout, reason = "what a harness is for")]

use std::process::ExitCode;

/// Runs the tests whose names contain one of the words on the command line, or all of them.
pub(crate) fn run(all: &[(&str, fn())]) -> ExitCode {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for (name, test) in all {
        if !asked.is_empty() && !asked.iter().any(|part| name.contains(part.as_str())) {
            left_out += 1;
            continue;
        }
        if std::panic::catch_unwind(test).is_ok() {
            println!("test {name} ... ok");
            passed += 1;
        } else {
            println!("test {name} ... FAILED");
            failed += 1;
        }
    }
    let outcome = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {outcome}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         {left_out} filtered out"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
