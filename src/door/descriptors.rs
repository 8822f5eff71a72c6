//! Descriptors on their way to a process that may open none itself: sockets that the supervisor
//! listens at or has connected (`SCM_RIGHTS`, unix(7)).
//!
//! The channel keeps messages apart (`SOCK_SEQPACKET`); each is postcard, of at most 512 octets, with
//! one descriptor or none.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Octets of a message.
const LIMIT: usize = 512;

/// One end of a channel for descriptors. To the runtime it is a Unix socket like any other.
pub struct Descriptors(UnixStream);

/// Two ends of a new channel, for [`Descriptors::new`].
///
/// # Errors
/// The system has no sockets left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

impl Descriptors {
    /// An end, for the runtime this is called in.
    ///
    /// # Errors
    /// The system refused to watch it.
    pub fn new(end: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&end, true)?;
        Ok(Self(UnixStream::from_std(end.into())?))
    }

    /// Sends a message, and a copy of a descriptor with it. Waits while the other end does not read.
    ///
    /// # Errors
    /// The other end is gone, or the message is longer than may be.
    pub async fn send(
        &self,
        message: &impl Serialize,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut buffer = [0; LIMIT];
        let message = encode(message, &mut buffer)?;
        self.0.async_io(Interest::WRITABLE, || send(self.0.as_fd(), message, descriptor)).await
    }

    /// The next message, and the descriptor that came with it, if this process had room for it; `None`
    /// when the other end is gone.
    ///
    /// # Errors
    /// It is no message of this channel, such as one with several descriptors, or the system failed.
    pub async fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<(T, Option<OwnedFd>)>> {
        self.0.async_io(Interest::READABLE, || receive(self.0.as_fd())).await
    }
}

/// Sends a message, and a copy of a descriptor with it, without a runtime.
///
/// # Errors
/// As [`Descriptors::send`].
pub fn hand(
    end: BorrowedFd<'_>,
    message: &impl Serialize,
    descriptor: BorrowedFd<'_>,
) -> io::Result<()> {
    let mut buffer = [0; LIMIT];
    let message = encode(message, &mut buffer)?;
    send(end, message, Some(descriptor))
}

fn encode<'a>(message: &impl Serialize, buffer: &'a mut [u8; LIMIT]) -> io::Result<&'a [u8]> {
    let encoded = postcard::to_slice(message, buffer);
    encoded.map(|message| &*message).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Listens at a socket again that is not listened at any more: a process that was handed it and went
/// wrong may have shut it down, for all who hold it.
///
/// # Errors
/// The system's refusal.
pub fn listen_again(listener: impl AsFd) -> io::Result<()> {
    if !rustix::net::sockopt::socket_acceptconn(&listener)? {
        rustix::net::listen(&listener, WAITING_VISITORS)?;
    }
    Ok(())
}

/// Connections that wait at a socket until they are accepted.
const WAITING_VISITORS: i32 = 1024;

fn send(end: BorrowedFd<'_>, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let Some(descriptor) = descriptor else {
        // Who may send no descriptor may not call `sendmsg`.
        rustix::net::send(end, message, SendFlags::NOSIGNAL)?;
        return Ok(());
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let carried = [descriptor];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&carried)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(end, &[IoSlice::new(message)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive<T: DeserializeOwned>(end: BorrowedFd<'_>) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut buffer = [0; LIMIT];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(end, &mut [IoSliceMut::new(&mut buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(carried) = message {
            descriptors.extend(carried);
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    // With none at all, cut off means that this process has no descriptors left at the moment; the
    // message is good all the same. With one it means that there were more, which comes from nobody of
    // ours. The system has closed what had no room.
    let more = descriptors.len() > 1
        || (descriptors.len() == 1 && received.flags.contains(ReturnFlags::CTRUNC));
    if more || received.flags.contains(ReturnFlags::TRUNC) {
        return Err(malformed());
    }
    let octets = buffer.get(..received.bytes).ok_or_else(malformed)?;
    let message = super::frame::decode(octets).map_err(|_| malformed())?;
    Ok(Some((message, descriptors.pop())))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream as StdUnixStream;

    use super::*;

    // Catches an address that one captured gate shuts for all that come after it.
    #[test]
    fn a_socket_that_somebody_shut_down_is_listened_at_again() {
        // A port that was named is kept through it.
        let listener = std::iter::repeat_with(|| {
            let any = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = any.local_addr().unwrap();
            drop(any);
            std::net::TcpListener::bind(address)
        });
        let listener = listener.flatten().next().unwrap();
        let address = listener.local_addr().unwrap();
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
        assert!(std::net::TcpStream::connect(address).is_err());
        listen_again(&listener).unwrap();
        std::net::TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
        assert_eq!(listener.local_addr().unwrap(), address);
    }

    async fn ends() -> (Descriptors, Descriptors) {
        let (one, other) = pair().unwrap();
        (Descriptors::new(one).unwrap(), Descriptors::new(other).unwrap())
    }

    #[tokio::test]
    async fn a_descriptor_arrives_with_its_message() {
        let (one, other) = ends().await;
        let (mut near, far) = StdUnixStream::pair().unwrap();
        one.send(&"first", None).await.unwrap();
        one.send(&"second", Some(far.as_fd())).await.unwrap();
        drop((one, far));
        let (message, descriptor) = other.receive::<String>().await.unwrap().unwrap();
        assert_eq!((message.as_str(), descriptor.is_some()), ("first", false));
        let (message, descriptor) = other.receive::<String>().await.unwrap().unwrap();
        assert_eq!(message, "second");
        let mut far = StdUnixStream::from(descriptor.unwrap());
        far.write_all(b"through").unwrap();
        drop(far);
        let mut text = String::new();
        near.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        assert!(other.receive::<String>().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn octets_that_are_no_message_are_an_error_and_nothing_worse() {
        let (end, raw) = pair().unwrap();
        let other = Descriptors::new(end).unwrap();
        for octets in [&[200; 8][..], &[3, b'a', b'b', b'c', 0], &[1; LIMIT + 1]] {
            rustix::net::send(&raw, octets, SendFlags::empty()).unwrap();
            assert!(other.receive::<String>().await.is_err(), "{octets:?}");
        }
    }

    // Catches descriptors that are taken in and kept, and a channel that takes the last of several.
    #[tokio::test]
    async fn several_descriptors_at_once_are_no_message_and_all_are_closed() {
        for number in [2, 3, 5, 200] {
            let (end, raw) = pair().unwrap();
            let other = Descriptors::new(end).unwrap();
            let (mut near, far) = StdUnixStream::pair().unwrap();
            near.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
            let carried = vec![far.as_fd(); number];
            let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&carried)));
            let message = [IoSlice::new(b"\x05first")];
            sendmsg(&raw, &message, &mut ancillary, SendFlags::empty()).unwrap();
            drop(far);
            let received = other.receive::<String>().await;
            let refused = received.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData);
            assert!(refused, "{number}");
            // The end comes once nobody holds the other end any more.
            assert_eq!(near.read(&mut [0]).unwrap(), 0, "{number}");
        }
    }
}
