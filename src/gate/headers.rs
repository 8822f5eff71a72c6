//! Headers on their way to the upstream: who the visitor is, said by us and by nobody else.

use data_encoding::BASE64;
use hyper::HeaderMap;
use hyper::http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::admission::Admitted;
use crate::pki::Certificate;

/// The visitor's certificate (RFC 9440 section 2.2).
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
/// The subject of the visitor's issuer, percent-encoded UTF-8.
const ISSUER: HeaderName = HeaderName::from_static("x-sekisho-issuer");
/// The serial number in lowercase hexadecimal.
const SERIAL: HeaderName = HeaderName::from_static("x-sekisho-serial");
/// The common name, percent-encoded UTF-8.
const COMMON_NAME: HeaderName = HeaderName::from_static("x-sekisho-common-name");
/// The last second of the visitor's certificate (RFC 3339), where notices are told.
const NOT_AFTER: HeaderName = HeaderName::from_static("x-sekisho-certificate-not-after");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HTTPS: HeaderValue = HeaderValue::from_static("https");

/// Names that end at each hop (RFC 9110 section 7.6.1), besides those that `Connection` lists.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// How names begin that tell an upstream who the visitor is or where the request came from: ours,
/// and those that other gates set and upstreams may still believe.
static IDENTITY_PREFIXES: [&str; 20] = [
    "client-cert",
    "x-client-cert",
    "x-sekisho-",
    "sekisho-",
    "ssl-client-",
    "x-ssl-",
    "x-forwarded-",
    "x-real-ip",
    "forwarded",
    "x-client-dn",
    "x-client-verify",
    "x-tls-client-",
    "tls-client-",
    "x-arr-clientcert",
    "remote-user",
    "x-remote-user",
    "true-client-ip",
    "x-original-",
    "x-rewrite-url",
    "proxy",
];

/// What the upstream is told about the visitor of one connection. Made once; a clone for each
/// request shares the bytes.
#[derive(Clone)]
pub(super) struct Identity {
    certificate: HeaderValue,
    issuer: HeaderValue,
    serial: HeaderValue,
    common_name: Option<HeaderValue>,
    not_after: Option<HeaderValue>,
    address: HeaderValue,
}

impl Identity {
    /// With the end of the certificate if `notices` are told. `None` only if a value could not be a
    /// header's, which encoding rules out.
    pub(super) fn of(
        admitted: &Admitted,
        address: std::net::IpAddr,
        notices: bool,
    ) -> Option<Self> {
        let certificate = admitted.certificate();
        let common_name = match certificate.common_name() {
            Some(name) => Some(HeaderValue::try_from(percent_encode(&name)).ok()?),
            None => None,
        };
        let not_after = match notices {
            true => Some(HeaderValue::try_from(certificate.not_after().rfc3339()).ok()?),
            false => None,
        };
        Some(Self {
            not_after,
            certificate: HeaderValue::try_from(byte_sequence(certificate.der())).ok()?,
            issuer: HeaderValue::try_from(percent_encode(&issuer_text(certificate))).ok()?,
            serial: HeaderValue::try_from(certificate.serial().to_string()).ok()?,
            common_name,
            address: HeaderValue::try_from(address.to_canonical().to_string()).ok()?,
        })
    }

    /// Sets ours. Whatever claimed to be ours has been removed before.
    pub(super) fn write(&self, headers: &mut HeaderMap, host: HeaderValue) {
        headers.insert(CLIENT_CERT, self.certificate.clone());
        headers.insert(ISSUER, self.issuer.clone());
        headers.insert(SERIAL, self.serial.clone());
        if let Some(name) = &self.common_name {
            headers.insert(COMMON_NAME, name.clone());
        }
        if let Some(end) = &self.not_after {
            headers.insert(NOT_AFTER, end.clone());
        }
        headers.insert(FORWARDED_FOR, self.address.clone());
        headers.insert(FORWARDED_PROTO, HTTPS);
        headers.insert(FORWARDED_HOST, host.clone());
        headers.insert(HOST, host);
    }
}

/// `Connection` lists a name that only we may set, so as to have ours removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IdentityInConnection;

