//! From an admitted visitor to the upstream and back: one request in, one request out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{CONNECTION, HOST, HeaderValue, TE, UPGRADE};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::Connector;
use super::headers::{Identity, clean_request, clean_response, has_other_coding};
use super::health::Health;
use super::material::ServerIdentity;
use super::notices::Notices;
use super::origin;
use super::pages::{self, Problem};
use super::relayed::{Relayed, Upload};
use super::upgrade::{self, Tunnel, Wanted};
use crate::admission::Admitted;
use crate::ground::clock;

/// How long a connection to the upstream rests before it is closed: less than the five seconds
/// after which common servers close theirs, so that no request meets a closing connection.
const REST: Duration = Duration::from_secs(4);

/// Connections to the upstream kept at rest.
const RESTING: usize = 64;

/// The upstream for hyper, which keeps connections by name. Where it is, the connector knows.
static UPSTREAM: LazyLock<Authority> = LazyLock::new(|| Authority::from_static("upstream"));

/// What is sent back to a visitor.
pub(super) type Answer = Response<Either<Relayed, Full<Bytes>>>;

/// The way to the upstream, shared by all visitors. Its connections are kept and used again; a
/// request is sent a second time only when the first never left.
pub(super) struct Proxy {
    client: Client<Connector, Relayed>,
    health: Arc<Health>,
    answer_wait: Duration,
    notices: bool,
}

impl Proxy {
    /// `answer_wait` is how long the upstream may keep silent, `notices` whether the end of a
    /// visitor's certificate is told.
    pub(super) fn new(connector: Connector, answer_wait: Duration, notices: bool) -> Self {
        let health = connector.health();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(REST)
            .pool_max_idle_per_host(RESTING)
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .build(connector);
        Self { client, health, answer_wait, notices }
    }

    /// The head of the upstream's answer.
    async fn ask(
        &self,
        request: Request<Relayed>,
        upload: &Upload,
    ) -> Result<Response<Incoming>, Problem> {
        let answer = tokio::select! {
            answer = self.client.request(request) => answer,
            () = upload.silent_for(self.answer_wait) => {
                return Err(if upload.is_awaited() {
                    Problem::RequestTimeout
                } else {
                    tracing::warn!("the upstream gave no answer in time");
                    Problem::UpstreamSlow
                });
            }
        };
        let answer = answer.map_err(|error| {
            if error.is_connect() {
                return Problem::UpstreamDown;
            }
            if upload.is_broken() {
                return Problem::BadRequest;
            }
            tracing::warn!("the upstream gave no proper answer");
            Problem::UpstreamBroken
        })?;
        self.health.heard();
        // A coding that we would take off without undoing it.
        if has_other_coding(answer.headers()) {
            tracing::warn!("the upstream answered in a transfer coding that nobody asked for");
            return Err(Problem::UpstreamBroken);
        }
        Ok(answer)
    }
}

/// One visitor's connection, as the upstream is to see it.
pub(super) struct Visit {
    proxy: Arc<Proxy>,
    server: Arc<ServerIdentity>,
    identity: Identity,
    notices: Option<Notices>,
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
        let identity = Identity::of(admitted, address, proxy.notices)?;
        let notices = proxy.notices.then(|| Notices::of(admitted));
        Some(Self { proxy, server, identity, notices, tunnel: Mutex::new(None) })
    }

    /// Answers a request: with the upstream's answer, or with a page that says why not.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Answer, Infallible> {
        let reads_json = pages::reads_json(request.headers());
        let http1 = request.version() < Version::HTTP_2;
        let mut answer = self.forward(request).await.unwrap_or_else(|problem| {
            let mut page = if reads_json { pages::json(problem) } else { pages::page(problem) };
            // Where one request could not be read to its end, nobody knows where the next begins.
            if http1 && matches!(problem, Problem::BadRequest | Problem::RequestTimeout) {
                page.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            page.map(Either::Right)
        });
        if let Some(notices) = &self.notices {
            notices.write(answer.headers_mut(), clock::now());
        }
        Ok(answer)
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
        if has_other_coding(request.headers()) {
            return Err(Problem::BadRequest);
        }
        let (host, path) = self.address_of(&request)?;
        if let Some(notices) = &self.notices
            && let Some(answer) = notices.answer(request.method(), path.path(), clock::now())
        {
            return Ok(answer.map(Either::Right));
        }
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
        let (outgoing, upload) = self.outgoing(request, host, path, wanted)?;
        let mut answer = self.proxy.ask(outgoing, &upload).await?;

        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let upstream = hyper::upgrade::on(&mut answer);
            // A protocol that nobody asked for is no answer.
            let visitor = visitor
                .filter(|_| upgrade::asks_for_websocket(answer.headers()))
                .ok_or(Problem::UpstreamBroken)?;
            *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Tunnel { visitor, upstream });
            clean_response(answer.headers_mut());
            ask_for_websocket(answer.headers_mut());
        } else {
            clean_response(answer.headers_mut());
        }
        *answer.version_mut() = Version::HTTP_11;
        Ok(answer.map(|body| Either::Left(Relayed::answer(body))))
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
    ) -> Result<(Request<Relayed>, Arc<Upload>), Problem> {
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
            .authority(UPSTREAM.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| Problem::BadRequest)?;
        parts.extensions.clear();
        let (body, upload) = Relayed::request(body);
        Ok((Request::from_parts(parts, body), upload))
    }
}

fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}
