//! Splits a stream of JSON into the values that may be features: the elements of `features` of a collection or of an array, or whole
//! values (one per line, or as in RFC 8142).
//!
//! A value whose content is not JSON is still one value, so that a broken feature
//! costs one feature, as long as its quotes and braces balance.

use std::io;

use super::{
    crs::foreign_crs,
    scan::{Input, Kept, unbalanced},
};
use crate::formats::text::{Bytes, invalid};

/// The position in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between values.
    Top,
    /// Within an array of features that is a value of its own.
    Array,
    /// Within `features` of a collection.
    Features,
    /// Within a collection, after `features`.
    AfterFeatures,
}

/// A value of the stream.
pub(super) enum Value {
    Complete(Vec<u8>),
    /// A value of more than [`MAX_ROW_BYTES`](crate::formats::rows::MAX_ROW_BYTES), which has been skipped.
    TooLong,
    /// A closing bracket or brace without an opening one.
    Unopened,
}

/// A member of an object.
enum Member {
    /// An array `features`, of which only the opening bracket has been read.
    Features,
    /// Another value of `features`, which has not been read.
    OtherFeatures,
    /// A value of `crs`.
    CoordinateSystem(Vec<u8>),
    Other,
}

/// Splits a stream into values.
pub(super) struct Values {
    bytes: Input,
    place: Place,
    /// True once an array or a collection has begun, which may be empty.
    pub(super) has_collection: bool,
    /// The member `crs` of collections.
    pub(super) crs: Option<Vec<u8>>,
}

impl Values {
    pub(super) fn new(source: Bytes) -> Self {
        let bytes = Input::new(source);
        Self { bytes, place: Place::Top, has_collection: false, crs: None }
    }

    /// Returns the next value; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            let next = self.bytes.skip_space()?;
            let begin = self.bytes.offset();
            match (self.place, next) {
                (Place::Top, None) => return Ok(None),
                (Place::Top, Some(b'{')) => {
                    if let Some(value) = self.object()? {
                        return Ok(Some(value));
                    }
                }
                (Place::Top, Some(b'[')) => self.enter(Place::Array),
                (Place::Array, Some(b']')) => self.enter(Place::Top),
                (Place::Features, Some(b']')) => self.enter(Place::AfterFeatures),
                (Place::AfterFeatures, Some(b'}')) => self.enter(Place::Top),
                // Values that are not read would be lost: a second array of features is read, and everything else between members,
                // such as features after a bracket too many, is an error.
                (Place::AfterFeatures, Some(byte)) => {
                    let is_key = byte == b'"';
                    match is_key.then(|| self.member(&mut Kept::default(), begin)).transpose()? {
                        Some(Member::Features) => self.place = Place::Features,
                        Some(Member::CoordinateSystem(crs)) => self.set_crs(crs),
                        Some(Member::Other) => {}
                        Some(Member::OtherFeatures) | None => return Err(no_member(begin)),
                    }
                }
                (_, Some(b']' | b'}')) => {
                    self.bytes.advance(1);
                    return Ok(Some(Value::Unopened));
                }
                (_, Some(_)) => {
                    let mut kept = Kept::default();
                    self.bytes.value(&mut kept, begin)?;
                    return Ok(Some(value_of(kept)));
                }
                (_, None) => {
                    return Err(invalid(format!(
                        "byte {begin}: the file ends within a collection of features"
                    )));
                }
            }
        }
    }

    /// Consumes the bracket or brace that leads to a place.
    fn enter(&mut self, place: Place) {
        self.bytes.advance(1);
        self.place = place;
        self.has_collection = true;
    }

    /// Reads an object up to its `features`, or as a value if it has none.
    fn object(&mut self) -> io::Result<Option<Value>> {
        let begin = self.bytes.offset();
        let (mut kept, mut coordinate_systems) = (Kept::default(), Vec::new());
        kept.push(b"{");
        self.bytes.advance(1);
        loop {
            let is_collection = match self.bytes.skip_space_into(&mut kept)? {
                Some(b'}') => {
                    self.bytes.advance(1);
                    kept.push(b"}");
                    return Ok(Some(value_of(kept)));
                }
                Some(b'"') => match self.member(&mut kept, begin)? {
                    Member::Features => {
                        self.place = Place::Features;
                        self.has_collection = true;
                        coordinate_systems.into_iter().for_each(|crs| self.set_crs(crs));
                        return Ok(None);
                    }
                    Member::OtherFeatures => false,
                    // That of a single feature concerns only this one.
                    Member::CoordinateSystem(crs) => {
                        coordinate_systems.push(crs);
                        true
                    }
                    Member::Other => true,
                },
                // Not JSON. The end of the object is still found.
                Some(_) => false,
                None => return Err(unbalanced(begin)),
            };
            if !is_collection {
                self.bytes.rest_of_object(&mut kept, begin)?;
                return Ok(Some(value_of(kept)));
            }
        }
    }

    /// Reads a member of an object, except features.
    fn member(&mut self, kept: &mut Kept, begin: u64) -> io::Result<Member> {
        let mut key = Kept::default();
        self.bytes.value(&mut key, begin)?;
        kept.push_part(&key);
        if self.bytes.skip_space_into(kept)? == Some(b':') {
            self.bytes.advance(1);
            kept.push(b":");
        } else {
            return Ok(Member::Other);
        }
        let next = self.bytes.skip_space_into(kept)?;
        if is_string(&key.bytes, "features") {
            if next != Some(b'[') {
                return Ok(Member::OtherFeatures);
            }
            self.bytes.advance(1);
            return Ok(Member::Features);
        }
        // A bracket or brace closes what is around the member.
        if !matches!(next, Some(b'}' | b']') | None) {
            let mut value = Kept::default();
            self.bytes.value(&mut value, begin)?;
            kept.push_part(&value);
            if is_string(&key.bytes, "crs") {
                return Ok(Member::CoordinateSystem(value.bytes));
            }
        }
        Ok(Member::Other)
    }

    /// Records the coordinate system of a collection. Of several in one file, the first that is not WGS-84 decides.
    fn set_crs(&mut self, crs: Vec<u8>) {
        if self.crs.as_deref().and_then(foreign_crs).is_none() {
            self.crs = Some(crs);
        }
    }
}

