//! `sekisho renew`: the follower of a certificate.

use super::arguments::Renew;
use super::handout::{self, Received};
use super::issue;
use super::session::Session;
use crate::door::command::{Key, Renewal, Selector};
use crate::ground::files;
use crate::ground::messages::Refusal;

/// Issues a certificate for the same holder, with a new key. The one before stays in force until it
/// ends or is revoked, so that nobody is locked out meanwhile.
pub(super) fn run(session: &Session, arguments: &Renew) -> Result<(), Refusal> {
    let key = match &arguments.csr {
        Some(path) => Key::Requested { request: files::read(path, issue::LARGEST_REQUEST)? },
        None => Key::Generate { algorithm: arguments.key.clone(), escrow: arguments.escrow },
    };
    let renewal = Renewal {
        days: arguments.days,
        key,
        again: arguments.again,
        source: arguments.csr.as_ref().map(|path| path.display().to_string()),
    };
    handout::check_writable(&arguments.out)?;
    let mut door = session.open()?;
    let which = Selector::Text(arguments.which.clone());
    let issued = door.renew(which, renewal, issue::handout(arguments.legacy))?;
    let issued = Received::of(issued)?;
    let written = session.deliver(&mut door, &issued, |issued| {
        handout::write(&issued.bundle, &arguments.out, arguments.pem)
    })?;
    issue::show(session, &issued, &written);
    Ok(())
}
