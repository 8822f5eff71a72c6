//! The short pages that the gate itself answers with, in Japanese and English: how they look, and
//! those of an admitted visitor whose request goes nowhere.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
};
use hyper::{Response, StatusCode};

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
    /// The upstream cannot be reached or gave no proper answer.
    UpstreamDown,
}

/// The page for a problem. It holds nothing of the request.
pub(super) fn page(problem: Problem) -> Response<Full<Bytes>> {
    let (status, title, text) = match problem {
        Problem::BadRequest => {
            (StatusCode::BAD_REQUEST, Text::TitleBadRequest {}, Text::PageBadRequest {})
        }
        Problem::CrossSite => {
            (StatusCode::FORBIDDEN, Text::TitleCrossSite {}, Text::PageCrossSite {})
        }
        Problem::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            Text::TitleMethodNotAllowed {},
            Text::PageMethodNotAllowed {},
        ),
        Problem::ForeignHost => {
            (StatusCode::MISDIRECTED_REQUEST, Text::TitleForeignHost {}, Text::PageForeignHost {})
        }
        Problem::UpstreamDown => {
            (StatusCode::BAD_GATEWAY, Text::TitleUpstreamDown {}, Text::PageUpstreamDown {})
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(html(status, &title, &text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(policy) = POLICY.clone() {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
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
