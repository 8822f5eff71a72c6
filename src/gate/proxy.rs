//! From an admitted visitor to the upstream and back: one request in, one request out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::Connector;
use super::headers::{clean_response, has_other_coding};
use super::heads::{self, Heads};
use super::health::Health;
use super::material::ServerIdentity;
use super::notices::Notices;
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
    heads: Heads,
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
        let heads = Heads::new(admitted, address, server, proxy.notices)?;
        let notices = proxy.notices.then(|| Notices::of(admitted));
        Some(Self { proxy, heads, notices, tunnel: Mutex::new(None) })
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
        let addressed = self.heads.addressed(&request)?;
        if let Some(notices) = &self.notices
            && let Some(answer) =
                notices.answer(request.method(), addressed.path.path(), clock::now())
        {
            return Ok(answer.map(Either::Right));
        }
        let wanted = heads::wanted(&request, &addressed)?;
        let visitor = (wanted == Wanted::WebSocket).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        self.heads.rewrite(&mut parts, addressed, wanted)?;
        let (body, upload) = Relayed::request(body);
        let outgoing = Request::from_parts(parts, body);
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
            heads::ask_for_websocket(answer.headers_mut());
        } else {
            clean_response(answer.headers_mut());
        }
        *answer.version_mut() = Version::HTTP_11;
        Ok(answer.map(|body| Either::Left(Relayed::answer(body))))
    }
}
