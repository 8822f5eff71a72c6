//! The answer to a visitor whose handshake ended well and who may not come in: one page, and the
//! end of the connection. Nothing of the request is passed on, and nothing of it is in the answer.

use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::owed_alerts::{OwedAlerts, OwedTo};
use super::pages::{HTML, JSON, reads_json};
use super::refusal_page::{POLICY, RefusalPage};
use super::settings::{Mode, RefusalMode, Settings};
use crate::admission::{ChainKey, Refusal};
use crate::ground::clock;
use crate::ground::untrusted::Untrusted;

/// The refusal's stable name ([`Refusal::name`]), for programs.
const REFUSAL: HeaderName = HeaderName::from_static("sekisho-refusal");

/// What the page's *try again* asks with. Another site's script cannot send it.
const TRY_AGAIN: HeaderName = HeaderName::from_static("sekisho-try-again");

/// Octets of a request's headers.
const HEADER_OCTETS: u16 = 8 * 1024;

/// From the end of the handshake to the last octet of the answer.
const CONVERSATION: Duration = Duration::from_secs(5);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What the handling of refused visitors has in common.
pub(super) struct Responder {
    contact: Option<String>,
    owed: Arc<OwedAlerts>,
}

/// A visitor who may not come in.
pub(super) struct Refused {
    /// Why.
    pub(super) refusal: Refusal,
    /// What the log has it under; none when there was no room for a line.
    pub(super) reference: Option<Reference>,
    /// Where from.
    pub(super) address: IpAddr,
    /// What was shown; none when there was no certificate.
    pub(super) chain: Option<ChainKey>,
}

impl Responder {
    /// None where every refusal is an alert.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let explains = settings.refusal == RefusalMode::Explain && settings.mode == Mode::Http;
        explains.then(|| Self {
            contact: settings.contact.as_deref().map(|contact| Untrusted(contact).to_string()),
            owed: OwedAlerts::new(),
        })
    }

    /// The alerts owed to a visitor.
    pub(super) fn owed_to(&self, address: IpAddr, socket: &TcpStream) -> OwedTo {
        self.owed.to(address, socket)
    }

    /// Answers one request, in bounded time, and says goodbye.
    pub(super) async fn answer(&self, stream: &mut TlsStream<TcpStream>, refused: Refused) {
        let conversation = async {
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                self.answer_http2(stream, &refused).await;
            } else {
                self.answer_http1(stream, &refused).await;
            }
        };
        // How it ended, and whether anything was asked, is the visitor's affair.
        let _ = timeout(CONVERSATION, conversation).await;
        let _ = timeout(GOODBYE, stream.shutdown()).await;
    }

    async fn answer_http1(&self, stream: &mut TlsStream<TcpStream>, refused: &Refused) {
        let service = service_fn(|request| {
            ready(Ok::<_, std::convert::Infallible>(self.reply(&request, refused)))
        });
        let _ = http1::Builder::new()
            .keep_alive(false)
            .header_read_timeout(None)
            .max_header_size(usize::from(HEADER_OCTETS))
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer_http2(&self, stream: &mut TlsStream<TcpStream>, refused: &Refused) {
        let (answered, said) = (AtomicBool::new(false), Notify::new());
        let service = service_fn(|request| {
            let first = !answered.swap(true, Ordering::Relaxed);
            said.notify_one();
            let reply = first.then(|| self.reply(&request, refused));
            ready(reply.ok_or(std::io::Error::other("one answer is all there is")))
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(1)
            .max_header_list_size(u32::from(HEADER_OCTETS))
            .initial_stream_window_size(u32::from(HEADER_OCTETS))
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            () = said.notified() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }

    fn reply(&self, request: &Request<Incoming>, refused: &Refused) -> Response<Full<Bytes>> {
        if request.headers().contains_key(TRY_AGAIN) {
            self.owed.owe(refused.address, refused.chain, clock::monotonic());
        }
        let page = RefusalPage {
            refusal: refused.refusal,
            reference: refused.reference.as_ref(),
            contact: self.contact.as_deref(),
            time: clock::now(),
        };
        let (kind, body) =
            if reads_json(request.headers()) { (JSON, page.json()) } else { (HTML, page.html()) };
        let body = if request.method() == Method::HEAD { String::new() } else { body };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::FORBIDDEN;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFUSAL, HeaderValue::from_static(refused.refusal.name()));
        if let Some(policy) = POLICY.clone() {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        if request.version() < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What a refusal is called on its page and in the log, such as `K7MX-2QPD`: 40 random bits in
/// characters that are not taken for one another.
pub(super) struct Reference(String);

/// Neither 0 nor O, neither 1 nor I.
const CHARACTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

impl Reference {
    /// None when the random generator fails.
    pub(super) fn generate() -> Option<Self> {
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let character =
            |octet: &u8| CHARACTERS.get(usize::from(octet % 32)).copied().map_or('2', char::from);
        let (left, right) = random.split_at(4);
        let half = |octets: &[u8]| octets.iter().map(character).collect::<String>();
        Some(Self(format!("{}-{}", half(left), half(right))))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_short_legible_and_their_own() {
        let (one, two) = (Reference::generate().unwrap(), Reference::generate().unwrap());
        assert_ne!(one.to_string(), two.to_string());
        assert_eq!(one.to_string().len(), 9);
        let legible = |c: char| c == '-' || CHARACTERS.contains(&u8::try_from(c).unwrap());
        assert!(one.to_string().chars().all(legible));
    }
}
