//! Text from outside: names, headers, file contents. It is printed only through [`Untrusted`].

use std::fmt;

/// Characters shown before the text is cut with an ellipsis.
const LONGEST: usize = 128;

/// Shows foreign text on one line with nothing hidden: C0, C1, bidirectional controls, format
/// characters and line separators appear as `\u{..}`, and what is longer than 128 characters is cut.
#[derive(Clone, Copy)]
pub struct Untrusted<'a>(pub &'a str);

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, character) in self.0.chars().enumerate() {
            if count == LONGEST {
                return f.write_str("…");
            }
            if is_hidden(character) || character == '\\' {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Shows text of several lines, in which words from outside may stand, with nothing hidden.
#[derive(Clone, Copy)]
pub struct Lines<'a>(pub &'a str);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_hidden(character) && character != '\n' {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character does not show as itself: a control, a format character, or a separator
/// of lines or paragraphs (Unicode categories Cc, Cf, Zl, Zp, and the fillers that show as nothing).
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00AD | 0x034F | 0x0600..=0x0605 | 0x061C | 0x06DD | 0x070F | 0x0890..=0x0891 | 0x08E2
            | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_newline_and_bidi_controls_are_shown_not_obeyed() {
        let shown = Untrusted("a\u{1b}[31m\nb\u{202e}c\u{85}\u{2028}").to_string();
        assert_eq!(shown, "a\\u{1b}[31m\\nb\\u{202e}c\\u{85}\\u{2028}");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(Lines("a\u{1b}[31m\n  → b\\").to_string(), "a\\u{1b}[31m\n  → b\\");
    }

    #[test]
    fn japanese_stays_readable() {
        assert_eq!(Untrusted("受付1").to_string(), "受付1");
    }

    proptest! {
        #[test]
        fn nothing_hidden_survives_and_length_is_bounded(text in ".{0,300}") {
            let shown = Untrusted(&text).to_string();
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert!(shown.chars().count() <= 129 * 10);
        }
    }
}
