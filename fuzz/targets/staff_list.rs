#![no_main]
//! The list of names for many certificates at once.

use libfuzzer_sys::fuzz_target;
use sekisho::cli::staff_list::{self, Unread};
use sekisho_fuzz::assert_printable;

fuzz_target!(|bytes: &[u8]| match staff_list::read(bytes) {
    Ok(rows) => {
        assert!(rows.len() <= bytes.len());
        // What the rows say, written down anew, is read as the same.
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut list = "name,person,device,days\n".to_owned();
        for row in &rows {
            let field = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
            let days = row.days.map(|days| days.to_string()).unwrap_or_default();
            let (person, device) = (field(&row.person), field(&row.device));
            list += &format!("{},{person},{device},{days}\n", quoted(&row.name));
        }
        assert_eq!(staff_list::read(list.as_bytes()).unwrap(), rows, "{list}");
    }
    Err(Unread::NotText) => assert!(std::str::from_utf8(bytes).is_err()),
    Err(Unread::Malformed { reason: text } | Unread::Columns { found: text }) => {
        assert_printable(&text);
    }
});
