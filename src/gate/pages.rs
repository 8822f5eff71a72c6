//! The short pages a visitor sees when the gate itself has to answer, in Japanese and English.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use hyper::{HeaderMap, Response, StatusCode};

use super::headers::tokens;
use crate::ground::messages::{Language, Text};

/// Why a request was not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It could be read in two ways, or tries to say who the visitor is.
    BadRequest,
    /// Another site made the visitor's browser send it.
    CrossSite,
    MethodNotAllowed,
    /// Its host is none that our certificate proves.
    ForeignHost,
    /// The visitor stopped sending in the middle of a request.
    RequestTimeout,
    /// The upstream cannot be reached: nothing was sent to it.
    UpstreamDown,
    /// The upstream took the request and gave no proper answer.
    UpstreamBroken,
    /// The upstream took the request and gave no answer in time.
    UpstreamSlow,
}

/// Seconds after which it is worth while to ask again an upstream that could not be reached.
const SOON: HeaderValue = HeaderValue::from_static("5");

/// The page for a problem. It holds nothing of the request.
pub(super) fn page(problem: Problem) -> Response<Full<Bytes>> {
    let (status, _, text) = described(problem);
    response(problem, status, "text/html; charset=utf-8", html(status, &text))
}

/// The same for programs: a stable name, and the sentences of the page.
pub(super) fn json(problem: Problem) -> Response<Full<Bytes>> {
    let (status, name, text) = described(problem);
    let body = serde_json::json!({
        "error": name,
        "status": status.as_u16(),
        "ja": text.render(Language::Japanese),
        "en": text.render(Language::English),
    });
    response(problem, status, "application/json", body.to_string())
}

/// Whether whoever asks names JSON and no page: a program, or a page's script.
pub(super) fn reads_json(headers: &HeaderMap) -> bool {
    let names = |kind: &str| {
        tokens(headers, &ACCEPT).any(|range| {
            range.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(kind))
        })
    };
    names("application/json") && !names("text/html")
}

fn described(problem: Problem) -> (StatusCode, &'static str, Text) {
    match problem {
        Problem::BadRequest => (StatusCode::BAD_REQUEST, "bad_request", Text::PageBadRequest {}),
        Problem::CrossSite => (StatusCode::FORBIDDEN, "cross_site", Text::PageCrossSite {}),
        Problem::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", Text::PageMethodNotAllowed {})
        }
        Problem::ForeignHost => {
            (StatusCode::MISDIRECTED_REQUEST, "foreign_host", Text::PageForeignHost {})
        }
        Problem::RequestTimeout => {
            (StatusCode::REQUEST_TIMEOUT, "request_timeout", Text::PageRequestTimeout {})
        }
        Problem::UpstreamDown => {
            (StatusCode::BAD_GATEWAY, "upstream_unreachable", Text::PageUpstreamDown {})
        }
        Problem::UpstreamBroken => {
            (StatusCode::BAD_GATEWAY, "upstream_broken", Text::PageUpstreamBroken {})
        }
        Problem::UpstreamSlow => {
            (StatusCode::GATEWAY_TIMEOUT, "upstream_slow", Text::PageUpstreamSlow {})
        }
    }
}

fn response(
    problem: Problem,
    status: StatusCode,
    kind: &'static str,
    body: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    if problem == Problem::UpstreamDown {
        headers.insert(RETRY_AFTER, SOON);
    }
    if problem == Problem::MethodNotAllowed {
        headers.insert(
            ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"),
        );
    }
    response
}

fn html(status: StatusCode, text: &Text) -> String {
    format!(
        "<!doctype html>\n<html lang=\"ja\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{code}</title>\n<style>{STYLE}</style>\n\
         <main>\n<p>{japanese}</p>\n<p lang=\"en\">{english}</p>\n<p><small>{code}</small></p>\n</main>\n",
        code = status.as_u16(),
        japanese = text.render(Language::Japanese),
        english = text.render(Language::English),
    )
}

/// Readable at 320 px, at 200 % and in the dark.
pub(super) const STYLE: &str = ":root{color-scheme:light dark}\
body{margin:0;font:1rem/1.7 system-ui,sans-serif}\
main{max-width:40rem;margin:0 auto;padding:2rem 1rem;overflow-wrap:anywhere}";

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        reads_json(&headers)
    }

    #[test]
    fn people_get_pages_and_programs_json() {
        assert!(reads("application/json"));
        assert!(reads("Application/JSON;q=0.9, text/plain, */*"));
        for page in [
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/html, application/json",
            "application/jsonp",
        ] {
            assert!(!reads(page), "{page}");
        }
    }
}
