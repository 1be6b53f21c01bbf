//! Writes merchants to files. NDJSON and GeoJSON are lossless: importing the file restores the same merchants, except their reviews, which an
//! import cannot set. CSV keeps only what
//! fits into a table of plain cells, and counts what it leaves out; importing it leaves those fields of the merchants as they are.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use geojson::{Feature, Geometry, GeometryValue, JsonObject, JsonValue, feature::Id};
use nearby_proto::v1 as wire;

use super::{
    FileFormat,
    field::{Field, join_list},
    formula,
    hours::text_of,
    listing,
};

/// Writes merchants one by one.
pub(crate) struct Writer<W: Write> {
    encoder: Encoder<W>,
    left_out: LeftOut,
}

enum Encoder<W: Write> {
    Csv { writer: Box<csv::Writer<W>>, escapes_formulas: bool },
    Ndjson(W),
    Geojson { output: W, is_first: bool },
}

/// Merchants with fields that a CSV file has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) photos: u64,
    pub(crate) labels: u64,
    pub(crate) external_ids: u64,
    pub(crate) sources: u64,
    pub(crate) service_links: u64,
    pub(crate) reviews: u64,
    /// Opening hours that an import would not read from their text, such as those with special days.
    pub(crate) opening_hours: u64,
    /// Service areas that are polygons.
    pub(crate) service_areas: u64,
}

/// Columns of a CSV file.
const COLUMNS: [Field; 29] = [
    Field::Id,
    Field::Name,
    Field::Brand,
    Field::Categories,
    Field::Services,
    Field::Latitude,
    Field::Longitude,
    Field::Datum,
    Field::Accuracy,
    Field::Address,
    Field::District,
    Field::City,
    Field::Region,
    Field::PostalCode,
    Field::Country,
    Field::Phone,
    Field::Website,
    Field::Hours,
    Field::TimeZone,
    Field::Visibility,
    Field::AppId,
    Field::AppPath,
    Field::BusinessStatus,
    Field::ReopeningDate,
    Field::ValidFrom,
    Field::ValidUntil,
    Field::Attributes,
    Field::LocalizedNames,
    Field::ServiceRadius,
];

impl<W: Write> Writer<W> {
    /// Starts a file. `escapes_formulas` concerns CSV only.
    pub(crate) fn new(mut output: W, format: FileFormat, escapes_formulas: bool) -> io::Result<Self> {
        let encoder = match format {
            FileFormat::Csv => {
                let mut writer = csv::Writer::from_writer(output);
                writer.write_record(COLUMNS.map(Field::name))?;
                Encoder::Csv { writer: Box::new(writer), escapes_formulas }
            }
            FileFormat::Ndjson => Encoder::Ndjson(output),
            FileFormat::Geojson => {
                output.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[\n")?;
                Encoder::Geojson { output, is_first: true }
            }
        };
        Ok(Self { encoder, left_out: LeftOut::default() })
    }

    pub(crate) fn write(&mut self, merchant: &wire::Merchant) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Csv { writer, escapes_formulas } => {
                let hours = merchant.opening_hours.as_ref().and_then(|hours| Some((hours, text_of(hours)?)));
                self.left_out.count(merchant, hours.is_some());
                let record = COLUMNS.map(|field| cell(merchant, hours, field));
                let record = if *escapes_formulas { record.map(formula::escape) } else { record };
                Ok(writer.write_record(record)?)
            }
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

    /// Writes what has been kept back to the output.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Csv { writer, .. } => writer.flush(),
            Encoder::Ndjson(output) | Encoder::Geojson { output, .. } => output.flush(),
        }
    }

    /// Ends the file; returns the output and what was left out.
    pub(crate) fn finish(self) -> io::Result<(W, LeftOut)> {
        let output = match self.encoder {
            Encoder::Csv { writer, .. } => {
                writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?
            }
            Encoder::Ndjson(output) => output,
            Encoder::Geojson { mut output, .. } => {
                output.write_all(b"\n]}\n")?;
                output
            }
        };
        Ok((output, self.left_out))
    }
}

