//! From an admitted visitor to the upstream and back: one request in, one request out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::http::header::{CONNECTION, HOST, HeaderValue, TE, UPGRADE};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::headers::{Identity, clean_request, clean_response, clean_trailers};
use super::material::ServerIdentity;
use super::origin;
use super::pages::{Problem, page};
use super::upgrade::{self, Tunnel, Wanted};
use crate::admission::Admitted;

/// How long the upstream may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection to the upstream rests before it is closed: less than the five seconds
/// after which common servers close theirs, so that no request meets a closing connection.
const REST: Duration = Duration::from_secs(4);

/// Connections to the upstream kept at rest.
const RESTING: usize = 64;

/// What is sent back to a visitor.
pub(super) type Answer = Response<Either<Relayed, Full<Bytes>>>;

/// The way to the upstream, shared by all visitors. Its connections are kept and used again; a
/// request is sent a second time only when the first never left.
pub(super) struct Proxy {
    client: Client<HttpConnector, Relayed>,
    upstream: Authority,
}

impl Proxy {
    pub(super) fn new(upstream: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(REST)
            .pool_max_idle_per_host(RESTING)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .build(connector);
        Self { client, upstream }
    }
}

/// One visitor's connection, as the upstream is to see it.
pub(super) struct Visit {
    proxy: Arc<Proxy>,
    server: Arc<ServerIdentity>,
    identity: Identity,
    tunnel: Mutex<Option<Tunnel>>,
}

impl Visit {
    /// Only someone [`Admitted`] has one. `None` when the identity cannot be written down, which
    /// its encoding rules out.
    pub(super) fn new(
        admitted: &Admitted,
        address: IpAddr,
        server: Arc<ServerIdentity>,
        proxy: Arc<Proxy>,
    ) -> Option<Self> {
        let identity = Identity::of(admitted, address)?;
        Some(Self { proxy, server, identity, tunnel: Mutex::new(None) })
    }

    /// Answers a request: with the upstream's answer, or with a page that says why not.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Answer, Infallible> {
        Ok(self.forward(request).await.unwrap_or_else(|problem| page(problem).map(Either::Right)))
    }

    /// The tunnel the connection has become, if it has.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn forward(&self, mut request: Request<Incoming>) -> Result<Answer, Problem> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            // TRACE would show the visitor's browser what we tell the upstream.
            return Err(Problem::MethodNotAllowed);
        }
        let (host, path) = self.address_of(&request)?;
        let host_text = host.to_str().map_err(|_| Problem::BadRequest)?;
        let wanted = upgrade::wanted(&request);
        let visitor = match wanted {
            Wanted::Malformed => return Err(Problem::BadRequest),
            Wanted::WebSocket => {
                if origin::has_other_origin(request.headers(), host_text) {
                    return Err(Problem::CrossSite);
                }
                Some(hyper::upgrade::on(&mut request))
            }
            Wanted::Answer => {
                if origin::is_cross_site(request.method(), request.headers(), host_text) {
                    return Err(Problem::CrossSite);
                }
                None
            }
        };
        let outgoing = self.outgoing(request, host, path, wanted)?;
        let mut answer = self.proxy.client.request(outgoing).await.map_err(|error| {
            tracing::warn!(connecting = error.is_connect(), "the upstream gave no answer");
            Problem::UpstreamDown
        })?;

        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let upstream = hyper::upgrade::on(&mut answer);
            // A protocol that nobody asked for is no answer.
            let visitor = visitor
                .filter(|_| upgrade::asks_for_websocket(answer.headers()))
                .ok_or(Problem::UpstreamDown)?;
            *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Tunnel { visitor, upstream });
            clean_response(answer.headers_mut());
            ask_for_websocket(answer.headers_mut());
        } else {
            clean_response(answer.headers_mut());
        }
        *answer.version_mut() = Version::HTTP_11;
        Ok(answer.map(|body| Either::Left(Relayed(body))))
    }

    /// The host a request is for, which must be ours, and its path.
    fn address_of(
        &self,
        request: &Request<Incoming>,
    ) -> Result<(HeaderValue, PathAndQuery), Problem> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let (host, second) = (hosts.next(), hosts.next());
        let authority = request.uri().authority();
        let host = match (authority, host, second) {
            (_, _, Some(_)) | (None, None, None) => return Err(Problem::BadRequest),
            (None, Some(host), None) => host.clone(),
            (Some(authority), host, None) => {
                let agreed = host.is_none_or(|host| {
                    host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
                });
                if !agreed {
                    return Err(Problem::BadRequest);
                }
                HeaderValue::from_str(authority.as_str()).map_err(|_| Problem::BadRequest)?
            }
        };
        let parsed = Authority::try_from(host.as_bytes()).map_err(|_| Problem::BadRequest)?;
        if parsed.as_str().contains('@') {
            return Err(Problem::BadRequest);
        }
        if !self.server.names.admit(&parsed) {
            return Err(Problem::ForeignHost);
        }
        match request.uri().path_and_query() {
            Some(path) if path.as_str().starts_with('/') => Ok((host, path.clone())),
            _ => Err(Problem::BadRequest),
        }
    }

    /// The request as the upstream gets it.
    fn outgoing(
        &self,
        request: Request<Incoming>,
        host: HeaderValue,
        path: PathAndQuery,
        wanted: Wanted,
    ) -> Result<Request<Relayed>, Problem> {
        let (mut parts, body) = request.into_parts();
        let takes_trailers = clean_request(&mut parts.headers).map_err(|_| Problem::BadRequest)?;
        self.identity.write(&mut parts.headers, host);
        if wanted == Wanted::WebSocket {
            ask_for_websocket(&mut parts.headers);
        } else if takes_trailers {
            parts.headers.insert(TE, HeaderValue::from_static("trailers"));
            parts.headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        parts.version = Version::HTTP_11;
        parts.uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.proxy.upstream.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| Problem::BadRequest)?;
        parts.extensions.clear();
        Ok(Request::from_parts(parts, Relayed(body)))
    }
}

fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// A body passed on as it comes, its trailers cleaned.
pub(super) struct Relayed(Incoming);

impl Body for Relayed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.0).poll_frame(context);
        polled.map_ok(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                clean_trailers(trailers);
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
