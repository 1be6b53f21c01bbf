//! Merchants as the index keeps them: id, position, visibility, filter terms, details such as opening hours,
//! and an opaque encoded profile.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;
use thiserror::Error;

use crate::{
    AnyPosition, Details, Hours, Revision, ServiceArea, Term, TermKind, Terms, UnixMicros, Validity,
};

/// A merchant id: 1 to 128 bytes of UTF-8 without `/`, control characters, or leading or trailing white
/// space.
///
/// Ordered bytewise; the order breaks ties between equal distances. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MerchantId(Arc<str>);

/// The reason a string is not a valid [`MerchantId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MerchantIdError {
    /// The string is empty.
    #[error("must not be empty")]
    Empty,
    /// The string is longer than 128 bytes.
    #[error("must be at most {} bytes", MerchantId::MAX_BYTES)]
    TooLong,
    /// The string contains `/`, which separates the segments of a resource name.
    #[error("must not contain '/'")]
    Slash,
    /// The string contains a control character, such as a line break.
    #[error("must not contain control characters")]
    Control,
    /// The string starts or ends with white space.
    #[error("must not begin or end with white space")]
    OuterSpace,
}

impl MerchantId {
    /// Maximum length of an id in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Parses an id.
    ///
    /// # Errors
    /// If the string violates the rules of [`MerchantId`].
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

    /// Returns the id as a string slice.
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

/// Visibility of a merchant to searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Searches find the merchant.
    Visible,
    /// The merchant is stored and can be read by id, but searches find it only if their filter includes
    /// hidden merchants (`VisibilityFilter`).
    Hidden,
}

/// A merchant in its encoded response form. Opaque to the index and the store, except for the boundaries of
/// its five parts, which allow responses to be assembled by copying:
///
/// ```text
/// | name | basic view | output-only fields | rest | internal fields |
/// |      |   given    |                    |         given          |
/// |       front       |                    back                     |
/// ```
///
/// The front is stored inline in the merchant: a list of twenty touches twenty locations in memory, not
/// forty. The internal fields are last, so that the full view without them consists of two slices as well.
#[derive(Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Profile {
    /// End of the name in `front`; fields given by the client follow.
    name_end: u16,
    /// End of the output-only fields in `back`; fields given by the client follow.
    decided_end: u16,
    /// Length of the internal fields, at the end of `back`.
    internal_bytes: u16,
    front: SmallVec<[u8; FRONT_BYTES]>,
    back: Arc<[u8]>,
}

/// Inline capacity of `front`; three in four merchants fit. Longer ones are heap-allocated.
const FRONT_BYTES: usize = 160;

/// Consecutive slices of an encoded merchant.
pub type Pieces<'a> = [&'a [u8]; 2];

/// The error for a profile that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be at most {} bytes when encoded", Profile::MAX_GIVEN_BYTES)]
pub struct ProfileTooLarge;

impl Profile {
    /// Maximum size in bytes of the part given by the client, which its encoder checks.
    pub const MAX_GIVEN_BYTES: usize = 32_768;
    /// Maximum size in bytes of that part with a review, which is no part of what the client gives: a merchant that has reached the
    /// limit can be rejected. Bounds the size of a record, so that the store keeps it inline.
    pub const MAX_BYTES: usize = Self::MAX_GIVEN_BYTES + 512;

    /// Creates a profile from the part given by the client, all of it in the basic view, without name and
    /// output-only fields.
    ///
    /// # Errors
    /// If it is longer than [`Profile::MAX_BYTES`].
    pub fn new(given: &[u8]) -> Result<Self, ProfileTooLarge> {
        Self::of_parts(given, &[], &[])
    }

    /// Creates a profile from the part given by the client: the fields of the basic view, the fields that all
    /// clients may see beside them, and the internal ones.
    ///
    /// # Errors
    /// If all together are longer than [`Profile::MAX_BYTES`].
    pub fn of_parts(basic: &[u8], rest: &[u8], internal: &[u8]) -> Result<Self, ProfileTooLarge> {
        Self::from_parts([&[], basic, &[], rest, internal])
    }

    /// Returns the committed profile: the client's part with a name and output-only fields, each a few
    /// hundred bytes at most.
    #[must_use]
    pub fn committed(&self, name: &[u8], decided: &[u8]) -> Self {
        let [_, basic, _, rest, internal] = self.parts();
        // The lengths of the client's part have been checked.
        Self::from_parts([name, basic, decided, rest, internal]).unwrap_or_else(|_| self.clone())
    }

