//! Merchants in files: CSV, NDJSON and GeoJSON, plain or compressed with gzip or zstd.
//!
//! | module | what it is |
//! |---|---|
//! | `input` | opens a file, whatever its form and compression |
//! | `csv`, `ndjson`, `geojson` | one reader each: rows, good or bad |
//! | `columns` | a merchant from named columns |
//! | `hours`, `time_zone` | OpenStreetMap's opening hours; five spellings of a zone |
//! | `output` | the same three forms, written |

mod columns;
mod csv;
mod geojson;
mod ndjson;
mod osm_hours;
mod reader;
mod time_zone;
mod writer;
mod zstd;

use clap::ValueEnum;
use nearby_proto::v1 as wire;

pub(crate) use self::{
    reader::{Input, Position},
    writer::Writer,
};
use crate::{error::Violation, reason::Reason};

/// Form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One nearby.v1.Merchant a line, in protobuf's JSON.
    Ndjson,
    /// A GeoJSON FeatureCollection of points (RFC 7946, so always WGS-84).
    Geojson,
}

impl FileFormat {
    /// The form that a file's name tells, under a compression or not.
    #[must_use]
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "geojson" => Some(Self::Geojson),
            _ => None,
        }
    }
}

/// The datum of positions that do not name one themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatumArg {
    /// WGS-84: GPS, OpenStreetMap.
    #[value(aliases = ["wgs-84", "epsg:4326"])]
    Wgs84,
    /// GCJ-02: AMap, Tencent, wx.chooseLocation.
    #[value(alias = "gcj-02")]
    Gcj02,
    /// BD-09: Baidu.
    #[value(aliases = ["bd-09", "bd09ll"])]
    Bd09,
}

impl From<DatumArg> for wire::CoordinateSystem {
    fn from(datum: DatumArg) -> Self {
        match datum {
            DatumArg::Wgs84 => Self::Wgs84,
            DatumArg::Gcj02 => Self::Gcj02,
            DatumArg::Bd09 => Self::Bd09,
        }
    }
}

/// One row of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// Line that it starts on, from 1; the number of the feature in GeoJSON.
    pub(crate) number: u64,
    /// As it stands in the file, for the file of rejected rows.
    pub(crate) source: String,
    /// The merchant, or why there is none.
    pub(crate) merchant: Result<wire::Merchant, Violation>,
    /// What could not be kept of a good row, as words that are counted.
    pub(crate) warnings: Vec<&'static str>,
}

fn violation(field: &str, reason: Reason, description: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), reason, description: description.into() }
}

#[cfg(test)]
mod tests;
