//! Data of a merchant that few searches read, kept beside it.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock},
};

use crate::{Attributes, Hours, ServiceArea, UnixMicros, Validity, interner::Interner};

/// Interned details that consist of hours alone.
static HOURS_ALONE: LazyLock<Interner<Details>> = LazyLock::new(Interner::new);

/// Data of a merchant that few searches read. A merchant has at most one pointer to it: `StoredMerchant` fills
/// its allocation exactly, and one more pointer would cost 64 bytes per merchant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Opening hours; `None` if unknown.
    pub hours: Option<Arc<Hours>>,
    /// Numeric attributes.
    pub attributes: Attributes,
    /// Time during which searches may return the merchant.
    pub validity: Validity,
    /// Time until which the merchant is closed whatever its hours; the maximum if it is not known when it opens
    /// again.
    pub closed_until: Option<UnixMicros>,
    /// The area that the merchant serves, if it states one.
    pub service_area: Option<Arc<ServiceArea>>,
}

impl Details {
    /// Returns the details as a merchant keeps them: `None` if they are empty. Hours are interned, and so are
    /// details of nothing but hours, which many merchants share.
    #[must_use]
    pub fn shared(self) -> Option<Arc<Self>> {
        if self == Self::default() {
            return None;
        }
        Some(if self.is_hours_alone() { HOURS_ALONE.intern(Arc::new(self)) } else { Arc::new(self) })
    }

    /// Returns whether the details consist of hours, or of nothing.
    #[must_use]
    pub fn is_hours_alone(&self) -> bool {
        *self == Self { hours: self.hours.clone(), ..Self::default() }
    }
}

/// No number among them is NaN.
impl Eq for Details {}

/// Hashes the hours, by which interned details differ.
impl Hash for Details {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hours.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExpressionHours;

    fn hours(text: &str) -> Arc<Hours> {
        Hours::Expression(ExpressionHours::new("Asia/Tokyo", text, None, None)).interned()
    }

    #[test]
    fn merchants_with_equal_hours_share_their_details() {
        let of = |text| Details { hours: Some(hours(text)), ..Details::default() }.shared().unwrap();
        assert!(Arc::ptr_eq(&of("Mo"), &of("Mo")));
        assert!(!Arc::ptr_eq(&of("Mo"), &of("Tu")));
        assert_eq!(Details::default().shared(), None);
    }
}
