//! Reads GeoJSON points. Their properties are a merchant in protobuf JSON, as `nearby export` writes it, or else have the names of
//! the columns of a CSV file.

use std::io::{self, BufReader, Read};

use geojson::{Feature, GeometryValue, JsonObject, JsonValue, feature::Id};
use nearby_proto::v1 as wire;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DatumArg, Row,
    columns::Columns,
    rows::{Rows, Warnings, violation},
};
use crate::{error::Violation, reason};

/// A collection whose features are parsed one by one, so that an invalid feature is one rejected row.
#[derive(Deserialize)]
struct Collection {
    features: Vec<Box<RawValue>>,
}

/// Reads the whole file into memory, as a GeoJSON document is one value. NDJSON is the format for files larger than memory.
pub(super) fn rows(text: impl Read + Send + 'static) -> io::Result<Rows> {
    let collection: Collection = serde_json::from_reader(BufReader::new(text)).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("is not a GeoJSON FeatureCollection: {error}"))
    })?;
    Ok(Box::new(collection.features.into_iter().zip(1..).map(|(feature, number)| Ok(row(number, &feature)))))
}

fn row(number: u64, source: &RawValue) -> Row {
    let mut warnings = Warnings::default();
    let merchant = serde_json::from_str::<Feature>(source.get())
        .map_err(|error| violation("", reason::NOT_A_FEATURE, format!("must be a GeoJSON Feature: {error}")))
        .and_then(|feature| merchant(&feature, &mut warnings));
    Row { number, source: source.get().to_owned(), merchant, warnings }
}

fn merchant(feature: &Feature, warnings: &mut Warnings) -> Result<wire::Merchant, Violation> {
    let point = match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        Some(GeometryValue::Point { coordinates }) => coordinates,
        Some(_) => return Err(violation("geometry", reason::NOT_A_POINT, "must be a Point")),
        None => return Err(violation("position", reason::POSITION_MISSING, "must be given, as a Point")),
    };
    let (Some(longitude), Some(latitude)) = (point.as_slice().first(), point.as_slice().get(1)) else {
        return Err(violation("position", reason::POSITION_MISSING, "must have a longitude and a latitude"));
    };
    let empty = JsonObject::new();
    let properties = feature.properties.as_ref().unwrap_or(&empty);
    let position = wire::Position {
        latitude: *latitude,
        longitude: *longitude,
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    };
    if properties.contains_key("displayName") {
        return from_export(feature, properties, position);
    }
    from_properties(feature, properties, position, warnings)
}

fn from_export(
    feature: &Feature,
    properties: &JsonObject,
    position: wire::Position,
) -> Result<wire::Merchant, Violation> {
    let mut merchant: wire::Merchant = serde_json::from_value(JsonValue::Object(properties.clone()))
        .map_err(|error| {
            violation(
                "properties",
                reason::NOT_A_MERCHANT,
                format!("must be a nearby.v1.Merchant in JSON: {error}"),
            )
        })?;
    if let (true, Some(Id::String(name))) = (merchant.name.is_empty(), &feature.id) {
        merchant.name.clone_from(name);
    }
    // An export contains the original position in its own datum, and the same position in WGS-84, which is also the point. If the
    // point differs from the latter, it has been moved since, and it wins.
    let is_unmoved = merchant.wgs84_position == Some(position);
    if !is_unmoved || merchant.position.is_none() {
        merchant.position = Some(position);
    }
    Ok(merchant)
}

fn from_properties(
    feature: &Feature,
    properties: &JsonObject,
    position: wire::Position,
    warnings: &mut Warnings,
) -> Result<wire::Merchant, Violation> {
    let mut cells: Vec<(String, String)> = Vec::with_capacity(properties.len() + 3);
    if let Some(id) = &feature.id {
        cells.push((
            "id".to_owned(),
            match id {
                Id::String(id) => id.clone(),
                Id::Number(id) => id.to_string(),
            },
        ));
    }
    cells.push(("lat".to_owned(), position.latitude.to_string()));
    cells.push(("lon".to_owned(), position.longitude.to_string()));
    for (name, value) in properties {
        let text = match value {
            JsonValue::String(text) => text.clone(),
            JsonValue::Number(number) => number.to_string(),
            _ => continue,
        };
        // The datum of a GeoJSON point is always WGS-84.
        let is_datum = matches!(name.as_str(), "datum" | "coordinate_system");
        if !is_datum && !cells.iter().any(|(other, _)| other == name) {
            cells.push((name.clone(), text));
        }
    }
    let columns = Columns::of(cells.iter().map(|(name, _)| name.as_str()))
        .map_err(|missing| violation("properties", reason::REQUIRED, missing.to_string()))?;
    let values: Vec<&str> = cells.iter().map(|(_, value)| value.as_str()).collect();
    columns.merchant(&values, DatumArg::Wgs84, warnings)
}
