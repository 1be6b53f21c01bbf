//! Writes merchants to files. NDJSON and GeoJSON are lossless: importing the file restores the same merchants. CSV keeps only what
//! fits into a table of plain cells.

use std::io::{self, Write};

use geojson::{Feature, Geometry, GeometryValue, JsonObject, JsonValue, feature::Id};
use nearby_proto::v1 as wire;

use super::FileFormat;

/// Writes merchants one by one.
pub(crate) struct Writer<W: Write> {
    encoder: Encoder<W>,
}

enum Encoder<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
    Geojson { output: W, is_first: bool },
}

/// Columns of a CSV file. It omits photos, labels, external ids, accuracy and district; it contains opening hours as text only, which
/// an import parses if it has OpenStreetMap's syntax; and it joins address lines.
const CSV_HEADER: [&str; 20] = [
    "id",
    "name",
    "brand",
    "categories",
    "services",
    "lat",
    "lon",
    "datum",
    "address",
    "city",
    "state",
    "postal_code",
    "country",
    "phone",
    "website",
    "hours",
    "tz",
    "visibility",
    "app_id",
    "app_path",
];

impl<W: Write> Writer<W> {
    pub(crate) fn new(mut output: W, format: FileFormat) -> io::Result<Self> {
        let encoder = match format {
            FileFormat::Csv => {
                let mut writer = csv::Writer::from_writer(output);
                writer.write_record(CSV_HEADER)?;
                Encoder::Csv(Box::new(writer))
            }
            FileFormat::Ndjson => Encoder::Ndjson(output),
            FileFormat::Geojson => {
                output.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[\n")?;
                Encoder::Geojson { output, is_first: true }
            }
        };
        Ok(Self { encoder })
    }

    pub(crate) fn write(&mut self, merchant: &wire::Merchant) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Csv(writer) => Ok(writer.write_record(csv_record(merchant))?),
            Encoder::Ndjson(output) => {
                serde_json::to_writer(&mut *output, merchant)?;
                output.write_all(b"\n")
            }
            Encoder::Geojson { output, is_first } => {
                if !std::mem::replace(is_first, false) {
                    output.write_all(b",\n")?;
                }
                serde_json::to_writer(&mut *output, &feature(merchant)?)?;
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        match self.encoder {
            Encoder::Csv(writer) => writer.into_inner().map_err(|error| io::Error::other(error.to_string())),
            Encoder::Ndjson(output) => Ok(output),
            Encoder::Geojson { mut output, .. } => {
                output.write_all(b"\n]}\n")?;
                Ok(output)
            }
        }
    }
}

fn csv_record(merchant: &wire::Merchant) -> [String; 20] {
    let position = merchant.position.unwrap_or_default();
    let address = merchant.address.clone().unwrap_or_default();
    let hours = merchant.opening_hours.clone().unwrap_or_default();
    let link = merchant.mini_program.clone().unwrap_or_default();
    let datum = match position.coordinate_system() {
        wire::CoordinateSystem::Gcj02 => "gcj02",
        wire::CoordinateSystem::Bd09 => "bd09",
        wire::CoordinateSystem::Wgs84 | wire::CoordinateSystem::Unspecified => "wgs84",
    };
    let visibility = match merchant.visibility() {
        wire::Visibility::Hidden => "hidden",
        wire::Visibility::Visible | wire::Visibility::Unspecified => "visible",
    };
    [
        id_of(merchant).to_owned(),
        merchant.display_name.clone(),
        merchant.brand.clone(),
        merchant.categories.join(";"),
        merchant.services.join(";"),
        position.latitude.to_string(),
        position.longitude.to_string(),
        datum.to_owned(),
        address.address_lines.join(", "),
        address.locality,
        address.administrative_area,
        address.postal_code,
        address.region_code,
        merchant.phone.clone(),
        merchant.website_uri.clone(),
        if hours.osm_expression.is_empty() { hours.display_text } else { hours.osm_expression },
        hours.time_zone,
        visibility.to_owned(),
        link.app_id,
        link.path,
    ]
}

fn feature(merchant: &wire::Merchant) -> io::Result<Feature> {
    let wgs84 = merchant.wgs84_position.unwrap_or_default();
    let properties: JsonObject = match serde_json::to_value(merchant)? {
        JsonValue::Object(properties) => properties,
        _ => JsonObject::new(),
    };
    Ok(Feature {
        geometry: Some(Geometry::new(GeometryValue::new_point([wgs84.longitude, wgs84.latitude]))),
        id: Some(Id::String(merchant.name.clone())),
        properties: Some(properties),
        ..Default::default()
    })
}

fn id_of(merchant: &wire::Merchant) -> &str {
    merchant.name.strip_prefix("merchants/").unwrap_or(&merchant.name)
}
