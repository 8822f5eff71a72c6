//! HTTP without sockets: a visitor's octets through hyper and the gate's rules, and what the
//! upstream then reads.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http1 as upstream;
use hyper::rt::{Executor, Read, ReadBufCursor, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use sekisho::admission::Admitted;
use sekisho::gate::Heads;

use crate::stage::{self, HOST};

static GATE: LazyLock<(Heads, Admitted)> = LazyLock::new(|| {
    let (handshakes, admitted) = stage::gate();
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    (handshakes.heads(&admitted, address).unwrap(), admitted)
});

/// How often what may go on is asked to: everything is in memory, so it soon has nothing to do.
const STEPS: usize = 64;

/// Octets of a head at most, as the gate has it.
const HEAD_OCTETS: usize = 64 * 1024;

/// What the upstream was sent, request by request, when a visitor sends these octets over HTTP/1.1.
pub fn over_http1(octets: &[u8]) -> Vec<Vec<u8>> {
    let sent = Sent::default();
    let service = service_fn(|request| carry(request, sent.clone()));
    let visitor = Wire::with(octets);
    let serving = http1::Builder::new()
        .max_header_size(HEAD_OCTETS)
        .serve_connection(visitor, service)
        .with_upgrades();
    run(serving, &Tasks::default());
    sent.take()
}

/// The same over HTTP/2.
pub fn over_http2(octets: &[u8]) -> Vec<Vec<u8>> {
    let (sent, tasks) = (Sent::default(), Tasks::default());
    let service = service_fn(|request| carry(request, sent.clone()));
    let visitor = Wire::with(octets);
    let head_octets = u32::try_from(HEAD_OCTETS).unwrap();
    let serving = http2::Builder::new(tasks.clone())
        .max_concurrent_streams(100)
        .max_header_list_size(head_octets)
        .serve_connection(visitor, service);
    run(serving, &tasks);
    sent.take()
}

/// One request on its way, over a connection of its own.
async fn carry(request: Request<Incoming>, sent: Sent) -> Result<Response<Nothing>, Infallible> {
    let refused = Ok(Response::new(Nothing));
    let Some(request) = GATE.0.pass(request) else { return refused };
    let (mut parts, body) = request.into_parts();
    // As hyper's own client does for an upstream that is no proxy.
    parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
    let wire = Wire { answer: ANSWER, ..Wire::default() };
    let octets = Arc::clone(&wire.written);
    sent.0.lock().unwrap().push(octets);
    let Ok((mut sender, connection)) = upstream::handshake::<_, Incoming>(wire).await else {
        return refused;
    };
    let mut asking = pin!(sender.send_request(Request::from_parts(parts, body)));
    let mut connection = pin!(connection);
    let mut steps = 0;
    std::future::poll_fn(|context| {
        let ended = connection.as_mut().poll(context).is_ready();
        steps += 1;
        let answered = asking.as_mut().poll(context).is_ready();
        if ended || answered || steps == STEPS { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    refused
}

/// Holds a request, as the upstream reads it, against what it may be. One that is sent is one request
/// to every reader.
pub fn assert_one_honest_request(octets: &[u8]) {
    let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert!(octets.is_empty(), "half a head: {}", octets.escape_ascii());
        return;
    };
    let (head, body) = (&octets[..end], &octets[end + 4..]);
    let shown = head.escape_ascii().to_string();
    let mut lines = head.split(|octet| *octet == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(!line.iter().any(|octet| matches!(octet, b'\r' | 0)), "{shown}");
        line
    });
    let first: Vec<&[u8]> = lines.next().unwrap().split(|octet| *octet == b' ').collect();
    assert_eq!(first.len(), 3, "{shown}");
    assert!(first[0].iter().all(|octet| is_of_token(*octet)) && !first[0].is_empty(), "{shown}");
    assert!(!matches!(first[0], b"CONNECT" | b"TRACE"), "{shown}");
    assert!(first[1].starts_with(b"/"), "{shown}");
    assert!(first[1].iter().all(|octet| *octet > 0x20 && *octet != 0x7f), "{shown}");
    assert_eq!(first[2], b"HTTP/1.1", "{shown}");

    let mut fields: Vec<(String, &[u8])> = Vec::new();
    for line in lines {
        let colon = line.iter().position(|octet| *octet == b':').unwrap();
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        assert!(!name.is_empty() && name.iter().all(|octet| is_of_token(*octet)), "{shown}");
        fields.push((String::from_utf8(name.to_ascii_lowercase()).unwrap(), value));
    }
    let all = |wanted: &str| -> Vec<&[u8]> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect()
    };
    let certificate = GATE.1.certificate();
    assert_eq!(all("x-sekisho-serial"), [certificate.serial().to_string().as_bytes()], "{shown}");
    assert_eq!(all("x-forwarded-for"), [b"192.0.2.7"], "{shown}");
    assert_eq!(all("x-forwarded-proto"), [b"https"], "{shown}");
    assert!(matches!(all("host")[..], [host] if is_ours(host)), "{shown}");
    assert_eq!(all("host"), all("x-forwarded-host"), "{shown}");
    for (name, _) in &fields {
        let spelled: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let identity = ["client-cert", "x-sekisho-", "x-forwarded-", "x-ssl-", "forwarded"];
        if identity.iter().any(|prefix| spelled.starts_with(prefix)) {
            assert!(OURS.contains(&name.as_str()), "{name}: {shown}");
            assert_eq!(all(name).len(), 1, "{name}: {shown}");
        }
        assert!(!ENDED_HERE.contains(&name.as_str()), "{name}: {shown}");
    }
    for listed in all("connection").iter().flat_map(|value| value.split(|octet| *octet == b',')) {
        let listed = listed.trim_ascii().to_ascii_lowercase();
        assert!(matches!(listed.as_slice(), b"te" | b"upgrade" | b"close"), "{shown}");
    }
    assert!(matches!(all("upgrade")[..], [] | [b"websocket"]), "{shown}");
    match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => assert!(body.is_empty(), "{shown}"),
        ([length], []) => {
            let length: u64 = std::str::from_utf8(length).unwrap().parse().unwrap();
            assert!(u64::try_from(body.len()).unwrap() <= length, "{shown}");
            assert!(all("upgrade").is_empty() || length == 0, "{shown}");
        }
        ([], [b"chunked"]) => {
            assert!(all("upgrade").is_empty(), "{shown}");
            assert_chunked(body);
        }
        _ => panic!("framed twice: {shown}"),
    }
}

