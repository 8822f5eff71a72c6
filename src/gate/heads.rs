//! The head of a visitor's request on its way to the upstream: which are refused, and what the
//! others become.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use hyper::http::header::{CONNECTION, HOST, HeaderValue, TE, UPGRADE};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use super::headers::{Identity, clean_request, has_other_coding, has_unclear_length};
use super::material::ServerIdentity;
use super::origin;
use super::pages::Problem;
use super::upgrade::{self, Wanted};
use crate::admission::Admitted;

/// The upstream for hyper, which keeps connections by name. Where it is, the connector knows.
static UPSTREAM: LazyLock<Authority> = LazyLock::new(|| Authority::from_static("upstream"));

/// The heads of one visitor's requests, as the upstream is to see them.
pub struct Heads {
    server: Arc<ServerIdentity>,
    identity: Identity,
}

/// What a request is for.
pub(super) struct Addressed {
    /// A host of ours.
    pub(super) host: HeaderValue,
    pub(super) path: PathAndQuery,
}

impl Heads {
    /// Only someone [`Admitted`] has them. `None` when the identity cannot be written down, which
    /// its encoding rules out.
    pub(super) fn new(
        admitted: &Admitted,
        address: IpAddr,
        server: Arc<ServerIdentity>,
        notices: bool,
    ) -> Option<Self> {
        Some(Self { server, identity: Identity::of(admitted, address, notices)? })
    }

    /// A request as the upstream gets it; none when it is refused.
    #[must_use]
    pub fn pass<B>(&self, request: Request<B>) -> Option<Request<B>> {
        let addressed = self.addressed(&request).ok()?;
        let wanted = wanted(&request, &addressed).ok()?;
        let (mut parts, body) = request.into_parts();
        self.rewrite(&mut parts, addressed, wanted).ok()?;
        Some(Request::from_parts(parts, body))
    }

    /// The host a request is for, which must be ours, and its path.
    pub(super) fn addressed<B>(&self, request: &Request<B>) -> Result<Addressed, Problem> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            // TRACE would show the visitor's browser what we tell the upstream.
            return Err(Problem::MethodNotAllowed);
        }
        if has_other_coding(request.headers()) || has_unclear_length(request.headers()) {
            return Err(Problem::BadRequest);
        }
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
            Some(path) if path.as_str().starts_with('/') => {
                Ok(Addressed { host, path: path.clone() })
            }
            _ => Err(Problem::BadRequest),
        }
    }

    /// Makes a head what the upstream gets.
    pub(super) fn rewrite(
        &self,
        head: &mut Parts,
        addressed: Addressed,
        wanted: Wanted,
    ) -> Result<(), Problem> {
        let takes_trailers = clean_request(&mut head.headers).map_err(|_| Problem::BadRequest)?;
        self.identity.write(&mut head.headers, addressed.host);
        if wanted == Wanted::WebSocket {
            ask_for_websocket(&mut head.headers);
        } else if takes_trailers {
            head.headers.insert(TE, HeaderValue::from_static("trailers"));
            head.headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        head.version = Version::HTTP_11;
        head.uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(UPSTREAM.clone())
            .path_and_query(addressed.path)
            .build()
            .map_err(|_| Problem::BadRequest)?;
        head.extensions.clear();
        Ok(())
    }
}

/// What a request asks for; refused when another site made the visitor's browser ask.
pub(super) fn wanted<B>(request: &Request<B>, addressed: &Addressed) -> Result<Wanted, Problem> {
    let host = addressed.host.to_str().map_err(|_| Problem::BadRequest)?;
    let wanted = upgrade::wanted(request);
    let crosses = match wanted {
        Wanted::Malformed => return Err(Problem::BadRequest),
        Wanted::WebSocket => origin::has_other_origin(request.headers(), host),
        Wanted::Answer => origin::is_cross_site(request.method(), request.headers(), host),
    };
    if crosses { Err(Problem::CrossSite) } else { Ok(wanted) }
}

/// What stands in both heads of a WebSocket's handshake.
pub(super) fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}
