//! The short pages a visitor sees when the gate itself has to answer, in Japanese and English.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
};
use hyper::{Response, StatusCode};

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
    /// The upstream cannot be reached or gave no proper answer.
    UpstreamDown,
}

/// The page for a problem. It holds nothing of the request.
pub(super) fn page(problem: Problem) -> Response<Full<Bytes>> {
    let (status, text) = match problem {
        Problem::BadRequest => (StatusCode::BAD_REQUEST, Text::PageBadRequest {}),
        Problem::CrossSite => (StatusCode::FORBIDDEN, Text::PageCrossSite {}),
        Problem::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, Text::PageMethodNotAllowed {})
        }
        Problem::ForeignHost => (StatusCode::MISDIRECTED_REQUEST, Text::PageForeignHost {}),
        Problem::UpstreamDown => (StatusCode::BAD_GATEWAY, Text::PageUpstreamDown {}),
    };
    let mut response = Response::new(Full::new(Bytes::from(html(status, &text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
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
