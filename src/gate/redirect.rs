//! Plain HTTP on the TLS port: people type the name without `https://`, and are led there.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{CONNECTION, HOST, HeaderValue, LOCATION};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::host::HostNames;
use super::material::ServerIdentity;
use super::pages::{Problem, page};

/// From the first octet to the last of the answer.
const TIME: Duration = Duration::from_secs(5);

/// Octets of a request that is only to be led elsewhere.
const HEADER_OCTETS: usize = 16 * 1024;

/// Answers one request with the way to `https://`, then closes.
pub(super) async fn lead_to_https(stream: TcpStream, server: Arc<ServerIdentity>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = redirect(&request, &server.names);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIME)
        .keep_alive(false)
        .max_header_size(HEADER_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    // A visitor who is gone or too slow needs no redirect.
    let _ = tokio::time::timeout(TIME, connection).await;
}

fn redirect<B>(request: &Request<B>, names: &HostNames) -> Response<Full<Bytes>> {
    let mut response = match location(request, names) {
        Ok(location) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(problem) => page(problem),
    };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The same place over TLS; only for our own names, so that nobody is led to another's.
fn location<B>(request: &Request<B>, names: &HostNames) -> Result<HeaderValue, Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::BadRequest);
    };
    let host = Authority::try_from(host.as_bytes()).map_err(|_| Problem::BadRequest)?;
    if host.as_str().contains('@') {
        return Err(Problem::BadRequest);
    }
    if !names.admit(&host) {
        return Err(Problem::ForeignHost);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if !path.starts_with('/') {
        return Err(Problem::BadRequest);
    }
    HeaderValue::try_from(format!("https://{host}{path}")).map_err(|_| Problem::BadRequest)
}
