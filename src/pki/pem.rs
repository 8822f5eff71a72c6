//! The text form of certificates, requests, lists and keys (RFC 7468).

use der::pem::{Decoder, LineEnding};

/// Label of certificates.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";
/// Label of certificate requests.
pub(super) const REQUEST: &str = "CERTIFICATE REQUEST";
/// The label older tools give certificate requests (RFC 7468 section 7).
pub(super) const NEW_REQUEST: &str = "NEW CERTIFICATE REQUEST";
/// Label of revocation lists.
pub(super) const REVOCATION_LIST: &str = "X509 CRL";
/// Label of private keys in the clear.
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// Label of encrypted private keys.
pub(super) const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block of a PEM text, not yet decoded.
pub(super) struct Block<'a> {
    /// What the block says it holds.
    pub(super) label: &'a str,
    text: &'a [u8],
}

/// The blocks of a text, in order. What stands between them is skipped, as RFC 7468 section 2 asks:
/// `openssl` writes names and bag attributes there.
pub(super) fn blocks(mut text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    std::iter::from_fn(move || {
        let from_begin = text.get(find_line(text, BEGIN)?..)?;
        let to_end = find_line(from_begin, END)?;
        let end = from_begin.get(to_end + END.len()..)?;
        let end_line = to_end + END.len() + find(end, DASHES)? + DASHES.len();
        let (block, rest) = from_begin.split_at_checked(end_line)?;
        text = rest;
        let after_begin = block.get(BEGIN.len()..)?;
        let label = std::str::from_utf8(after_begin.get(..find(after_begin, DASHES)?)?).ok()?;
        Some(Block { label, text: block })
    })
}

/// Whether bytes look like PEM and not like DER, which begins with a SEQUENCE and a length.
fn is_text(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x30, 0x80..=0xFF, ..]) && find_line(bytes, BEGIN).is_some()
}

/// The bytes of the first block with one of these labels, or the input itself when it is no PEM.
/// `None` when it is PEM without such a block, or the block is broken.
pub(super) fn decode_one<'a>(
    bytes: &'a [u8],
    labels: &[&str],
) -> Option<std::borrow::Cow<'a, [u8]>> {
    if !is_text(bytes) {
        return Some(bytes.into());
    }
    blocks(bytes).find(|block| labels.contains(&block.label))?.decode().map(Into::into)
}

/// A PEM text with lines of 64 characters.
pub(super) fn encode(label: &str, bytes: &[u8]) -> Result<String, der::pem::Error> {
    der::pem::encode_string(label, LineEnding::LF, bytes)
}

impl Block<'_> {
    /// The block's bytes, in one allocation that is never moved; `None` when it is broken.
    pub(super) fn decode(&self) -> Option<Vec<u8>> {
        let mut decoder = Decoder::new_detect_wrap(self.text).ok()?;
        let mut bytes = Vec::with_capacity(decoder.remaining_len());
        decoder.decode_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether the block has the headers of the older encryption (RFC 1421 section 4.6.1.1).
    pub(super) fn is_encrypted_in_the_old_way(&self) -> bool {
        find(self.text, b"Proc-Type: 4,ENCRYPTED").is_some()
    }
}

/// Where a line begins with these bytes.
fn find_line(text: &[u8], start: &[u8]) -> Option<usize> {
    text.windows(start.len()).enumerate().position(|(index, window)| {
        window == start && (index == 0 || matches!(text.get(index - 1), Some(b'\n' | b'\r')))
    })
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_between_the_blocks_is_skipped() {
        let one = encode(CERTIFICATE, b"one").unwrap();
        let two = encode(PRIVATE_KEY, &[2; 100]).unwrap();
        let text = format!(
            "Bag Attributes\r\n    friendlyName: x -----BEGIN\n{one}subject=CN = 受付\n{two}"
        );
        let found: Vec<_> =
            blocks(text.as_bytes()).map(|block| (block.label, block.decode())).collect();
        assert_eq!(
            found,
            [(CERTIFICATE, Some(b"one".to_vec())), (PRIVATE_KEY, Some(vec![2; 100]))]
        );
    }

    proptest! {
        #[test]
        fn every_content_survives(bytes in proptest::collection::vec(any::<u8>(), 1..300)) {
            let text = encode(CERTIFICATE, &bytes).unwrap().replace('\n', "\r\n");
            let back = decode_one(text.as_bytes(), &[CERTIFICATE]).unwrap();
            prop_assert_eq!(&*back, &*bytes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(-----BEGIN |A|=|\n|-----END |-----|X){0,40}") {
            for block in blocks(text.as_bytes()) {
                let _ = block.decode();
            }
        }
    }
}
