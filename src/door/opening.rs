//! How the process of a role begins, whoever started it: its standard input is a stream to the
//! supervisor, and the first thing on it an order, with descriptors (`SCM_RIGHTS`, unix(7)).
//!
//! The order is one octet. Whoever is to serve answers it with one, so that the kernel says who is
//! there (`SCM_CREDENTIALS`); the messages of its role follow.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, UCred, recvmsg, sendmsg, sockopt,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The first order to a process.
#[derive(Debug)]
pub enum Order {
    /// To serve.
    Serve(Opening),
    /// To end another process of its user, and nothing else.
    End(OwnedFd),
}

/// What the process of a role begins with.
#[derive(Debug)]
pub struct Opening {
    /// The messages of its role.
    pub messages: StdUnixStream,
    /// The channel for descriptors.
    pub descriptors: OwnedFd,
    /// Where its log goes, unless it goes to its standard error as it is.
    pub log: Option<OwnedFd>,
    /// The form of its log lines.
    pub form: LogForm,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Orders as octets.
const SERVE_WITH_TEXT: u8 = b'T';
const SERVE_WITH_JSON: u8 = b'J';
const END: u8 = b'E';

/// The answer of whoever serves.
const HERE: u8 = b'H';

/// Descriptors that come with an order at most.
const MOST: usize = 2;

/// The first order to this process, from its standard input. It is answered.
///
/// # Errors
/// It is no socket, the supervisor is gone, or what came is no order.
pub fn receive(input: OwnedFd) -> io::Result<Order> {
    if sockopt::socket_domain(&input)? != AddressFamily::UNIX {
        return Err(malformed());
    }
    let mut octet = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(&input, &mut [IoSliceMut::new(&mut octet)], &mut ancillary, CLOSED_ON_EXEC)?;
    let mut carried = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            carried.extend(descriptors);
        }
    }
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut carried = carried.into_iter();
    let first = carried.next().ok_or_else(malformed)?;
    let form = match octet {
        [END] => return Ok(Order::End(first)),
        [SERVE_WITH_TEXT] => LogForm::Text,
        [SERVE_WITH_JSON] => LogForm::Json,
        _ => return Err(malformed()),
    };
    rustix::net::send(&input, &[HERE], SendFlags::NOSIGNAL)?;
    let messages = StdUnixStream::from(input);
    Ok(Order::Serve(Opening { messages, descriptors: first, log: carried.next(), form }))
}

/// Orders the process at the other end to serve, with its end of a channel for descriptors, and where
/// its log goes unless it has one. Returns who it is, as the kernel knows it.
///
/// # Errors
/// It is gone, or answered something else.
pub async fn begin(
    process: &UnixStream,
    form: LogForm,
    channel: BorrowedFd<'_>,
    log: Option<BorrowedFd<'_>>,
) -> io::Result<UCred> {
    sockopt::set_socket_passcred(process, true)?;
    let carried: Vec<BorrowedFd<'_>> = [channel].into_iter().chain(log).collect();
    let sending = || send(process.as_fd(), order(form), &carried);
    process.async_io(Interest::WRITABLE, sending).await?;
    process.async_io(Interest::READABLE, || answer(process.as_fd())).await
}

/// As [`begin`], without a runtime.
///
/// # Errors
/// As [`begin`].
pub fn begin_and_wait(
    process: &StdUnixStream,
    form: LogForm,
    channel: BorrowedFd<'_>,
) -> io::Result<UCred> {
    sockopt::set_socket_passcred(process, true)?;
    send(process.as_fd(), order(form), &[channel])?;
    answer(process.as_fd())
}

/// Orders the process at the other end to end another of the same user, by its pidfd.
///
/// # Errors
/// It is gone.
pub async fn end(process: &UnixStream, other: BorrowedFd<'_>) -> io::Result<()> {
    process.async_io(Interest::WRITABLE, || send(process.as_fd(), END, &[other])).await
}

const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;

fn order(form: LogForm) -> u8 {
    match form {
        LogForm::Text => SERVE_WITH_TEXT,
        LogForm::Json => SERVE_WITH_JSON,
    }
}

fn send(process: BorrowedFd<'_>, order: u8, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(process, &[IoSlice::new(&[order])], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The answer, and who gave it.
fn answer(process: BorrowedFd<'_>) -> io::Result<UCred> {
    let mut octet = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(process, &mut [IoSliceMut::new(&mut octet)], &mut ancillary, CLOSED_ON_EXEC)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut who = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmCredentials(credentials) = message {
            who = Some(credentials);
        }
    }
    sockopt::set_socket_passcred(process, false)?;
    if octet == [HERE] { who.ok_or_else(malformed) } else { Err(malformed()) }
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::door::descriptors;

    fn ends() -> (UnixStream, OwnedFd) {
        let (ours, theirs) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (UnixStream::from_std(ours).unwrap(), theirs.into())
    }

    #[tokio::test]
    async fn whoever_is_to_serve_gets_what_it_needs_and_says_who_it_is() {
        for form in [LogForm::Text, LogForm::Json] {
            let (ours, theirs) = ends();
            let ((_, channel), (mut reader, log)) =
                (descriptors::pair().unwrap(), std::io::pipe().unwrap());
            let process = std::thread::spawn(|| receive(theirs));
            let begun = begin(&ours, form, channel.as_fd(), Some(log.as_fd())).await.unwrap();
            assert_eq!(begun.uid, rustix::process::getuid());
            assert_eq!(begun.pid, rustix::process::getpid());
            let Order::Serve(opening) = process.join().unwrap().unwrap() else {
                panic!("another order");
            };
            assert_eq!(opening.form, form);
            drop(log);
            std::fs::File::from(opening.log.unwrap()).write_all(b"a line").unwrap();
            let mut line = String::new();
            reader.read_to_string(&mut line).unwrap();
            assert_eq!(line, "a line");
        }
    }

    #[tokio::test]
    async fn whoever_is_to_end_another_gets_that_one_and_says_nothing() {
        let (ours, theirs) = ends();
        let own = rustix::process::getpid();
        let own = rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).unwrap();
        end(&ours, own.as_fd()).await.unwrap();
        assert!(matches!(receive(theirs).unwrap(), Order::End(_)));
        ours.readable().await.unwrap();
        assert_eq!(ours.try_read(&mut [0]).unwrap(), 0);
    }

    // Catches a role that takes anything for an order, or waits for ever for a supervisor that is gone.
    #[tokio::test]
    async fn what_is_no_order_and_no_answer_is_an_error() {
        for octets in [&b"T"[..], b"E", b"X", b""] {
            let (mut ours, theirs) = StdUnixStream::pair().unwrap();
            ours.write_all(octets).unwrap();
            drop(ours);
            assert!(receive(theirs.into()).is_err(), "{octets:?}");
        }
        assert!(receive(std::io::pipe().unwrap().0.into()).is_err());
        for octets in [&b"X"[..], b""] {
            let (ours, theirs) = ends();
            let (_, channel) = descriptors::pair().unwrap();
            let mut theirs = StdUnixStream::from(theirs);
            theirs.write_all(octets).unwrap();
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            let begun = begin(&ours, LogForm::Text, channel.as_fd(), None).await;
            assert!(begun.is_err(), "{octets:?}");
        }
    }
}