/// Removes what ends at this hop, then whatever claims to say who the visitor is. The answer tells
/// whether the visitor takes trailers.
pub(super) fn clean_request(headers: &mut HeaderMap) -> Result<bool, IdentityInConnection> {
    let takes_trailers = tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    let listed: Vec<String> = tokens(headers, &CONNECTION).map(str::to_ascii_lowercase).collect();
    if listed.iter().any(|name| is_identity(name)) {
        return Err(IdentityInConnection);
    }
    for name in &listed {
        headers.remove(name.as_str());
    }
    remove_hop_by_hop(headers);
    // We have answered it ourselves: hyper sends 100 (Continue) once the body is wanted.
    headers.remove(EXPECT);
    remove_where(headers, is_identity);
    join_cookies(headers);
    Ok(takes_trailers)
}

/// Whether a message has a transfer coding besides `chunked` (RFC 9112 section 6.1). hyper undoes
/// that one alone, and the name of any other would be lost with this hop.
pub(super) fn has_other_coding(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => false,
        (Some(only), None) => !only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => true,
    }
}

/// Whether the length of a request's body could be read in two ways (RFC 9112 section 6.3). Over
/// HTTP/2 one may stand twice, and an empty one counts as none.
pub(super) fn has_unclear_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (None, _) => false,
        (Some(only), None) => only.is_empty() || !only.as_bytes().iter().all(u8::is_ascii_digit),
        (Some(_), Some(_)) => true,
    }
}

/// Removes what ends at this hop from an answer.
pub(super) fn clean_response(headers: &mut HeaderMap) {
    let listed: Vec<String> = tokens(headers, &CONNECTION).map(str::to_owned).collect();
    for name in &listed {
        headers.remove(name.as_str());
    }
    remove_hop_by_hop(headers);
}

/// Removes from trailers what may not stand there (RFC 9110 section 6.5.1), and identity.
pub(super) fn clean_trailers(trailers: &mut HeaderMap) {
    remove_hop_by_hop(trailers);
    remove_where(trailers, |name| {
        is_identity(name)
            || name == HOST
            || name == CONTENT_LENGTH
            || name == TRAILER
            || matches!(
                name,
                "authorization" | "cookie" | "set-cookie" | "content-encoding" | "content-type"
            )
    });
}

/// The comma-separated tokens of a header, over all its lines.
pub(super) fn tokens<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// Whether a name says who the visitor is. Many upstreams take `_` for `-` (CGI turns both into
/// `HTTP_CLIENT_CERT`), and so do we.
/// Upstreams differ in how they spell names for their applications: whatever is no letter or digit,
/// however often, counts as one hyphen.
fn is_identity(name: &str) -> bool {
    let mut spelled = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            spelled.push(character.to_ascii_lowercase());
        } else if !spelled.ends_with('-') {
            spelled.push('-');
        }
    }
    IDENTITY_PREFIXES.iter().any(|prefix| spelled.starts_with(prefix))
}

/// HTTP/2 may split cookies into several fields, which HTTP/1.1 has no place for (RFC 9113 section
/// 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // Valid values between valid separators are a valid value.
    if let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, cookie);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    // Nearly every request has none: look first, and allocate only when one is found.
    while let Some(name) = headers.keys().find(|name| unwanted(name.as_str())).cloned() {
        headers.remove(name);
    }
}

fn issuer_text(certificate: &Certificate) -> String {
    crate::pki::name::text_of_der(certificate.issuer_der())
}

