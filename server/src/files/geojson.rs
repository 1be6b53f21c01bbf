//! GeoJSON points. Properties are a merchant in protobuf's JSON, as `nearby export` writes them, or else the columns that
//! a CSV file would have.

use std::io::{self, Read};

use geojson::{Feature, FeatureReader, GeometryValue, JsonObject, JsonValue, feature::Id};
use nearby_proto::v1 as wire;

use super::{DatumArg, Row, columns::Columns, input::Rows, violation};
use crate::error::Violation;

pub(super) fn rows(text: impl Read + Send + 'static) -> Rows {
    let features = FeatureReader::from_reader(text).features().zip(1..);
    Box::new(features.map(|(feature, number)| match feature {
        Ok(feature) => Ok(row(number, &feature)),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
    }))
}

fn row(number: u64, feature: &Feature) -> Row {
    let mut warnings = Vec::new();
    let merchant = merchant(feature, &mut warnings);
    Row { number, source: feature.to_string(), merchant, warnings }
}

fn merchant(feature: &Feature, warnings: &mut Vec<&'static str>) -> Result<wire::Merchant, Violation> {
    let point = match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        Some(GeometryValue::Point { coordinates }) => coordinates,
        Some(_) => return Err(violation("geometry", "NOT_A_POINT", "must be a Point")),
        None => return Err(violation("position", "POSITION_MISSING", "must be given, as a Point")),
    };
    let (Some(longitude), Some(latitude)) = (point.as_slice().first(), point.as_slice().get(1)) else {
        return Err(violation("position", "POSITION_MISSING", "must have a longitude and a latitude"));
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
                "NOT_A_MERCHANT",
                format!("must be a nearby.v1.Merchant in JSON: {error}"),
            )
        })?;
    if let (true, Some(Id::String(name))) = (merchant.name.is_empty(), &feature.id) {
        merchant.name.clone_from(name);
    }
    // An export keeps the position as it was given, in its own datum; without one the point is the position.
    merchant.position.get_or_insert(position);
    Ok(merchant)
}

fn from_properties(
    feature: &Feature,
    properties: &JsonObject,
    position: wire::Position,
    warnings: &mut Vec<&'static str>,
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
        if !cells.iter().any(|(known, _)| known == name) {
            cells.push((name.clone(), text));
        }
    }
    let columns = Columns::of(cells.iter().map(|(name, _)| name.as_str()))
        .map_err(|missing| violation("properties", "REQUIRED", missing.to_string()))?;
    let values: Vec<&str> = cells.iter().map(|(_, value)| value.as_str()).collect();
    columns.merchant(&values, DatumArg::Wgs84, warnings)
}
