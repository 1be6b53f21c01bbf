//! Fields of a merchant that a column or property can hold, and their names.

use std::borrow::Cow;

use crate::language::Language;

/// Declares the fields: the name that `--map` and an exported file use, and other names of columns.
macro_rules! fields {
    ($($field:ident $name:literal $($other:literal)*;)*) => {
        /// A field of a merchant that a column can hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($field),*
        }

        impl Field {
            pub(super) const ALL: &[Self] = &[$(Self::$field),*];

            /// Returns the name of the field.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name),*
                }
            }

            /// Returns the field that a column with this header holds.
            pub(super) fn of_header(header: &str) -> Option<Self> {
                Some(match header.trim().to_ascii_lowercase().as_str() {
                    $($name $(| $other)* => Self::$field,)*
                    _ => return None,
                })
            }
        }
    };
}

fields! {
    Id "id" "merchant_id";
    Name "name" "display_name";
    Brand "brand";
    Categories "categories" "category";
    Services "services";
    Latitude "lat" "latitude";
    Longitude "lon" "lng" "long" "longitude";
    Point "point" "latlon" "latlng" "lat_lon" "lat_lng" "lat,lon" "lat,lng" "coordinates" "wkt" "geometry" "geom" "the_geom";
    Datum "datum" "coordinate_system";
    Accuracy "accuracy_m";
    Address "address" "address_lines" "street_address";
    District "district" "sublocality";
    City "city" "locality";
    Region "state" "province" "administrative_area";
    PostalCode "postal_code" "postcode" "zip";
    Country "country" "region_code";
    Phone "phone";
    Website "website" "website_uri" "url";
    Hours "hours" "opening_hours";
    TimeZone "tz" "time_zone" "timezone";
    Visibility "visibility";
    AppId "app_id";
    AppPath "app_path";
    BusinessStatus "business_status";
    ReopeningDate "reopening_date";
    ValidFrom "valid_from";
    ValidUntil "valid_until";
    Attributes "attributes";
    LocalizedNames "localized_names";
    ServiceRadius "service_radius_m";
}

impl Field {
    pub(super) const COUNT: usize = Self::ALL.len();

    /// Returns the field of the contract that this one is a part of; an import replaces it in merchants that exist.
    pub(super) fn of_merchant(self) -> &'static str {
        match self {
            Self::Id => "name",
            Self::Name => "display_name",
            Self::Brand => "brand",
            Self::Categories => "categories",
            Self::Services => "services",
            Self::Latitude | Self::Longitude | Self::Point | Self::Datum | Self::Accuracy => "position",
            Self::Address => "address.address_lines",
            Self::District => "address.sublocality",
            Self::City => "address.locality",
            Self::Region => "address.administrative_area",
            Self::PostalCode => "address.postal_code",
            Self::Country => "address.region_code",
            Self::Phone => "phone",
            Self::Website => "website_uri",
            Self::Hours | Self::TimeZone => "opening_hours",
            Self::Visibility => "visibility",
            Self::AppId | Self::AppPath => "mini_program",
            Self::BusinessStatus => "business_status",
            Self::ReopeningDate => "reopening_date",
            Self::ValidFrom => "valid_from",
            Self::ValidUntil => "valid_until",
            Self::Attributes => "attributes",
            Self::LocalizedNames => "localized_names",
            Self::ServiceRadius => "service_area.radius_m",
        }
    }

    /// Returns the language of the name that a column with this header holds, such as `fi` for `name:fi` of OpenStreetMap, which also has
    /// `name:prefix` and others that are no languages.
    pub(super) fn language_of_header(header: &str) -> Option<&str> {
        let (name, tag) = header.trim().split_once(':')?;
        let language = tag.split(['-', '_']).next()?;
        let is_language = matches!(language.len(), 2 | 3) && Language::parse(tag).is_some();
        (name.eq_ignore_ascii_case("name") && is_language).then_some(tag)
    }

    /// Returns the field with a name of `--map`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::of_header(name)
    }
}

/// The content of a column or property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    /// The elements of a JSON array, and their text in a field that is no list.
    List {
        elements: Vec<String>,
        text: String,
    },
}

impl Cell<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::List { elements, .. } => elements.is_empty(),
        }
    }
}

/// The content of each field in a row.
#[derive(Debug)]
pub(super) struct Cells<'a>([Cell<'a>; Field::COUNT]);

impl Default for Cells<'_> {
    fn default() -> Self {
        Self([const { Cell::Text(Cow::Borrowed("")) }; Field::COUNT])
    }
}

impl<'a> Cells<'a> {
    /// Sets a field, unless a column before has set it.
    pub(super) fn set_if_empty(&mut self, field: Field, cell: Cell<'a>) {
        if let Some(current) = self.0.get_mut(field as usize)
            && current.is_empty()
        {
            *current = cell;
        }
    }

    /// Adds an element to a list.
    pub(super) fn push(&mut self, field: Field, element: String) {
        if let Some(current) = self.0.get_mut(field as usize) {
            if let Cell::Text(text) = current {
                *current = Cell::List { elements: split_list(text), text: String::new() };
            }
            if let Cell::List { elements, .. } = current {
                elements.push(element);
            }
        }
    }

    /// Returns the text of a field without white space around it.
    pub(super) fn text(&self, field: Field) -> &str {
        match self.0.get(field as usize) {
            Some(Cell::Text(text)) => text.trim(),
            Some(Cell::List { text, .. }) => text.trim(),
            None => "",
        }
    }

    /// Returns the elements of a list, which a text separates with semicolons.
    pub(super) fn list(&self, field: Field) -> Vec<String> {
        match self.0.get(field as usize) {
            Some(Cell::Text(text)) => split_list(text),
            Some(Cell::List { elements, .. }) => elements.clone(),
            None => Vec::new(),
        }
    }
}

/// Splits a list at its semicolons. An element contains a semicolon as `\;`, and a backslash before a semicolon or another backslash as
/// `\\`.
fn split_list(text: &str) -> Vec<String> {
    let mut elements = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, elements.last_mut()) {
            (';', _) => elements.push(String::new()),
            ('\\', Some(element)) => {
                element.push(chars.next_if(|next| matches!(next, ';' | '\\')).unwrap_or('\\'));
            }
            (c, Some(element)) => element.push(c),
            (_, None) => {}
        }
    }
    let trimmed = elements.iter().map(|element| element.trim());
    trimmed.filter(|element| !element.is_empty()).map(str::to_owned).collect()
}

/// Joins a list as [`split_list`] reads it.
pub(super) fn join_list(elements: &[String]) -> String {
    let escaped = elements.iter().map(|element| element.replace('\\', "\\\\").replace(';', "\\;"));
    escaped.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_are_written() {
        let list = |elements: &[&str]| elements.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>();
        assert_eq!(split_list(" a; b;;c\\d "), list(&["a", "b", "c\\d"]));
        for elements in [list(&["a;b", "cafe"]), list(&["\\", "\\;", "x\\\\"]), list(&[])] {
            assert_eq!(split_list(&join_list(&elements)), elements);
        }
    }
}
