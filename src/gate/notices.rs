//! What a visitor and the application may know of the end of the visitor's own certificate.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use crate::admission::Admitted;
use crate::ground::clock::Timestamp;
use crate::pki::validity::notice_step;

/// Where a visitor's certificate is described, by the gate itself.
const PATH: &str = "/.well-known/sekisho/certificate";

/// On answers in the last 60 days: whole days left.
const EXPIRES_IN_DAYS: HeaderName = HeaderName::from_static("sekisho-certificate-expires-in-days");

/// What is known of a visitor's certificate. The gate knows no number: that is the ledger's.
pub(super) struct Notices {
    serial: String,
    common_name: Option<String>,
    not_after: Timestamp,
}

impl Notices {
    pub(super) fn of(admitted: &Admitted) -> Self {
        let certificate = admitted.certificate();
        Self {
            serial: certificate.serial().to_string(),
            common_name: certificate.common_name(),
            not_after: certificate.not_after(),
        }
    }

    /// The answer to a request for [`PATH`]; `None` for any other path.
    pub(super) fn answer(
        &self,
        method: &Method,
        path: &str,
        now: Timestamp,
    ) -> Option<Response<Full<Bytes>>> {
        if path != PATH {
            return None;
        }
        let readable = matches!(*method, Method::GET | Method::HEAD);
        let body = if readable { self.json(now) } else { String::new() };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !readable {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        }
        Some(response)
    }

    /// Says on an answer how many days are left, once a notice is due. Only the gate says so.
    pub(super) fn write(&self, headers: &mut HeaderMap, now: Timestamp) {
        headers.remove(EXPIRES_IN_DAYS);
        if notice_step(now, self.not_after).is_some() {
            headers.insert(EXPIRES_IN_DAYS, HeaderValue::from(now.days_until(self.not_after)));
        }
    }

    fn json(&self, now: Timestamp) -> String {
        serde_json::json!({
            "serial": self.serial,
            "common_name": self.common_name,
            "not_after": self.not_after.rfc3339(),
            "days_left": now.days_until(self.not_after),
            "notice": notice_step(now, self.not_after),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(days: i64) -> (Notices, Timestamp) {
        let now = Timestamp::from_unix(1_800_000_000);
        let common_name = Some("受付\"1".to_owned());
        (Notices { serial: "0a".to_owned(), common_name, not_after: now.plus_days(days) }, now)
    }

    #[test]
    fn an_application_can_show_what_the_gate_says() {
        let (notices, now) = notices(13);
        let json: serde_json::Value = serde_json::from_str(&notices.json(now)).unwrap();
        assert_eq!(json["serial"], "0a");
        assert_eq!(json["common_name"], "受付\"1");
        assert_eq!(json["days_left"], 13);
        assert_eq!(json["notice"], 14);
        assert_eq!(json["not_after"], now.plus_days(13).rfc3339());
    }

    // An application that sets the header itself must not frighten people, or calm them.
    #[test]
    fn the_days_are_said_near_the_end_and_by_the_gate_alone() {
        for (days, said) in [(300, None), (60, Some("60")), (0, Some("0"))] {
            let (notices, now) = notices(days);
            let mut headers = HeaderMap::new();
            headers.insert(EXPIRES_IN_DAYS, HeaderValue::from_static("7"));
            notices.write(&mut headers, now);
            assert_eq!(headers.get(EXPIRES_IN_DAYS).map(|v| v.to_str().unwrap()), said, "{days}");
        }
    }

    #[test]
    fn only_reading_and_only_that_path_is_answered() {
        let (notices, now) = notices(13);
        let status = |method: Method, path: &str| {
            notices.answer(&method, path, now).map(|response| response.status().as_u16())
        };
        assert_eq!(status(Method::GET, PATH), Some(200));
        assert_eq!(status(Method::HEAD, PATH), Some(200));
        assert_eq!(status(Method::POST, PATH), Some(405));
        assert_eq!(status(Method::GET, "/.well-known/sekisho/certificates"), None);
    }
}
