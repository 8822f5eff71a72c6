//! The short pages that the gate itself answers with, in Japanese and English: how they look, and
//! those of an admitted visitor whose request goes nowhere.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use hyper::{HeaderMap, Response, StatusCode};

use super::headers::tokens;
use crate::ground::messages::{Language, Text};

/// How every page looks: readable at 320 px, at 200 %, in the dark and on paper.
pub(super) const STYLE: &str = include_str!("page.css");

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
    let (status, _, title, text) = described(problem);
    response(problem, status, HTML, html(status, &title, &text))
}

/// The same for programs: a stable name, and the sentences of the page.
pub(super) fn json(problem: Problem) -> Response<Full<Bytes>> {
    let (status, name, title, text) = described(problem);
    let body = serde_json::json!({
        "error": name,
        "status": status.as_u16(),
        "title": { "ja": title.render(Language::Japanese), "en": title.render(Language::English) },
        "ja": text.render(Language::Japanese),
        "en": text.render(Language::English),
    });
    response(problem, status, JSON, body.to_string())
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

fn described(problem: Problem) -> (StatusCode, &'static str, Text, Text) {
    match problem {
        Problem::BadRequest => (
            StatusCode::BAD_REQUEST,
            "bad_request",
            Text::TitleBadRequest {},
            Text::PageBadRequest {},
        ),
        Problem::CrossSite => {
            (StatusCode::FORBIDDEN, "cross_site", Text::TitleCrossSite {}, Text::PageCrossSite {})
        }
        Problem::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            Text::TitleMethodNotAllowed {},
            Text::PageMethodNotAllowed {},
        ),
        Problem::ForeignHost => (
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            Text::TitleForeignHost {},
            Text::PageForeignHost {},
        ),
        Problem::RequestTimeout => (
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            Text::TitleRequestTimeout {},
            Text::PageRequestTimeout {},
        ),
        Problem::UpstreamDown => (
            StatusCode::BAD_GATEWAY,
            "upstream_unreachable",
            Text::TitleUpstreamDown {},
            Text::PageUpstreamDown {},
        ),
        Problem::UpstreamBroken => (
            StatusCode::BAD_GATEWAY,
            "upstream_broken",
            Text::TitleUpstreamBroken {},
            Text::PageUpstreamBroken {},
        ),
        Problem::UpstreamSlow => (
            StatusCode::GATEWAY_TIMEOUT,
            "upstream_slow",
            Text::TitleUpstreamSlow {},
            Text::PageUpstreamSlow {},
        ),
    }
}

fn response(
    problem: Problem,
    status: StatusCode,
    kind: HeaderValue,
    body: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(policy) = POLICY.clone() {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
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

fn html(status: StatusCode, title: &Text, text: &Text) -> String {
    let section = |language| {
        format!("<h1>{}</h1>\n<p>{}</p>\n", title.render(language), text.render(language))
    };
    let body = format!(
        "{STOPPED}\n{japanese}<section lang=\"en\">\n{english}</section>\n\
         <p><small>{code}</small></p>\n",
        japanese = section(Language::Japanese),
        english = section(Language::English),
        code = status.as_u16(),
    );
    document("stopped", title, &body)
}

/// A whole page around what it says, which is HTML.
pub(super) fn document(kind: &str, title: &Text, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"ja\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{japanese} / {english}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main class=\"{kind}\">\n{body}</main>\n\
         </body>\n</html>\n",
        japanese = title.render(Language::Japanese),
        english = title.render(Language::English),
    )
}

/// Text as it stands in HTML, also within quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a Content Security Policy calls an inline style or script that it allows.
pub(super) fn source_of(inline: &str) -> String {
    let digest = digest::digest(&digest::SHA256, inline.as_bytes());
    format!("'sha256-{}'", BASE64.encode(digest.as_ref()))
}

static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let style = source_of(STYLE);
    let policy = format!("default-src 'none'; style-src {style}; img-src data:; base-uri 'none'");
    HeaderValue::try_from(policy).ok()
});

/// A warning sign: what is behind the gate, or the request, is at fault, and not the visitor.
const STOPPED: &str = "<svg viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" \
stroke-width=\"1.75\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">\
<path d=\"M12 3 2.5 20h19L12 3z\"/><path d=\"M12 10v4.5M12 17.4v.1\"/></svg>";

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

    // Catches a style changed after its hash was taken: the page would come without any.
    #[test]
    fn the_policy_names_the_style_that_is_on_the_page() {
        let page =
            html(StatusCode::BAD_GATEWAY, &Text::TitleUpstreamDown {}, &Text::PageUpstreamDown {});
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let policy = POLICY.clone().unwrap();
        assert!(policy.to_str().unwrap().contains(&source_of(style)), "{policy:?}");
    }
}
