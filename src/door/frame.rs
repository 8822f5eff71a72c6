//! Messages on a stream: length (u32), protocol (u16), both big-endian, then the message (postcard).
//!
//! Both ends are the same program; after an upgrade that was not followed by a restart they may not
//! be, and then the protocol's number tells them apart.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::ground::messages::Refusal;

/// The number of this protocol. Whoever changes a message counts it up.
pub const PROTOCOL: u16 = 3;

/// Octets of a command or a reply at most.
pub const COMMAND_LIMIT: usize = 64 << 20;

/// Octets of a feed message at most: a snapshot of ten million serials fits.
pub const FEED_LIMIT: usize = 256 << 20;

/// Octets before each message.
const HEADER: usize = 6;

/// Why a message could not be sent or received.
#[derive(Debug)]
pub enum FrameError {
    /// The other end is gone, or the system failed.
    Io(io::Error),
    /// It is longer than may be.
    TooLong {
        /// Its octets.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// The other end speaks another protocol: another version of this program.
    OtherProtocol {
        /// Its number.
        found: u16,
    },
    /// It is no message of this protocol.
    Malformed,
}

impl FrameError {
    /// What whoever waits for the other end is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::OtherProtocol { .. } | Self::Malformed => Refusal::ServiceOtherVersion {},
            Self::TooLong { limit, .. } => Refusal::CommandTooLong { limit: limit.to_string() },
            Self::Io(_) => Refusal::ServiceGone {},
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A message as it is sent. Its one buffer is wiped.
///
/// # Errors
/// `TooLong`.
pub fn encode(message: &impl Serialize, limit: usize) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    // Measured first, so that the buffer never grows and leaves no copies of secrets behind.
    let octets =
        postcard::experimental::serialized_size(message).map_err(|_| FrameError::Malformed)?;
    let too_long = FrameError::TooLong { octets, limit };
    if octets > limit {
        return Err(too_long);
    }
    let length = u32::try_from(octets).map_err(|_| too_long)?;
    let mut frame = Zeroizing::new(vec![0; HEADER + octets]);
    let (header, body) = frame.split_at_mut(HEADER);
    let (length_place, protocol_place) = header.split_at_mut(4);
    length_place.copy_from_slice(&length.to_be_bytes());
    protocol_place.copy_from_slice(&PROTOCOL.to_be_bytes());
    postcard::to_slice(message, body).map_err(|_| FrameError::Malformed)?;
    Ok(frame)
}

/// Sends a message.
///
/// # Errors
/// `TooLong`, `Io`.
pub fn write(
    stream: &mut impl Write,
    message: &impl Serialize,
    limit: usize,
) -> Result<(), FrameError> {
    stream.write_all(&encode(message, limit)?)?;
    Ok(stream.flush()?)
}

/// Receives a message; `None` when the other end has closed between two messages.
///
/// # Errors
/// Any [`FrameError`].
pub fn read<T: DeserializeOwned>(
    stream: &mut impl Read,
    limit: usize,
) -> Result<Option<T>, FrameError> {
    let mut header = [0; HEADER];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut body = Zeroizing::new(vec![0; length(header, limit)?]);
    stream.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// As [`read`], for a task.
///
/// # Errors
/// Any [`FrameError`].
pub async fn read_async<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Option<T>, FrameError> {
    let mut header = [0; HEADER];
    if let Err(error) = stream.read_exact(&mut header).await {
        let closed = error.kind() == io::ErrorKind::UnexpectedEof;
        return if closed { Ok(None) } else { Err(error.into()) };
    }
    let mut body = Zeroizing::new(vec![0; length(header, limit)?]);
    stream.read_exact(&mut body).await?;
    decode(&body).map(Some)
}

/// A message from the octets after its header; all of them must belong to it.
///
/// # Errors
/// `Malformed`.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(FrameError::Malformed),
    }
}

fn length(header: [u8; HEADER], limit: usize) -> Result<usize, FrameError> {
    let [a, b, c, d, e, f] = header;
    let found = u16::from_be_bytes([e, f]);
    if found != PROTOCOL {
        return Err(FrameError::OtherProtocol { found });
    }
    let octets = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if octets > limit {
        return Err(FrameError::TooLong { octets, limit });
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::WireSecret;
    use crate::door::feed::{Acknowledgement, Answer};
    use crate::ground::secret::SecretBytes;
    use proptest::prelude::*;

    fn answer() -> Answer {
        Answer::Acknowledged(Acknowledgement {
            gate: "weborca".to_owned(),
            epoch: 7,
            enforced: true,
            cut: 2,
            microseconds: 812,
            left: 0,
        })
    }

    #[test]
    fn what_is_sent_is_received_and_then_the_end() {
        let mut stream = Vec::new();
        write(&mut stream, &answer(), 1000).unwrap();
        let mut reader = stream.as_slice();
        let read_back: Answer = read(&mut reader, 1000).unwrap().unwrap();
        assert_eq!(format!("{read_back:?}"), format!("{:?}", answer()));
        assert!(read::<Answer>(&mut reader, 1000).unwrap().is_none());
    }

    #[test]
    fn what_is_cut_off_too_long_or_of_another_version_is_refused_by_name() {
        let frame = encode(&answer(), 1000).unwrap();
        for end in 1..frame.len() {
            let cut = read::<Answer>(&mut &frame[..end], 1000);
            assert!(matches!(cut, Err(FrameError::Io(_))), "cut at {end}");
        }
        let limit = frame.len() - HEADER - 1;
        assert!(matches!(encode(&answer(), limit), Err(FrameError::TooLong { .. })));
        let long = read::<Answer>(&mut frame.as_slice(), limit);
        assert!(matches!(long, Err(FrameError::TooLong { .. })));
        let mut other = frame.to_vec();
        other[5] ^= 0x80;
        let other = read::<Answer>(&mut other.as_slice(), 1000);
        assert!(matches!(other, Err(FrameError::OtherProtocol { .. })));
    }

    // Catches a decoder that leaves octets behind: two readers of one frame would differ.
    #[test]
    fn octets_after_a_message_are_refused() {
        let mut body = encode(&answer(), 1000).unwrap()[HEADER..].to_vec();
        body.push(0);
        assert!(matches!(decode::<Answer>(&body), Err(FrameError::Malformed)));
    }

    #[test]
    fn a_secret_goes_through_and_is_never_shown() {
        let secret = WireSecret::from(SecretBytes::copy_of(b"hunter2"));
        assert!(!format!("{secret:?}").contains("hunter2"));
        let frame = encode(&secret, 100).unwrap();
        let read_back: WireSecret = read(&mut frame.as_slice(), 100).unwrap().unwrap();
        assert_eq!(read_back.get().expose(), b"hunter2");
    }

    proptest! {
        #[test]
        fn foreign_octets_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Answer>(&body);
            let _ = read::<crate::door::feed::Event>(&mut body.as_slice(), 300);
        }
    }
}
