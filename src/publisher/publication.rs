//! The documents, and the answers to those who ask for them (RFC 9110 and 9111).

use std::sync::Arc;

use aws_lc_rs::digest;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use tokio::sync::watch;

use super::server::{Answer, Answers, Question};
use super::watching::Figures;
use crate::door::feed::PublishedCrl;
use crate::ground::clock::{self, Timestamp};
use crate::pki::Certificate;
use crate::pki::revocation_list::pem_of;

/// Seconds a CRL may be kept by caches: a revocation must not wait longer behind them.
const CRL_KEPT: i64 = 60;

/// Seconds the root's certificate may be kept by caches.
const ROOT_KEPT: i64 = 3600;

/// Seconds after which to ask again while there is no CRL yet.
const ASK_AGAIN: &str = "5";

/// What is published at a time.
pub(super) struct Publication {
    pub(super) this_update: Timestamp,
    pub(super) next_update: Timestamp,
    pub(super) number: u64,
    pub(super) root_ends: Option<Timestamp>,
    crl: Document,
    crl_pem: Document,
    root: Document,
    root_pem: Document,
}

/// One document as it is sent.
struct Document {
    bytes: Bytes,
    media_type: &'static str,
    tag: String,
    modified: Option<Timestamp>,
    kept: i64,
}

impl Publication {
    pub(super) fn new(crl: PublishedCrl) -> Self {
        let (this_update, next_update, number) = (crl.this_update, crl.next_update, crl.number);
        let root = Certificate::from_der(&crl.root).ok();
        let root_pem = root.as_ref().map(Certificate::pem).unwrap_or_default();
        let root_ends = root.as_ref().map(Certificate::not_after);
        let modified = root.map(|root| root.not_before());
        let crl_pem = pem_of(&crl.der);
        let of_crl = |bytes: Vec<u8>, media_type| {
            Document::new(bytes, media_type, Some(this_update), CRL_KEPT)
        };
        let of_root =
            |bytes: Vec<u8>, media_type| Document::new(bytes, media_type, modified, ROOT_KEPT);
        Self {
            this_update,
            next_update,
            number,
            root_ends,
            // RFC 5280 section 4.2.1.13 and RFC 2585.
            crl: of_crl(crl.der, "application/pkix-crl"),
            crl_pem: of_crl(crl_pem.into_bytes(), "application/x-pem-file"),
            root: of_root(crl.root, "application/pkix-cert"),
            root_pem: of_root(root_pem.into_bytes(), "application/pem-certificate-chain"),
        }
    }

    /// The names and contents of the files.
    pub(super) fn files(&self) -> [(&'static str, &[u8]); 3] {
        [
            ("ca.crl", &self.crl.bytes),
            ("crl.pem", &self.crl_pem.bytes),
            ("ca.crt", &self.root_pem.bytes),
        ]
    }

    fn document(&self, place: Place) -> &Document {
        match place {
            Place::Crl => &self.crl,
            Place::CrlPem => &self.crl_pem,
            Place::Root => &self.root,
            Place::RootPem => &self.root_pem,
        }
    }
}

impl Document {
    fn new(
        bytes: Vec<u8>,
        media_type: &'static str,
        modified: Option<Timestamp>,
        kept: i64,
    ) -> Self {
        let digest = digest::digest(&digest::SHA256, &bytes);
        let tag = digest.as_ref().iter().take(16).map(|octet| format!("{octet:02x}"));
        let tag = format!("\"{}\"", tag.collect::<String>());
        Self { bytes: bytes.into(), media_type, tag, modified, kept }
    }

    /// Whether who asks has this document already (RFC 9110 section 13.2.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(IF_NONE_MATCH) {
            let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
            let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
            return tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.tag);
        }
        let since = headers.get(IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
        let since = since.and_then(Timestamp::parse_http_date);
        since.is_some_and(|since| self.modified.is_some_and(|modified| modified <= since))
    }

    fn headers(&self, now: Timestamp, until: Timestamp) -> HeaderMap {
        let kept = (until.unix() - now.unix()).min(self.kept);
        let kept = if kept > 0 { format!("max-age={kept}") } else { "no-cache".to_owned() };
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(CACHE_CONTROL, &kept);
        set(ETAG, &self.tag);
        if let Some(modified) = self.modified {
            set(LAST_MODIFIED, &modified.http_date());
        }
        headers
    }
}

/// Where the documents are.
#[derive(Clone, Copy)]
enum Place {
    Crl,
    CrlPem,
    Root,
    RootPem,
}

/// Every path there is.
const PLACES: [(&str, Place); 4] = [
    ("/ca.crl", Place::Crl),
    ("/crl.pem", Place::CrlPem),
    ("/ca.crt", Place::Root),
    ("/ca.pem", Place::RootPem),
];

/// What strangers are answered.
pub(super) fn answers(
    current: watch::Receiver<Option<Arc<Publication>>>,
    figures: Figures,
) -> Arc<Answers> {
    Arc::new(move |question: &Question| {
        let place = PLACES.iter().find(|(path, _)| *path == question.uri().path());
        let publication = current.borrow().clone();
        let answer = answer(question, place.map(|(_, place)| *place), publication.as_deref());
        figures.asked(place.map(|(path, _)| *path), answer.status());
        answer
    })
}

fn answer(question: &Question, place: Option<Place>, publication: Option<&Publication>) -> Answer {
    let Some(place) = place else { return note(StatusCode::NOT_FOUND, "not found\n") };
    if !matches!(*question.method(), Method::GET | Method::HEAD) {
        let mut answer = note(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let Some(publication) = publication else {
        let mut answer = note(StatusCode::SERVICE_UNAVAILABLE, "not signed yet\n");
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(ASK_AGAIN));
        return answer;
    };
    let document = publication.document(place);
    let until = match place {
        Place::Crl | Place::CrlPem => publication.next_update,
        Place::Root | Place::RootPem => Timestamp::from_unix(i64::MAX),
    };
    let known = document.is_known(question.headers());
    let mut answer = Answer::new(if known { Bytes::new() } else { document.bytes.clone() }.into());
    *answer.headers_mut() = document.headers(clock::now(), until);
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let media_type = HeaderValue::from_static(document.media_type);
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
        let nosniff = HeaderValue::from_static("nosniff");
        answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    }
    answer
}

/// A short answer in words, which nobody keeps.
pub(super) fn note(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(text.into().into());
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
