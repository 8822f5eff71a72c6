#![no_main]
//! Certificates of strangers, DER or PEM: what is read prints safely and survives PEM, and
//! x509-parser reads the same in it.

use libfuzzer_sys::fuzz_target;
use sekisho::pki::Certificate;
use sekisho_fuzz::assert_printable;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = Certificate::from_der(bytes) else {
        let _ = Certificate::chain_from_pem(bytes);
        return;
    };
    assert_eq!(certificate.der(), bytes);
    assert_eq!(Certificate::from_pem(certificate.pem().as_bytes()).as_ref(), Ok(&certificate));
    assert_printable(&certificate.subject_text());
    for name in certificate.subject_alternative_names() {
        assert_printable(&name.to_string());
    }
    let _ = certificate.verify_signed_by(&certificate);
    // We keep names as they stand: only those who show one look into it, and escape it. Where they
    // cannot read a name they lose their place. They also refuse what changes no meaning, such as
    // set bits after the end of a BIT STRING.
    if is_name(certificate.issuer_der())
        && is_name(certificate.subject_der())
        && let Ok((rest, theirs)) = X509Certificate::from_der(bytes)
    {
        assert!(rest.is_empty());
        assert_same(&certificate, &theirs);
    }
});

fn is_name(der: &[u8]) -> bool {
    X509Name::from_der(der).is_ok_and(|(rest, name)| rest.is_empty() && name.as_raw() == der)
}

fn assert_same(ours: &Certificate, theirs: &X509Certificate<'_>) {
    let serial = theirs.raw_serial();
    assert_eq!(ours.serial().as_bytes(), serial.strip_prefix(&[0]).unwrap_or(serial));
    assert_eq!(ours.issuer_der(), theirs.issuer().as_raw());
    assert_eq!(ours.subject_der(), theirs.subject().as_raw());
    assert_eq!(ours.not_before().unix(), theirs.validity().not_before.timestamp());
    assert_eq!(ours.not_after().unix(), theirs.validity().not_after.timestamp());
    assert_eq!(ours.subject_public_key_info(), theirs.public_key().raw);
    // What they do not read is not compared.
    let Ok(constraints) = theirs.basic_constraints() else { return };
    let constraints = constraints.map(|extension| extension.value);
    let authority = constraints.is_some_and(|one| one.ca);
    assert_eq!(ours.is_certificate_authority(), authority);
    // What they do not read is not compared.
    let Ok(usage) = theirs.key_usage() else { return };
    let usage = usage.map(|extension| extension.value);
    let signs = authority && usage.is_none_or(|usage| usage.key_cert_sign());
    assert_eq!(ours.may_sign_certificates(), signs);
    assert_eq!(ours.may_sign_revocation_lists(), usage.is_none_or(|usage| usage.crl_sign()));
    assert_eq!(ours.may_sign_handshakes(), usage.is_none_or(|usage| usage.digital_signature()));
    // What they do not read is not compared.
    let Ok(purposes) = theirs.extended_key_usage() else { return };
    let purposes = purposes.map(|extension| extension.value);
    assert_eq!(ours.states_purposes(), purposes.is_some());
    assert_eq!(ours.allows_client_auth(), purposes.is_none_or(|list| list.client_auth));
    assert_eq!(ours.allows_server_auth(), purposes.is_none_or(|list| list.server_auth));
}
