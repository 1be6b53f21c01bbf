//! Properties of a feature, as cells of a row.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::formats::field::{Cell, Field};

/// The members of an object, in order, with the text of their values: a parsed number would lose digits of long ids.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Names and content of columns, and the names of properties that no cell can hold.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) headers: Vec<String>,
    pub(super) cells: Vec<Cell<'a>>,
    pub(super) not_converted: Vec<String>,
}

impl<'a> Columns<'a> {
    pub(super) fn push(&mut self, header: impl Into<String>, cell: Cell<'a>) {
        self.headers.push(header.into());
        self.cells.push(cell);
    }

    /// Adds a property. The members of an `address` are columns, and those of maps entries of a list.
    pub(super) fn push_property(&mut self, name: &str, value: &'a RawValue) {
        if Field::of_header(name) == Some(Field::Address)
            && let Ok(Members(members)) = serde_json::from_str::<Members<'a>>(value.get())
        {
            for (key, value) in &members {
                let header = address_column(key).map_or_else(|| format!("{name}.{key}"), str::to_owned);
                self.push_value(header, value);
            }
        } else if matches!(Field::of_header(name), Some(Field::Attributes | Field::LocalizedNames))
            && let Ok(Members(members)) = serde_json::from_str::<Members<'a>>(value.get())
        {
            let entry = |(key, value): &(String, &RawValue)| Some(format!("{key}={}", text(value)?));
            match members.iter().map(entry).collect::<Option<Vec<_>>>() {
                Some(elements) => self.push(name, Cell::List { text: elements.join("; "), elements }),
                None => self.not_converted.push(name.to_owned()),
            }
        } else {
            self.push_value(name.to_owned(), value);
        }
    }

    fn push_value(&mut self, header: String, value: &'a RawValue) {
        match cell(value) {
            Some(cell) => self.push(header, cell),
            None => self.not_converted.push(header),
        }
    }
}

/// Returns the column of a member of an address.
fn address_column(key: &str) -> Option<&'static str> {
    let field = match key.to_ascii_lowercase().as_str() {
        "street" | "line1" | "full" => Field::Address,
        "region" => Field::Region,
        _ => Field::of_header(key)?,
    };
    field.of_merchant().starts_with("address.").then(|| field.name())
}

/// Converts a value; `None` for an object, or an array of other values than texts and numbers.
fn cell(value: &RawValue) -> Option<Cell<'_>> {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        let texts: Vec<String> =
            elements.into_iter().map(|element| text(element).map(Cow::into_owned)).collect::<Option<_>>()?;
        return Some(Cell::List { text: texts.join("; "), elements: texts });
    }
    text(value).map(Cell::Text)
}

/// Returns the text of a scalar, with all digits of a number.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok().map(Cow::Owned),
        b'{' | b'[' => None,
        b'n' => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(json)),
    }
}
