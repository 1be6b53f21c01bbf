//! `google.protobuf.FieldMask` with the canonical JSON mapping, which the crate of the other well-known types lacks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of field paths in `snake_case`. In JSON, one text of paths in `lowerCamelCase` that are separated by commas.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// The paths.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let paths: Vec<String> = self.paths.iter().map(|path| lower_camel_case(path)).collect();
        serializer.serialize_str(&paths.join(","))
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    /// Also accepts paths in `snake_case`, as parsers of field names do.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let paths = text.split(',').map(str::trim).filter(|path| !path.is_empty());
        Ok(Self { paths: paths.map(snake_case).collect() })
    }
}

fn lower_camel_case(path: &str) -> String {
    let mut is_upper = false;
    let mut written = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '_' => is_upper = true,
            letter if is_upper => {
                is_upper = false;
                written.push(letter.to_ascii_uppercase());
            }
            letter => written.push(letter),
        }
    }
    written
}

fn snake_case(path: &str) -> String {
    let mut written = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            written.push('_');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_one_text_in_json() {
        let paths = ["opening_hours.time_zone", "phone", "labels"].map(str::to_owned).to_vec();
        let mask = FieldMask { paths };
        let text = serde_json::to_string(&mask).unwrap();
        assert_eq!(text, "\"openingHours.timeZone,phone,labels\"");
        assert_eq!(serde_json::from_str::<FieldMask>(&text).unwrap(), mask);
        let snake = "\"opening_hours.time_zone, phone,labels\"";
        assert_eq!(serde_json::from_str::<FieldMask>(snake).unwrap(), mask);
        assert_eq!(serde_json::from_str::<FieldMask>("\"\"").unwrap(), FieldMask::default());
        assert_eq!(serde_json::from_str::<FieldMask>("\"*\"").unwrap().paths, ["*"]);
    }
}
