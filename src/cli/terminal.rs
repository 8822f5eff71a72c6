//! Asking at the terminal. Ctrl-C and Ctrl-D at a question are answers too: nothing is done, and
//! the terminal is left as it was.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::ground::messages::Refusal;
use crate::ground::secret::Passphrase;

/// The longest line that is read, in octets.
const LONGEST: usize = 1024;

/// The terminal this process belongs to, whatever its standard input is.
pub(super) struct Terminal {
    device: File,
    before: Termios,
}

impl Terminal {
    /// The controlling terminal; `None` when there is none.
    #[must_use]
    pub(super) fn open() -> Option<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&device).ok()?;
        Some(Self { device, before })
    }

    /// Asks for a secret: what is typed is not shown.
    ///
    /// # Errors
    /// `Cancelled` on Ctrl-C or Ctrl-D.
    pub(super) fn ask_secret(&mut self, question: &str) -> Result<Passphrase, Refusal> {
        let mut modes = self.before.clone();
        modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(&self.device, OptionalActions::Flush, &modes)
            .map_err(|_| Refusal::NoTerminal {})?;
        self.show(question);
        let typed = read_keys(&mut self.device);
        // Best effort: there is no other terminal to restore.
        let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.before);
        self.show("\n");
        let typed = typed?;
        let text = std::str::from_utf8(&typed).map_err(|_| Refusal::PassphraseNotText {})?;
        Ok(Passphrase::new(text.to_owned()))
    }

    /// Shows a text on the terminal only, wherever standard output goes.
    pub(super) fn show(&mut self, text: &str) {
        // A terminal that is gone is nothing to stop for.
        let _ = self.device.write_all(text.as_bytes());
        let _ = self.device.flush();
    }
}

/// Reads keys up to Enter. Backspace takes back a whole character, Ctrl-U everything.
fn read_keys(device: &mut File) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut key = [0_u8; 1];
    loop {
        if device.read(&mut key).unwrap_or(0) == 0 {
            return Err(Refusal::Cancelled {});
        }
        match key {
            [b'\r' | b'\n'] => return Ok(typed),
            [0x03 | 0x04] => return Err(Refusal::Cancelled {}),
            [0x15] => typed.zeroize(),
            [0x08 | 0x7F] => while typed.pop().is_some_and(|octet| octet & 0xC0 == 0x80) {},
            [octet] if typed.len() < LONGEST => typed.push(octet),
            _ => return Err(Refusal::PassphraseTooLong { limit: LONGEST.to_string() }),
        }
    }
}

/// Asks, then reads one line of standard input, without its end; `None` at its end or on Ctrl-C.
pub(super) fn read_answer(ask: impl FnOnce()) -> Option<String> {
    let mut input = std::io::stdin();
    if !input.is_terminal() {
        ask();
        return read_line(&mut input);
    }
    // Without signals Ctrl-C arrives as a character, and the answer is "nothing".
    let before = tcgetattr(&input).ok()?;
    let mut modes = before.clone();
    modes.local_modes -= LocalModes::ISIG;
    modes.special_codes[rustix::termios::SpecialCodeIndex::VEOL] = 0x03;
    tcsetattr(&input, OptionalActions::Now, &modes).ok()?;
    // Only now: whoever answers at once gets the same.
    ask();
    let answer = read_line(&mut input);
    let _ = tcsetattr(&input, OptionalActions::Now, &before);
    answer.filter(|answer| !answer.contains('\u{3}'))
}

fn read_line(input: &mut impl Read) -> Option<String> {
    // One octet at a time: what follows the line belongs to the next question.
    let mut line = Vec::new();
    let mut octet = [0_u8; 1];
    while input.read(&mut octet).ok()? == 1 {
        match octet {
            [b'\n' | 0x03] => {
                line.extend(octet.iter().filter(|octet| **octet == 0x03));
                return String::from_utf8(line).ok();
            }
            [_] if line.len() >= LONGEST => return None,
            [octet] => line.push(octet),
        }
    }
    if line.is_empty() { None } else { String::from_utf8(line).ok() }
}
