//! File formats of merchants: CSV, NDJSON and GeoJSON, plain or compressed with gzip or zstd.
//!
//! | module | contents |
//! |---|---|
//! | `reader`, `options` | opens a file of any format, compression and encoding |
//! | `text` | decompression and encodings |
//! | `spool` | keeps the text of a stream that is read twice |
//! | `csv`, `ndjson`, `geojson` | the reader of each format |
//! | `chunk` | the rows of one call of an import |
//! | `messages` | distributes rows over the messages of an import |
//! | `rows` | rows, which the readers yield: a merchant, or the reason why there is none |
//! | `field`, `mapping` | the fields that a column can hold, and the columns that they come from |
//! | `merchant` | converts the fields of a row to a merchant |
//! | `coordinates`, `country`, `hours`, `hours_text`, `time_zone`, `visible_text`, `website` | parse what real files contain |
//! | `formula` | marks cells that a spreadsheet would evaluate |
//! | `rejected` | writes rejected rows in the form of their file |
//! | `writer` | writes the three formats |

mod chunk;
mod coordinates;
mod country;
mod csv;
mod field;
mod formula;
mod geojson;
mod hours;
mod hours_text;
mod listing;
mod mapping;
mod merchant;
mod messages;
mod ndjson;
mod options;
mod reader;
mod rejected;
mod rows;
mod spool;
mod text;
mod time_zone;
mod visible_text;
mod website;
mod writer;

use clap::ValueEnum;
use nearby_proto::v1 as wire;

pub(crate) use self::{
    chunk::Chunk,
    country::is_far_from_country,
    csv::dialect::Delimiter,
    geojson::polygons as polygons_of_geojson,
    hours::HoursConverter,
    listing::parse_time,
    mapping::Mapping,
    messages::{MAX_ROW_BYTES, Messages, StoreOptions},
    options::ReadOptions,
    reader::{Input, Position},
    rejected::{Layout, RejectedWriter},
    rows::{IgnoredNames, Rejected, Row, Warnings},
    text::Charset,
    writer::{LeftOut, Writer},
};

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Values separated by commas, semicolons or tabs, with a header line.
    Csv,
    /// One nearby.v1.Merchant per line, in protobuf JSON.
    Ndjson,
    /// GeoJSON features (RFC 7946), in a collection, one per line, or as in RFC 8142; always WGS-84.
    Geojson,
}

impl FileFormat {
    /// Returns the format that a file's name implies, with or without the extension of a compression.
    #[must_use]
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" | "tsv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "geojson" | "json" | "ndgeojson" | "geojsonl" | "geojsons" => Some(Self::Geojson),
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