/// A structured-field byte sequence (RFC 8941 section 3.3.5): base64 between colons.
fn byte_sequence(bytes: &[u8]) -> String {
    format!(":{}:", BASE64.encode(bytes))
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as `%XX` of its UTF-8.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    // Catches a list of exact names: `Client_Cert` reads as HTTP_CLIENT_CERT in CGI and WSGI.
    #[test]
    fn every_spelling_of_identity_is_removed() {
        let mut map = headers(&[
            ("Client-Cert", "a"),
            ("client_cert", "b"),
            ("Client-Cert-Chain", "c"),
            ("X_Sekisho-Serial", "d"),
            ("Sekisho_Certificate-Expires-In-Days", "d"),
            ("x-sekisho-anything", "e"),
            ("SSL_CLIENT_S_DN", "f"),
            ("X-SSL-Client-Cert", "g"),
            ("X-Forwarded-For", "h"),
            ("x_forwarded_proto", "i"),
            ("Forwarded", "j"),
            ("X-Real-IP", "k"),
            ("X-Forwarded-Client-Cert", "l"),
            ("client.cert", "m"),
            ("Client--Cert", "n"),
            ("x!sekisho~common.name", "o"),
            ("Remote-User", "p"),
            ("cookie", "kept"),
            ("x-sekisho", "kept"),
        ]);
        assert_eq!(clean_request(&mut map), Ok(false));
        let mut left: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "x-sekisho"]);
    }

    #[test]
    fn identity_inside_connection_is_an_attack() {
        for value in ["Client-Cert", "close, client_cert", "x-forwarded-for", "X-SEKISHO-Serial"] {
            let mut map = headers(&[("connection", value)]);
            assert_eq!(clean_request(&mut map), Err(IdentityInConnection), "{value}");
        }
    }

    #[test]
    fn what_connection_lists_ends_here() {
        let mut map = headers(&[
            ("connection", "close, X-Own"),
            ("x-own", "1"),
            ("upgrade", "h2c"),
            ("te", "gzip, Trailers"),
            ("http2-settings", "AA"),
        ]);
        assert_eq!(clean_request(&mut map), Ok(true));
        assert!(map.is_empty());
    }

    // Catches joining with a comma, as other fields are: cookies would run into one another.
    #[test]
    fn cookies_split_by_http2_are_whole_again() {
        let mut map = headers(&[("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "d=,")]);
        clean_request(&mut map).unwrap();
        let joined: Vec<&HeaderValue> = map.get_all("cookie").iter().collect();
        assert_eq!(joined, ["a=1; b=2; c=3; d=,"]);
    }

    #[test]
    fn chunked_alone_is_a_coding_we_undo() {
        for (values, other) in [
            (&[][..], false),
            (&["chunked"][..], false),
            (&[" Chunked "][..], false),
            (&["gzip, chunked"][..], true),
            (&["gzip", "chunked"][..], true),
            (&["chunked, chunked"][..], true),
            (&["chunked;a=b"][..], true),
            (&["identity"][..], true),
            (&[""][..], true),
        ] {
            let lines: Vec<_> = values.iter().map(|value| ("transfer-encoding", *value)).collect();
            assert_eq!(has_other_coding(&headers(&lines)), other, "{values:?}");
        }
    }

    // Found by fuzzing: over HTTP/2 such lengths passed, and applications differ in what they make of
    // them.
    #[test]
    fn a_length_is_one_number() {
        for (values, unclear) in [
            (&[][..], false),
            (&["0"][..], false),
            (&["12"][..], false),
            (&["0", "5"][..], true),
            (&["5", "5"][..], true),
            (&["5, 5"][..], true),
            (&["+5"][..], true),
            (&[""][..], true),
        ] {
            let lines: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
            assert_eq!(has_unclear_length(&headers(&lines)), unclear, "{values:?}");
        }
    }

    #[test]
    fn trailers_carry_no_identity_and_no_framing() {
        let mut map = headers(&[
            ("client-cert", "a"),
            ("content-length", "3"),
            ("host", "b"),
            ("checksum", "kept"),
        ]);
        clean_trailers(&mut map);
        assert_eq!(map.len(), 1);
    }

    // RFC 4648 section 10 and RFC 8941 section 3.3.5.
    #[test]
    fn certificates_are_byte_sequences() {
        for (bytes, text) in [
            ("", "::"),
            ("f", ":Zg==:"),
            ("fo", ":Zm8=:"),
            ("foo", ":Zm9v:"),
            ("foobar", ":Zm9vYmFy:"),
        ] {
            assert_eq!(byte_sequence(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn names_are_percent_encoded() {
        assert_eq!(percent_encode("受付 1%\r\n"), "%E5%8F%97%E4%BB%98%201%25%0D%0A");
    }
}
