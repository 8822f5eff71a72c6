//! QR codes (ISO/IEC 18004) on the terminal, two rows of modules in one line of text.

use qrcodegen::{QrCode, QrCodeEcc};
use zeroize::Zeroizing;

/// Light modules around the code that readers look for.
const QUIET: i32 = 4;

/// Black on white, whatever the terminal's own colours are (ECMA-48 section 8.3.117), and back.
const COLOURS: &str = "\u{1b}[30;107m";
const RESET: &str = "\u{1b}[0m";

/// The lines of a code of this text; none when the text is too long for one.
pub(super) fn lines(text: &str) -> Vec<Zeroizing<String>> {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return Vec::new() };
    let edge = code.size() + QUIET;
    let rows = (-QUIET..edge).step_by(2);
    rows.map(|y| {
        let halves =
            (-QUIET..edge).map(|x| match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (false, false) => ' ',
                (true, false) => '▀',
                (false, true) => '▄',
                (true, true) => '█',
            });
        let mut line = Zeroizing::new(String::with_capacity(LINE));
        line.push_str(COLOURS);
        line.extend(halves);
        line.push_str(RESET);
        line
    })
    .collect()
}

/// Octets of a line at most, so that none grows and leaves a copy behind.
const LINE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that a line shows, read back.
    fn modules(lines: &[Zeroizing<String>]) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in lines {
            let inner = line.strip_prefix(COLOURS).unwrap().strip_suffix(RESET).unwrap();
            rows.push(inner.chars().map(|c| matches!(c, '▀' | '█')).collect());
            rows.push(inner.chars().map(|c| matches!(c, '▄' | '█')).collect());
        }
        rows
    }

    #[test]
    fn a_reader_reads_what_the_terminal_shows() {
        let text = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ-0123-4567-89AB-CDEF";
        let rows = modules(&lines(text));
        let side = rows[0].len();
        assert!(side <= 80 && rows.len() <= 48, "{side} columns, {} lines", rows.len() / 2);
        // Each module four points wide, as a camera would see it.
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(side * 4, side * 4, |x, y| {
            if rows[y / 4][x / 4] { 0 } else { 255 }
        });
        let codes = seen.detect_grids();
        assert_eq!(codes.len(), 1);
        assert_eq!(codes[0].decode().unwrap().1, text);
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert!(lines(&"x".repeat(4000)).is_empty());
    }
}