fn value_of(kept: Kept) -> Value {
    if kept.is_too_long { Value::TooLong } else { Value::Complete(kept.bytes) }
}

/// Returns whether a JSON string, which may contain escapes, is a text.
fn is_string(json: &[u8], text: &str) -> bool {
    let is_plain =
        json.strip_prefix(b"\"").and_then(|json| json.strip_suffix(b"\"")) == Some(text.as_bytes());
    is_plain || json.contains(&b'\\') && serde_json::from_slice::<String>(json).is_ok_and(|json| json == text)
}

fn no_member(offset: u64) -> io::Error {
    invalid(format!(
        "byte {offset}: must be another member of the collection, or its end: check for a bracket too many before it, and that \
         features is an array"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::formats::rows::MAX_ROW_BYTES;

    struct Short(Cursor<Vec<u8>>, usize);

    impl Read for Short {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn split(text: &str) -> (Vec<String>, Option<String>, Option<String>) {
        let mut results = [1, 1 << 20].map(|bytes_per_read| {
            let mut values =
                Values::new(Box::new(Short(Cursor::new(text.as_bytes().to_vec()), bytes_per_read)));
            let (mut found, mut error) = (Vec::new(), None);
            loop {
                match values.next() {
                    Ok(None) => break,
                    Ok(Some(Value::Complete(bytes))) => found.push(String::from_utf8(bytes).unwrap()),
                    Ok(Some(Value::TooLong)) => found.push("too long".to_owned()),
                    Ok(Some(Value::Unopened)) => found.push("unopened".to_owned()),
                    Err(failed) => {
                        error = Some(failed.to_string());
                        break;
                    }
                }
            }
            (found, error, values.crs.map(|crs| String::from_utf8(crs).unwrap()))
        });
        assert_eq!(results[0], results[1], "however the bytes arrive");
        std::mem::take(&mut results[0])
    }

    #[test]
    fn features_are_found_in_every_form() {
        for text in [
            r#"{"type":"FeatureCollection","features":[{"a":1}, {"b":"]}"}],"x":[{"c":2}]}"#,
            r#"{"features":[{"a":1},{"b":"]}"}]}"#,
            "[{\"a\":1},\n{\"b\":\"]}\"}]",
            "{\"a\":1}\n{\"b\":\"]}\"}\n",
            "\x1e{\"a\":1}\n\x1e{\"b\":\"]}\"}\n",
            "\u{feff}{\"a\":1}\r\n\u{feff}{\"b\":\"]}\"}",
            r#"{"type":"FeatureCollection","features":[{"a":1}]}{"features":[{"b":"]}"}]}"#,
            r#"{"features":[{"a":1}],"x":1,"features":[{"b":"]}"}]}"#,
            r#"{"features":[],"featur\u0065s":[{"a":1},{"b":"]}"}],"features":[ ]}"#,
        ] {
            let (found, error, _) = split(text);
            assert_eq!(
                (found, error),
                (vec!["{\"a\":1}".to_owned(), "{\"b\":\"]}\"}".to_owned()], None),
                "{text}"
            );
        }
    }

    #[test]
    fn a_value_keeps_its_bytes() {
        let feature = "{ \"type\" : \"Feature\" ,\r\n\t\"id\":[ 1, 2 ] , \"x\": { } }";
        assert_eq!(split(feature).0, [feature]);
        assert_eq!(split(&format!("[ {feature} , {feature} ]")).0, [feature, feature]);
    }

    #[test]
    fn a_broken_value_that_balances_is_one_value() {
        let (found, error, _) = split(r#"{"features":[{"a":NaN}, {"b" 1,}, 7, null, "x", {"c":"\"}"}]}"#);
        assert_eq!(found, ["{\"a\":NaN}", "{\"b\" 1,}", "7", "null", "\"x\"", "{\"c\":\"\\\"}\"}"]);
        assert_eq!(error, None);
        let (found, error, _) = split("{\"a\":1}\n{b:2}\n{\"c\":3}");
        assert_eq!((found, error), (["{\"a\":1}", "{b:2}", "{\"c\":3}"].map(str::to_owned).to_vec(), None));
    }

    #[test]
    fn nothing_between_values_is_dropped() {
        for (text, found, error) in [
            ("{\"a\":1}]}\n{\"b\":2}\n", &["{\"a\":1}", "unopened", "unopened", "{\"b\":2}"][..], None),
            ("{\"features\":[{\"a\":1},}{\"b\":2}]}", &["{\"a\":1}", "unopened", "{\"b\":2}"], None),
            ("，{\"a\":1}", &["，", "{\"a\":1}"], None),
            ("[\"x\",，\u{feff}，]", &["\"x\"", "，\u{feff}，"], None),
            (
                "{\"features\":[{\"a\":1}],{\"b\":2}]}",
                &["{\"a\":1}"],
                Some("byte 22: must be another member"),
            ),
            ("{\"features\":[{\"a\":1}]]}", &["{\"a\":1}"], Some("byte 21: must be another member")),
            ("{\"features\":[1],\"features\":{\"a\":1}}", &["1"], Some("byte 16: must be another member")),
            ("{\"features\":[1],\"x\":]}", &["1"], Some("byte 20: must be another member")),
            (
                "{\"features\":{\"a\":1},\"features\":[2]}",
                &["{\"features\":{\"a\":1},\"features\":[2]}"],
                None,
            ),
            ("{\"a\":]}", &[], Some("byte 0: the quotes, braces or brackets")),
        ] {
            let (values, failed, _) = split(text);
            assert_eq!(values, found, "{text}");
            match (error, failed) {
                (None, None) => {}
                (Some(said), Some(failed)) => assert!(failed.contains(said), "{text}: {failed}"),
                (_, failed) => panic!("{text}: {failed:?}"),
            }
        }
    }

    #[test]
    fn an_unbalanced_value_is_an_error_with_its_offset_and_those_before_it_are_kept() {
        for (text, offset) in [
            ("{\"features\":[{\"a\":1},{\"b\":\"x},{\"c\":1}]}", 21),
            ("{\"features\":[{\"a\":1},{\"b\":{},{\"c\":1}]}", 21),
            ("{\"a\":1}\n{\"b\":[", 8),
        ] {
            let (found, error, _) = split(text);
            assert_eq!(found.first().map(String::as_str), Some("{\"a\":1}"), "{text}");
            let error = error.unwrap();
            assert!(error.starts_with(&format!("byte {offset}: ")), "{text}: {error}");
        }
        let (found, error, _) = split(r#"{"features":[{"a":1}"#);
        assert!(found.len() == 1 && error.unwrap().contains("ends within"), "the collection does not end");
    }

    #[test]
    fn the_coordinate_system_is_found_before_and_after_the_features() {
        for text in
            [r#"{"crs":{"x":1},"features":[{"crs":3}]}"#, r#"{"features":[{"crs":3}], "crs" : {"x":1}}"#]
        {
            assert_eq!(split(text).2.as_deref(), Some("{\"x\":1}"), "{text}");
        }
        for text in [r#"{"features":[]}"#, "{\"crs\":{\"x\":1},\"type\":\"Feature\"}\n{\"crs\":3}"] {
            assert_eq!(split(text).2, None, "of no collection: {text}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_ROW_BYTES);
        for text in [
            format!("{{\"features\":[{{\"a\":\"{long}\"}},{{\"b\":1}}]}}"),
            format!("{{\"a\":\"{long}\"}}\n{{\"b\":1}}"),
            format!("{{\"{long}\":1}}\n{{\"b\":1}}"),
        ] {
            let mut values = Values::new(Box::new(Cursor::new(text.into_bytes())));
            assert!(matches!(values.next(), Ok(Some(Value::TooLong))));
            assert!(matches!(values.next(), Ok(Some(Value::Complete(bytes))) if bytes == b"{\"b\":1}"));
        }
    }
}