    /// Returns the five parts: name, basic view, output-only fields, rest, internal fields.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 5] {
        let (name, basic) = self.front.split_at_checked(self.name_end.into()).unwrap_or_default();
        let (decided, given) = self.back.split_at_checked(self.decided_end.into()).unwrap_or_default();
        let rest_bytes = given.len().saturating_sub(self.internal_bytes.into());
        let (rest, internal) = given.split_at_checked(rest_bytes).unwrap_or_default();
        [name, basic, decided, rest, internal]
    }

    /// Reassembles a profile from the result of [`Self::parts`].
    ///
    /// # Errors
    /// If basic view, rest and internal fields are longer than [`Profile::MAX_BYTES`].
    pub fn from_parts([name, basic, decided, rest, internal]: [&[u8]; 5]) -> Result<Self, ProfileTooLarge> {
        if basic.len() + rest.len() + internal.len() > Self::MAX_BYTES {
            return Err(ProfileTooLarge);
        }
        let length = |part: &[u8]| u16::try_from(part.len()).map_err(|_| ProfileTooLarge);
        let mut front = SmallVec::with_capacity(name.len() + basic.len());
        front.extend_from_slice(name);
        front.extend_from_slice(basic);
        Ok(Self {
            name_end: length(name)?,
            decided_end: length(decided)?,
            internal_bytes: length(internal)?,
            front,
            back: [decided, rest, internal].concat().into(),
        })
    }

    /// Returns the part given by the client.
    #[must_use]
    pub fn given(&self) -> Pieces<'_> {
        [
            self.front.get(self.name_end.into()..).unwrap_or_default(),
            self.back.get(self.decided_end.into()..).unwrap_or_default(),
        ]
    }

    /// Returns the name only.
    #[must_use]
    pub fn name(&self) -> Pieces<'_> {
        [self.front.get(..self.name_end.into()).unwrap_or_default(), &[]]
    }

    /// Returns the name and the basic view.
    #[must_use]
    pub fn basic(&self) -> Pieces<'_> {
        [&self.front, &[]]
    }

    /// Returns all but the internal fields.
    #[must_use]
    pub fn public(&self) -> Pieces<'_> {
        let end = self.back.len().saturating_sub(self.internal_bytes.into());
        [&self.front, self.back.get(..end).unwrap_or_default()]
    }

    /// Returns the length of the full encoding in bytes.
    #[must_use]
    pub fn full_len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// Returns the full encoding.
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

/// Passes each name of the merchant with this profile to its argument. The index, to which a profile is opaque, reads the names
/// that searches by text find with it, and keeps none of them.
pub type NamesOf = fn(&Profile, &mut dyn FnMut(&str));

/// A merchant as a client writes it.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct Merchant {
    /// Encoded response form.
    pub profile: Profile,
    /// Identity, unique in the index.
    pub id: MerchantId,
    /// Position in the datum in which it was given.
    pub position: AnyPosition,
    /// Visibility to searches.
    pub visibility: Visibility,
    /// Terms that searches can filter by.
    pub terms: Terms,
    /// Opening hours and other data that few searches read; `None` if there are none.
    pub details: Option<Arc<Details>>,
}

impl Merchant {
    /// Returns the opening hours; `None` if unknown.
    #[must_use]
    pub fn hours(&self) -> Option<&Arc<Hours>> {
        self.details.as_ref()?.hours.as_ref()
    }

    /// Returns the area that the merchant serves, if it states one.
    #[must_use]
    pub fn service_area(&self) -> Option<&ServiceArea> {
        self.details.as_ref()?.service_area.as_deref()
    }

    /// Returns the time during which searches may return the merchant; `None` if it is unlimited.
    #[must_use]
    pub fn limited_validity(&self) -> Option<Validity> {
        let validity = self.details.as_ref()?.validity;
        (!validity.is_unlimited()).then_some(validity)
    }
}

impl Merchant {
    /// Returns the hashes under which nodes know the merchant, with duplicates: those of its terms, of ancestors of
    /// its categories, and of its attributes.
    pub(crate) fn indexed_hashes(&self) -> impl Iterator<Item = u64> {
        let attributes = self.details.iter().flat_map(|details| details.attributes.iter());
        let attributes = attributes.map(|(key, _)| Term::new(TermKind::Attribute, key).hash());
        self.terms.indexed().map(|term| term.hash).chain(attributes)
    }
}

/// One committed version of a merchant. Immutable.
///
/// The fields of the basic view come first, so that a response touches few cache lines per merchant. Aligning
/// the struct to a cache line did not make lists faster, and cost 120 bytes per merchant.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct StoredMerchant {
    /// The merchant as written.
    pub merchant: Merchant,
    /// Revision of the change that created this version.
    pub revision: Revision,
    /// Revision of the change that last moved the merchant: its distance from any point is unchanged since.
    pub position_revision: Revision,
    /// Time at which the merchant was first stored.
    pub create_time: UnixMicros,
    /// Time at which this version was created.
    pub update_time: UnixMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_world_ids_are_valid() {
        for id in ["fhrs:833717", "us:buc-ees:#57", "us:whataburger:Welcome to Whataburger", "老王面馆", "a"]
        {
            assert_eq!(MerchantId::parse(id).map(|id| id.to_string()), Ok(id.to_owned()));
        }
    }

    #[test]
    fn invalid_ids_report_the_reason() {
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
    fn profile_parts_round_trip() {
        let given = Profile::of_parts(b"basic", b"rest", b"internal").unwrap();
        assert_eq!(
            (given.name().concat(), given.full().concat()),
            (b"".to_vec(), b"basicrestinternal".to_vec())
        );
        let first = given.committed(b"name", b"first");
        // Recommitting replaces the name and the output-only fields of the earlier commit.
        let second = first.committed(b"other", b"second");
        assert_eq!(second.name().concat(), b"other");
        assert_eq!(second.basic().concat(), b"otherbasic");
        assert_eq!(second.given().concat(), b"basicrestinternal");
        assert_eq!(second.full().concat(), b"otherbasicsecondrestinternal");
        assert_eq!(second.public().concat(), b"otherbasicsecondrest");
        assert_eq!(second.parts(), [b"other".as_slice(), b"basic", b"second", b"rest", b"internal"]);
        assert_eq!(Profile::from_parts(second.parts()), Ok(second));
    }

    #[test]
    fn profile_size_is_bounded() {
        assert!(Profile::new(&vec![0; Profile::MAX_BYTES]).is_ok());
        assert_eq!(Profile::of_parts(&[0; Profile::MAX_BYTES], &[], &[0]), Err(ProfileTooLarge));
        assert_eq!(
            Profile::from_parts([b"", &[0; Profile::MAX_BYTES], b"", &[0], b""]),
            Err(ProfileTooLarge)
        );
    }
}
