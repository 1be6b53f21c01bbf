//! Reads GeoJSON features: a collection, an array, one value per line, a sequence as in RFC 8142, or a single feature. Their properties
//! are a merchant in protobuf JSON, as `nearby export` writes it, or else have the names of the columns of a CSV file.

mod crs;
mod feature;
mod outline;
mod properties;
mod scan;
mod service_area;
mod values;

pub(crate) use self::service_area::polygons;

use std::io;

use self::{
    feature::Converter,
    values::{Value, Values},
};
use super::{
    Row,
    mapping::Mapping,
    rows::{IgnoredNames, violation},
    text::{Bytes, invalid},
};
use crate::reason;

/// The rows of a GeoJSON file.
pub(super) struct GeojsonRows {
    values: Values,
    first: Option<Value>,
    number: u64,
    converter: Converter,
    is_failed: bool,
}

impl GeojsonRows {
    /// Reads a file, of which `again` yields the same bytes: the coordinate system can follow the features that it applies to.
    pub(super) fn open(
        text: Bytes,
        again: Bytes,
        mappings: Vec<Mapping>,
        ignored: IgnoredNames,
    ) -> io::Result<Self> {
        check_coordinate_system(text)?;
        let mut values = Values::new(again);
        let first = values.next()?;
        if first.is_none() && !values.has_collection {
            return Err(invalid("is empty: must contain a GeoJSON FeatureCollection or Feature".to_owned()));
        }
        let converter = Converter::new(mappings, ignored);
        Ok(Self { values, first, number: 0, converter, is_failed: false })
    }
}

impl Iterator for GeojsonRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_failed {
            return None;
        }
        let value = match self.first.take().map_or_else(|| self.values.next(), |first| Ok(Some(first))) {
            Ok(value) => value?,
            Err(error) => {
                self.is_failed = true;
                return Some(Err(error));
            }
        };
        self.number += 1;
        Some(Ok(match value {
            Value::Complete(source) => self.converter.row(self.number, source),
            Value::TooLong => Row::too_long(self.number),
            // Without its bytes, of which nothing can be corrected: in a file of rejected rows, they would end its array of features.
            Value::Unopened => {
                let description =
                    "is a closing bracket or brace without an opening one; check the values before it";
                Row::new(self.number, Vec::new(), Err(violation("", reason::NOT_A_FEATURE, description)))
            }
        }))
    }
}

/// Rejects a file in another coordinate system than WGS-84. Damage of the file is reported when its features are read.
fn check_coordinate_system(text: Bytes) -> io::Result<()> {
    let mut values = Values::new(text);
    while let Ok(Some(_)) = values.next() {}
    match values.crs.as_deref().and_then(crs::foreign_crs) {
        Some(name) => Err(invalid(format!(
            "has the coordinate system {name}, but positions must be WGS-84: convert it, for example with `ogr2ogr -t_srs \
             EPSG:4326`"
        ))),
        None => Ok(()),
    }
}
