//! Requests that another site makes a visitor's browser send: the browser shows the visitor's
//! certificate all the same, so they are refused where they could do harm.

use hyper::http::header::{HeaderMap, HeaderName, ORIGIN};
use hyper::http::{Method, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that may change something comes from another site, as the browser tells by
/// `Sec-Fetch-Site`, or an older one by `Origin`. Programs send neither.
pub(super) fn is_cross_site(method: &Method, headers: &HeaderMap, host: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => !matches!(site.as_bytes(), b"same-origin" | b"none"),
        None => has_other_origin(headers, host),
    }
}

/// Whether there is an `Origin` that is not `https://` and the host of this request. WebSocket
/// handshakes are judged by this alone: they are a GET that opens everything.
pub(super) fn has_other_origin(headers: &HeaderMap, host: &str) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => false,
        (Some(origin), None) => !origin.to_str().is_ok_and(|origin| is_ours(origin, host)),
        (Some(_), Some(_)) => true,
    }
}

fn is_ours(origin: &str, host: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    if origin.scheme_str() != Some("https") {
        return false;
    }
    let (Some(origin), Ok(host)) =
        (origin.authority(), host.parse::<hyper::http::uri::Authority>())
    else {
        return false;
    };
    origin.host().eq_ignore_ascii_case(host.host())
        && origin.port_u16().unwrap_or(443) == host.port_u16().unwrap_or(443)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn another_site_cannot_change_anything() {
        let host = "weborca-server:8000";
        for headers in [
            with("sec-fetch-site", "cross-site"),
            with("sec-fetch-site", "same-site"),
            with("origin", "https://evil.example"),
            with("origin", "https://weborca-server"),
            with("origin", "http://weborca-server:8000"),
            with("origin", "null"),
        ] {
            assert!(is_cross_site(&Method::POST, &headers, host), "{headers:?}");
            assert!(!is_cross_site(&Method::GET, &headers, host), "{headers:?}");
        }
        for headers in [
            HeaderMap::new(),
            with("sec-fetch-site", "same-origin"),
            with("sec-fetch-site", "none"),
            with("origin", "https://WebORCA-server:8000"),
        ] {
            assert!(!is_cross_site(&Method::POST, &headers, host), "{headers:?}");
        }
    }

    #[test]
    fn a_websocket_from_elsewhere_is_seen() {
        assert!(has_other_origin(&with("origin", "https://evil.example"), "a:8000"));
        assert!(!has_other_origin(&with("origin", "https://a"), "a:443"));
        assert!(!has_other_origin(&HeaderMap::new(), "a:8000"));
        let mut two = with("origin", "https://a");
        two.append("origin", "https://evil.example".parse().unwrap());
        assert!(has_other_origin(&two, "a"));
    }
}
