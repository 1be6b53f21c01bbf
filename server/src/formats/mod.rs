//! File formats of merchants: CSV, NDJSON and GeoJSON, plain or compressed with gzip or zstd.
//!
//! | module | contents |
//! |---|---|
//! | `reader` | opens a file of any format and compression |
//! | `csv`, `ndjson`, `geojson` | the reader of each format |
//! | `rows` | rows, which the readers yield: a merchant, or the reason why there is none |
//! | `columns` | converts named columns to a merchant |
//! | `hours` | converts the text and time zone of opening hours |
//! | `osm_hours`, `time_zone` | parse OpenStreetMap's opening hours, and spellings of time zones |
//! | `writer` | writes the three formats |
//! | `zstd` | decompression of zstd |

mod columns;
mod csv;
mod geojson;
mod hours;
mod ndjson;
mod osm_hours;
mod reader;
mod rows;
mod time_zone;
mod writer;
mod zstd;

use clap::ValueEnum;
use nearby_proto::v1 as wire;

pub(crate) use self::{
    reader::{Input, Position},
    rows::{Row, Warnings},
    writer::Writer,
};

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One nearby.v1.Merchant per line, in protobuf JSON.
    Ndjson,
    /// A GeoJSON FeatureCollection of points (RFC 7946), always WGS-84.
    Geojson,
}

impl FileFormat {
    /// Returns the format that a file's name implies, with or without the extension of a compression.
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

/// Datum of positions that name none.
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

#[cfg(test)]
mod tests;
