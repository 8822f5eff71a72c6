//! The page behind a gate that has no application yet: it greets visitors and shows who they are.

use std::convert::Infallible;

use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::DuplexStream;

use super::pages::{STYLE, escaped};
use crate::ground::messages::{Language, Text};
use crate::ground::untrusted::Untrusted;
use crate::pki::Certificate;
use crate::pki::name::text_of_der;

/// Octets on their way in each direction.
const PIPE: usize = 64 * 1024;

/// A connection to the page's server, which lives as long as the connection. It knows nothing but
/// what the gate tells it in headers, like any other upstream.
pub(super) fn connect() -> DuplexStream {
    let (near, far) = tokio::io::duplex(PIPE);
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(request.uri().path(), request.headers()))
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(far), service);
    tokio::spawn(connection);
    near
}

fn answer(path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (path, visitor(headers)) {
        (_, None) => (StatusCode::BAD_REQUEST, "text/plain", String::new()),
        ("/", Some(visitor)) => (StatusCode::OK, "text/html; charset=utf-8", visitor.html()),
        ("/whoami", Some(visitor)) => (StatusCode::OK, "application/json", visitor.json()),
        (_, Some(_)) => (StatusCode::NOT_FOUND, "text/plain", String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}

/// Who the gate says is there.
struct Visitor(Certificate);

fn visitor(headers: &HeaderMap) -> Option<Visitor> {
    let value = headers.get("client-cert")?.to_str().ok()?;
    let encoded = value.strip_prefix(':')?.strip_suffix(':')?;
    let der = BASE64.decode(encoded.as_bytes()).ok()?;
    Certificate::from_der(&der).ok().map(Visitor)
}

impl Visitor {
    fn name(&self) -> String {
        let name = self.0.common_name().unwrap_or_else(|| self.0.subject_text());
        Untrusted(&name).to_string()
    }

    fn json(&self) -> String {
        serde_json::json!({
            "common_name": self.0.common_name(),
            "issuer": text_of_der(self.0.issuer_der()),
            "serial": self.0.serial().to_string(),
            "not_after": self.0.not_after().rfc3339(),
        })
        .to_string()
    }

    fn html(&self) -> String {
        let name = escaped(&self.name());
        let rows = [
            (Text::GreetingName {}, name.clone()),
            (Text::GreetingIssuer {}, escaped(&text_of_der(self.0.issuer_der()))),
            (Text::GreetingSerial {}, self.0.serial().to_string()),
            (Text::GreetingExpiry {}, self.0.not_after().local()),
        ];
        let rows: String = rows
            .iter()
            .map(|(label, value)| {
                let japanese = label.render(Language::Japanese);
                let english = label.render(Language::English);
                format!("<dt>{japanese} <span lang=\"en\">{english}</span></dt><dd>{value}</dd>\n")
            })
            .collect();
        let greeting = Text::Greeting { name };
        let japanese = greeting.render(Language::Japanese);
        let english = greeting.render(Language::English);
        let next = Text::GreetingNext {};
        format!(
            "<!doctype html>\n<html lang=\"ja\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Sekisho</title>\n<style>{STYLE}</style>\n<main>\n\
             <h1>{japanese}</h1>\n<p lang=\"en\">{english}</p>\n<dl>\n{rows}</dl>\n\
             <p>{}</p>\n<p lang=\"en\">{}</p>\n</main>\n",
            next.render(Language::Japanese),
            next.render(Language::English),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn told(common_name: &str) -> HeaderMap {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let mut headers = HeaderMap::new();
        let value = format!(":{}:", BASE64.encode(der.der()));
        headers.insert("client-cert", value.parse().unwrap());
        headers
    }

    #[test]
    fn a_name_is_shown_and_never_obeyed() {
        let html = visitor(&told("<script>alert('1')</script>\u{202e}")).unwrap().html();
        assert!(
            html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\u{202e}"),
            "{html}"
        );
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn nobody_is_greeted_without_the_gate() {
        let mut forged = HeaderMap::new();
        forged.insert("client-cert", ":AAAA:".parse().unwrap());
        for headers in [HeaderMap::new(), forged] {
            assert_eq!(answer("/", &headers).status(), StatusCode::BAD_REQUEST);
        }
        assert_eq!(answer("/whoami", &told("受付1")).status(), StatusCode::OK);
        assert_eq!(answer("/other", &told("受付1")).status(), StatusCode::NOT_FOUND);
    }
}
