//! Certificate revocation lists (RFC 5280 section 5): writing ours, reading and verifying any.

mod reading;
mod writing;

pub use reading::{LARGEST_REVOCATION_LIST, RevocationList, RevocationListError};
pub use writing::{RevocationListToBeSigned, RevocationListWriteError, pem_of};

use super::serial::SerialNumber;
use crate::ground::clock::Timestamp;

/// One entry of a revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// The serial number of the revoked certificate.
    pub serial: SerialNumber,
    /// When the CA revoked it.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Since when the key is known or thought to have been lost, if that was said (RFC 5280 section 5.3.2).
    pub invalid_since: Option<Timestamp>,
}

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Reason {
    /// Nothing was said.
    Unspecified,
    /// The private key is lost or stolen.
    KeyCompromise,
    /// The CA's own private key is lost or stolen.
    CaCompromise,
    /// The holder's name or membership changed.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// It is suspended, and may be valid again.
    CertificateHold,
    /// A suspension ended; only in delta lists, which we neither write nor read.
    RemoveFromCrl,
    /// The holder lost a right the certificate stood for.
    PrivilegeWithdrawn,
    /// The attribute authority's private key is lost or stolen.
    AaCompromise,
}

impl Reason {
    /// Every reason, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::RemoveFromCrl,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The reason of a name as RFC 5280 spells it, such as `keyCompromise`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The name as RFC 5280 spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// The reason's code in lists; 7 is not used.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// The reason of a code.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_one_to_one() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(reason));
            assert_eq!(Reason::of_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::of_code(7), None);
        assert_eq!(Reason::parse("KeyCompromise"), None);
    }
}