impl LeftOut {
    fn count(&mut self, merchant: &wire::Merchant, has_written_hours: bool) {
        self.photos += u64::from(!merchant.photos.is_empty());
        self.labels += u64::from(!merchant.labels.is_empty());
        self.external_ids += u64::from(!merchant.external_ids.is_empty());
        self.sources += u64::from(!merchant.source.is_empty());
        self.service_links += u64::from(!merchant.service_links.is_empty());
        self.reviews += u64::from(merchant.review.is_some());
        self.service_areas +=
            u64::from(merchant.service_area.is_some() && service_radius_m(merchant).is_none());
        self.opening_hours += u64::from(merchant.opening_hours.is_some() && !has_written_hours);
    }
}

/// Returns the cell of a field. `hours` are the opening hours and their text, if a text says all of them.
fn cell(merchant: &wire::Merchant, hours: Option<(&wire::OpeningHours, &str)>, field: Field) -> String {
    let position = merchant.position.unwrap_or_default();
    let address = |text: fn(&wire::PostalAddress) -> String| merchant.address.as_ref().map(text);
    let link = merchant.mini_program.as_ref();
    match field {
        Field::Id => id_of(merchant).to_owned(),
        Field::Name => merchant.display_name.clone(),
        Field::Brand => merchant.brand.clone(),
        Field::Categories => join_list(&merchant.categories),
        Field::Services => join_list(&merchant.services),
        Field::Latitude => position.latitude.to_string(),
        Field::Longitude => position.longitude.to_string(),
        Field::Point => String::new(),
        Field::Datum => datum(position.coordinate_system()).to_owned(),
        Field::Accuracy => position.accuracy_m.map(|accuracy| accuracy.to_string()).unwrap_or_default(),
        Field::Address => address(|address| address.address_lines.join("\n")).unwrap_or_default(),
        Field::District => address(|address| address.sublocality.clone()).unwrap_or_default(),
        Field::City => address(|address| address.locality.clone()).unwrap_or_default(),
        Field::Region => address(|address| address.administrative_area.clone()).unwrap_or_default(),
        Field::PostalCode => address(|address| address.postal_code.clone()).unwrap_or_default(),
        Field::Country => address(|address| address.region_code.clone()).unwrap_or_default(),
        Field::Phone => merchant.phone.clone(),
        Field::Website => merchant.website_uri.clone(),
        Field::Hours => hours.map(|(_, text)| text.to_owned()).unwrap_or_default(),
        Field::TimeZone => hours.map(|(hours, _)| hours.time_zone.clone()).unwrap_or_default(),
        Field::Visibility => match merchant.visibility() {
            wire::Visibility::Hidden => "hidden".to_owned(),
            wire::Visibility::Missing => "missing".to_owned(),
            wire::Visibility::Visible | wire::Visibility::Unspecified => "visible".to_owned(),
        },
        Field::AppId => link.map(|link| link.app_id.clone()).unwrap_or_default(),
        Field::AppPath => link.map(|link| link.path.clone()).unwrap_or_default(),
        Field::BusinessStatus => listing::business_status(merchant.business_status()).to_owned(),
        Field::ReopeningDate => merchant.reopening_date.as_ref().map(listing::date).unwrap_or_default(),
        Field::ValidFrom => merchant.valid_from.as_ref().map(listing::time).unwrap_or_default(),
        Field::ValidUntil => merchant.valid_until.as_ref().map(listing::time).unwrap_or_default(),
        Field::Attributes => join_entries(&merchant.attributes),
        Field::LocalizedNames => join_entries(&merchant.localized_names),
        Field::ServiceRadius => {
            service_radius_m(merchant).map(|radius_m| radius_m.to_string()).unwrap_or_default()
        }
    }
}

/// Returns the radius of a service area that is a circle.
fn service_radius_m(merchant: &wire::Merchant) -> Option<f64> {
    match merchant.service_area.as_ref()?.shape.as_ref()? {
        wire::service_area::Shape::RadiusM(radius_m) => Some(*radius_m),
        wire::service_area::Shape::Polygons(_) => None,
    }
}

/// Joins the entries of a map, whose keys have no `=`.
fn join_entries<V: ToString>(map: &BTreeMap<String, V>) -> String {
    let entries = map.iter().map(|(key, value)| format!("{key}={}", value.to_string()));
    join_list(&entries.collect::<Vec<_>>())
}

fn datum(coordinate_system: wire::CoordinateSystem) -> &'static str {
    match coordinate_system {
        wire::CoordinateSystem::Gcj02 => "gcj02",
        wire::CoordinateSystem::Bd09 => "bd09",
        wire::CoordinateSystem::Wgs84 | wire::CoordinateSystem::Unspecified => "wgs84",
    }
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
