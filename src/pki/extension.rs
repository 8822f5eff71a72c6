//! Extensions of certificates, requests and lists (RFC 5280 section 4.2), borrowed as they stand.

use der::asn1::AnyRef;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, ErrorKind, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};

/// `Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`
#[derive(Sequence)]
pub(super) struct Extension<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    pub(super) critical: bool,
    pub(super) value: &'a OctetStringRef,
}

impl<'a> Extension<'a> {
    /// The extension's value, read as the type its identifier names.
    pub(super) fn decode<T: Decode<'a, Error = der::Error>>(&self) -> der::Result<T> {
        T::from_der(self.value.as_bytes())
    }
}

/// The extensions in a DER `Extensions`; at least one, and no identifier twice (RFC 5280 section 4.2).
pub(super) fn read(bytes: &[u8]) -> der::Result<Vec<Extension<'_>>> {
    let extensions = Vec::<Extension<'_>>::from_der(bytes)?;
    let mut seen: Vec<ObjectIdentifier> = extensions.iter().map(|one| one.id).collect();
    seen.sort_unstable();
    seen.dedup();
    if extensions.is_empty() || seen.len() != extensions.len() {
        return Err(ErrorKind::Value { tag: Tag::Sequence }.into());
    }
    Ok(extensions)
}

/// The extensions that end a certificate or list behind an explicit tag; none if nothing is left.
pub(super) fn read_tagged<'a>(
    reader: &mut SliceReader<'a>,
    number: TagNumber,
) -> der::Result<Vec<Extension<'a>>> {
    if reader.is_finished() {
        return Ok(Vec::new());
    }
    let tagged: AnyRef<'a> = reader.decode()?;
    tagged.tag().assert_eq(Tag::ContextSpecific { constructed: true, number })?;
    read(tagged.value())
}

/// One extension in DER.
pub(super) fn encode(
    id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> der::Result<Vec<u8>> {
    let value = value.to_der()?;
    Extension { id, critical, value: OctetStringRef::new(&value)? }.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS;
    use x509_cert::ext::pkix::BasicConstraints;

    // A second basicConstraints hidden behind the first could turn a leaf into a CA for another reader.
    #[test]
    fn an_extension_that_stands_twice_is_refused() {
        let constraints = BasicConstraints { ca: true, path_len_constraint: None };
        let one = encode(ID_CE_BASIC_CONSTRAINTS, true, &constraints).unwrap();
        let read_all = |content: Vec<u8>| {
            let any = der::asn1::AnyRef::new(Tag::Sequence, &content).unwrap().to_der().unwrap();
            read(&any).map(|extensions| extensions.len())
        };
        assert_eq!(read_all(one.clone()), Ok(1));
        assert!(read_all([one.clone(), one].concat()).is_err());
        assert!(read_all(Vec::new()).is_err());
    }
}