/// Whether a head says that something follows it.
pub fn announces_body(octets: &[u8]) -> bool {
    let head = String::from_utf8_lossy(octets).to_ascii_lowercase();
    head.lines().take_while(|line| !line.is_empty()).any(|line| {
        let length = line.strip_prefix("content-length:").map(str::trim);
        line.starts_with("transfer-encoding:") || length.is_some_and(|length| length != "0")
    })
}

/// Names that say who the visitor is, which the gate sets.
const OURS: [&str; 8] = [
    "client-cert",
    "x-sekisho-issuer",
    "x-sekisho-serial",
    "x-sekisho-common-name",
    "x-sekisho-certificate-not-after",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Names that no request carries beyond the gate.
const ENDED_HERE: [&str; 6] = [
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "http2-settings",
    "expect",
];

fn is_ours(host: &[u8]) -> bool {
    let host = std::str::from_utf8(host).unwrap();
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case(HOST) && port.parse::<u16>().is_ok()
}

fn is_of_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// Chunks, perhaps not to their end, and nothing after it (RFC 9112 section 7.1).
fn assert_chunked(mut body: &[u8]) {
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body = &body[end + 2..];
        if size == 0 {
            // Trailers are cleaned by what carries bodies, which is not here.
            assert!(body.ends_with(b"\r\n"), "{}", body.escape_ascii());
            return;
        }
        if body.len() < size + 2 {
            return;
        }
        assert_eq!(&body[size..size + 2], b"\r\n");
        body = &body[size + 2..];
    }
}

/// What the upstream answers to everything.
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// One end of a connection: gives what it holds and then nothing, and keeps what is written.
#[derive(Default)]
struct Wire {
    octets: Vec<u8>,
    given: usize,
    /// Given once something was written.
    answer: &'static [u8],
    written: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    fn with(octets: &[u8]) -> Self {
        Self { octets: octets.to_vec(), ..Self::default() }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        if !self.answer.is_empty() && self.written.lock().unwrap().ends_with(b"\r\n") {
            self.octets = std::mem::take(&mut self.answer).to_vec();
        }
        let rest = &self.octets[self.given..];
        // A visitor who has said everything waits for the answer.
        if rest.is_empty() {
            return Poll::Pending;
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        self.given += length;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.written.lock().unwrap().extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What was written to the upstream, by request.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>);

impl Sent {
    fn take(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().iter().map(|one| one.lock().unwrap().clone()).collect()
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What hyper has put beside the connection.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.lock().unwrap().push(Box::pin(task));
    }
}

/// Lets a connection and what belongs to it go on until it ends or has nothing to do.
fn run(serving: impl Future, tasks: &Tasks) {
    let mut context = Context::from_waker(Waker::noop());
    let mut serving = pin!(serving);
    let mut running: Vec<Task> = Vec::new();
    for _ in 0..STEPS {
        if serving.as_mut().poll(&mut context).is_ready() {
            return;
        }
        running.append(&mut tasks.0.lock().unwrap());
        running.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
    }
}

/// The body of every answer to the visitor.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
