//! WebSocket (RFC 6455), and no other protocol: bytes both ways once both sides have agreed.

use hyper::HeaderMap;
use hyper::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use hyper::http::{Method, Request, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::headers::tokens;

/// Octets held for each direction of a tunnel.
const BUFFER: usize = 16 * 1024;

/// What a request asks the connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An answer, as usual. Other protocols than WebSocket are not heard.
    Answer,
    WebSocket,
    /// A WebSocket handshake that has a body or another method: what followed would be read
    /// differently by us and the upstream.
    Malformed,
}

pub(super) fn wanted<B>(request: &Request<B>) -> Wanted {
    let headers = request.headers();
    let upgrades = request.version() == Version::HTTP_11
        && asks_for_websocket(headers)
        && tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if !upgrades {
        return Wanted::Answer;
    }
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    if request.method() != Method::GET || has_body { Wanted::Malformed } else { Wanted::WebSocket }
}

/// Whether `Upgrade` says WebSocket and nothing else.
pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut wanted = tokens(headers, &UPGRADE);
    wanted.next().is_some_and(|token| token.eq_ignore_ascii_case("websocket"))
        && wanted.next().is_none()
}

/// Two connections that have become one.
pub(super) struct Tunnel {
    pub(super) visitor: OnUpgrade,
    pub(super) upstream: OnUpgrade,
}

impl Tunnel {
    /// Carries bytes until both sides have ended, or one has failed.
    pub(super) async fn run(self) {
        let Ok((visitor, upstream)) = tokio::try_join!(self.visitor, self.upstream) else {
            return;
        };
        let (mut visitor, mut upstream) = (TokioIo::new(visitor), TokioIo::new(upstream));
        // How it ended is the two sides' affair.
        let _ =
            tokio::io::copy_bidirectional_with_sizes(&mut visitor, &mut upstream, BUFFER, BUFFER)
                .await;
    }
}
