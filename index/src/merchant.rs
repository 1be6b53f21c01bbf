//! What the index keeps of a merchant: who, where, whether it takes part, what it can be filtered by, and a profile that
//! it never looks into.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{AnyPosition, Revision, Terms, UnixMicros};

/// A merchant's identity: 1 to 128 bytes of UTF-8 without `/`, control characters, or white space at either end.
///
/// Ordered as bytes, which is how equal distances are ranked. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MerchantId(Arc<str>);

/// Why a string cannot be a [`MerchantId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MerchantIdError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("must be at most {} bytes", MerchantId::MAX_BYTES)]
    TooLong,
    /// A `/`, which separates the parts of a resource name.
    #[error("must not contain '/'")]
    Slash,
    /// A control character, such as a line break.
    #[error("must not contain control characters")]
    Control,
    /// White space at the start or the end.
    #[error("must not begin or end with white space")]
    OuterSpace,
}

impl MerchantId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Parses an id.
    ///
    /// # Errors
    /// Where the rules at [`MerchantId`] are not kept.
    pub fn parse(id: &str) -> Result<Self, MerchantIdError> {
        if id.is_empty() {
            return Err(MerchantIdError::Empty);
        }
        if id.len() > Self::MAX_BYTES {
            return Err(MerchantIdError::TooLong);
        }
        if id.contains('/') {
            return Err(MerchantIdError::Slash);
        }
        if id.chars().any(char::is_control) {
            return Err(MerchantIdError::Control);
        }
        if id.trim().len() != id.len() {
            return Err(MerchantIdError::OuterSpace);
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether searches find a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Searches find it.
    Visible,
    /// Kept and readable by id, but no search finds it unless its filter asks for such: see [`Shown`](crate::Shown).
    Hidden,
}

/// The rest of a merchant, already encoded as callers will receive it. Opaque here and in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile(Arc<[u8]>);

/// A profile that is longer than [`Profile::MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be at most {} bytes when encoded", Profile::MAX_BYTES)]
pub struct ProfileTooLarge;

impl Profile {
    /// The longest profile, in bytes. It also bounds a record so that the store can keep it inline.
    pub const MAX_BYTES: usize = 32_768;

    /// Wraps an encoded profile.
    ///
    /// # Errors
    /// Where it is longer than [`Profile::MAX_BYTES`].
    pub fn new(encoded: &[u8]) -> Result<Self, ProfileTooLarge> {
        if encoded.len() > Self::MAX_BYTES { Err(ProfileTooLarge) } else { Ok(Self(encoded.into())) }
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} bytes)", self.0.len())
    }
}

/// A merchant as a caller puts it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merchant {
    /// Who it is.
    pub id: MerchantId,
    /// Where it is, in the datum it was given in.
    pub position: AnyPosition,
    /// Whether searches find it.
    pub visibility: Visibility,
    /// What searches can filter by.
    pub terms: Terms,
    /// Everything else.
    pub profile: Profile,
}

/// One version of a merchant as it was committed. Never changed afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMerchant {
    /// What the caller put.
    pub merchant: Merchant,
    /// The revision of the change that made this version.
    pub revision: Revision,
    /// When the merchant was first stored.
    pub create_time: UnixMicros,
    /// When this version was made.
    pub update_time: UnixMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_real_merchants_are_taken_as_they_are() {
        for id in ["fhrs:833717", "us:buc-ees:#57", "us:whataburger:Welcome to Whataburger", "老王面馆", "a"]
        {
            assert_eq!(MerchantId::parse(id).map(|id| id.to_string()), Ok(id.to_owned()));
        }
    }

    #[test]
    fn ids_that_cannot_be_say_why() {
        let long = "x".repeat(129);
        for (id, error) in [
            ("", MerchantIdError::Empty),
            (long.as_str(), MerchantIdError::TooLong),
            ("a/b", MerchantIdError::Slash),
            ("a\nb", MerchantIdError::Control),
            ("a\u{7f}", MerchantIdError::Control),
            (" a", MerchantIdError::OuterSpace),
            ("a\u{3000}", MerchantIdError::OuterSpace),
        ] {
            assert_eq!(MerchantId::parse(id), Err(error), "{id:?}");
        }
        assert!(MerchantId::parse(&"x".repeat(128)).is_ok());
    }

    #[test]
    fn a_profile_is_bounded() {
        assert!(Profile::new(&vec![0; Profile::MAX_BYTES]).is_ok());
        assert_eq!(Profile::new(&vec![0; Profile::MAX_BYTES + 1]), Err(ProfileTooLarge));
    }
}
