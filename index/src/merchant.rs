//! What the index keeps of a merchant: who, where, whether it takes part, what it can be filtered by, and a profile that
//! it never looks into.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;
use thiserror::Error;

use crate::{AnyPosition, Hours, Revision, Terms, UnixMicros};

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

/// A merchant, already encoded as callers will receive it. Opaque here and in the store, but for where one piece ends and
/// the next begins, so that answers are put together by copying:
///
/// ```text
/// | name | what a list shows | the rest | what the commit decided |
/// | name |        what the caller gave  |
/// |          front           |           back                     |
/// ```
///
/// The front lies with the merchant itself: a list of twenty comes from twenty places in memory and not from forty.
#[derive(Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Profile {
    /// Where the name ends in the front, and what the caller gave begins.
    name_end: u32,
    /// Where what the caller gave ends in the back.
    given_end: u32,
    front: SmallVec<[u8; FRONT_BYTES]>,
    back: Arc<[u8]>,
}

/// Bytes of a front that lies with its merchant; three in four do. A longer one lies elsewhere.
const FRONT_BYTES: usize = 160;

/// Pieces of an encoded merchant, which follow one another.
pub type Pieces<'a> = [&'a [u8]; 2];

/// A profile that is longer than [`Profile::MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be at most {} bytes when encoded", Profile::MAX_BYTES)]
pub struct ProfileTooLarge;

impl Profile {
    /// The most that a caller may give, in bytes. It also bounds a record so that the store can keep it inline.
    pub const MAX_BYTES: usize = 32_768;

    /// What a caller gave, all of it shown in lists, without what a commit adds.
    ///
    /// # Errors
    /// Where it is longer than [`Profile::MAX_BYTES`].
    pub fn new(given: &[u8]) -> Result<Self, ProfileTooLarge> {
        Self::of_parts(given, &[])
    }

    /// What a caller gave: what a list shows of it, and the rest.
    ///
    /// # Errors
    /// Where both together are longer than [`Profile::MAX_BYTES`].
    pub fn of_parts(basic: &[u8], rest: &[u8]) -> Result<Self, ProfileTooLarge> {
        if basic.len() + rest.len() > Self::MAX_BYTES {
            return Err(ProfileTooLarge);
        }
        let given_end = u32::try_from(rest.len()).map_err(|_| ProfileTooLarge)?;
        Ok(Self { front: basic.into(), back: rest.into(), name_end: 0, given_end })
    }

    /// What the caller gave, as of a version of a name and with what a commit decided. Both are a few hundred bytes at
    /// most.
    #[must_use]
    pub fn committed(&self, name: &[u8], decided: &[u8]) -> Self {
        let [basic, rest] = self.given();
        let mut front = SmallVec::with_capacity(name.len() + basic.len());
        front.extend_from_slice(name);
        front.extend_from_slice(basic);
        let name_end = u32::try_from(name.len()).unwrap_or_default();
        Self { front, back: [rest, decided].concat().into(), name_end, given_end: self.given_end }
    }

    /// All of it in its four parts: the name, what a list shows, the rest, and what the commit decided.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 4] {
        let (name, basic) = self.front.split_at_checked(self.name_end as usize).unwrap_or_default();
        let (rest, decided) = self.back.split_at_checked(self.given_end as usize).unwrap_or_default();
        [name, basic, rest, decided]
    }

    /// What [`Self::parts`] came from.
    ///
    /// # Errors
    /// Where the caller's parts are longer than [`Profile::MAX_BYTES`].
    pub fn from_parts([name, basic, rest, decided]: [&[u8]; 4]) -> Result<Self, ProfileTooLarge> {
        if basic.len() + rest.len() > Self::MAX_BYTES {
            return Err(ProfileTooLarge);
        }
        let mut front = SmallVec::with_capacity(name.len() + basic.len());
        front.extend_from_slice(name);
        front.extend_from_slice(basic);
        let end = |part: &[u8]| u32::try_from(part.len()).map_err(|_| ProfileTooLarge);
        let mut back = Vec::with_capacity(rest.len() + decided.len());
        back.extend_from_slice(rest);
        back.extend_from_slice(decided);
        Ok(Self { name_end: end(name)?, given_end: end(rest)?, front, back: back.into() })
    }

    /// What the caller gave.
    #[must_use]
    pub fn given(&self) -> Pieces<'_> {
        [
            self.front.get(self.name_end as usize..).unwrap_or_default(),
            self.back.get(..self.given_end as usize).unwrap_or_default(),
        ]
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> Pieces<'_> {
        [self.front.get(..self.name_end as usize).unwrap_or_default(), &[]]
    }

    /// The name and what a list shows.
    #[must_use]
    pub fn basic(&self) -> Pieces<'_> {
        [&self.front, &[]]
    }

    /// How many bytes all of it has.
    #[must_use]
    pub fn full_len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// All of it.
    #[must_use]
    pub fn full(&self) -> Pieces<'_> {
        [&self.front, &self.back]
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} bytes)", self.full_len())
    }
}

/// A merchant as a caller puts it.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct Merchant {
    /// All that callers receive.
    pub profile: Profile,
    /// Who it is.
    pub id: MerchantId,
    /// Where it is, in the datum it was given in.
    pub position: AnyPosition,
    /// Whether searches find it.
    pub visibility: Visibility,
    /// What searches can filter by.
    pub terms: Terms,
    /// When it is open; `None` where nobody knows.
    pub hours: Option<Arc<Hours>>,
}

/// One version of a merchant as it was committed. Never changed afterwards.
///
/// It begins with what lists show: an answer then fetches few cache lines of each merchant. Beginning at a line itself made
/// lists no faster, and cost 120 bytes a merchant.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct StoredMerchant {
    /// What the caller put.
    pub merchant: Merchant,
    /// The revision of the change that made this version.
    pub revision: Revision,
    /// The revision of the change that put the merchant where it is: it has been at this distance of everything since.
    pub placed: Revision,
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
    fn a_profile_comes_apart_where_it_was_put_together() {
        let given = Profile::of_parts(b"basic", b"rest").unwrap();
        assert_eq!((given.name().concat(), given.full().concat()), (b"".to_vec(), b"basicrest".to_vec()));
        let first = given.committed(b"name", b"first");
        // A version that was made of another: what that commit decided is gone.
        let second = first.committed(b"other", b"second");
        assert_eq!(second.name().concat(), b"other");
        assert_eq!(second.basic().concat(), b"otherbasic");
        assert_eq!(second.given().concat(), b"basicrest");
        assert_eq!(second.full().concat(), b"otherbasicrestsecond");
        assert_eq!(second.parts(), [b"other".as_slice(), b"basic", b"rest", b"second"]);
        assert_eq!(Profile::from_parts(second.parts()), Ok(second));
    }

    #[test]
    fn a_profile_is_bounded() {
        assert!(Profile::new(&vec![0; Profile::MAX_BYTES]).is_ok());
        assert_eq!(Profile::of_parts(&[0; Profile::MAX_BYTES], &[0]), Err(ProfileTooLarge));
        assert_eq!(Profile::from_parts([b"", &[0; Profile::MAX_BYTES], &[0], b""]), Err(ProfileTooLarge));
    }
}
