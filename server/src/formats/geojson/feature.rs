//! Converts a feature to a merchant.

use std::{borrow::Cow, sync::Arc};

use nearby_proto::v1 as wire;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    crs::foreign_crs,
    outline,
    properties::{Columns, Members, text},
    service_area,
};
use crate::{
    error::Violation,
    formats::{
        DatumArg, Row,
        field::{Cell, Field},
        mapping::{Mapping, Plan},
        merchant::merchant,
        rows::{IgnoredNames, Warnings, name_of_id, violation},
        website::drop_invalid_uris,
    },
    opening_hours::Expression,
    reason,
};

/// The property that holds the service area, as a geometry.
const SERVICE_AREA: &str = "service_area";

/// A feature whose parts have not been parsed.
#[derive(Deserialize)]
struct Feature<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    geometry: Option<&'a RawValue>,
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, default)]
    crs: Option<&'a RawValue>,
}

/// A feature that was converted, with the parts of its [`Row`].
struct Converted {
    merchant: wire::Merchant,
    expression: Option<Expression>,
    fields: Option<Arc<[&'static str]>>,
}

/// The properties of a feature.
struct Properties {
    /// The names of those that cells hold.
    headers: Vec<String>,
    has_service_area: bool,
    plan: Plan,
    /// The fields that a feature with these properties replaces.
    fields: Arc<[&'static str]>,
}

/// Converts features.
pub(super) struct Converter {
    mappings: Vec<Mapping>,
    /// The plan for the properties of the last feature: most features of a file have the same.
    last: Properties,
    /// The fields that every feature with properties of its own replaces in a merchant that exists.
    fields: Arc<[&'static str]>,
    ignored: IgnoredNames,
}

/// Returns whether a feature without the field leaves it as it is in a merchant that exists. What decides whether and where a merchant is
/// found, and what few sources know, is set by others than the source of its name and position.
fn is_kept(field: &str) -> bool {
    matches!(
        field,
        "business_status"
            | "reopening_date"
            | "valid_from"
            | "valid_until"
            | "attributes"
            | "localized_names"
    ) || field.starts_with(SERVICE_AREA)
}

impl Converter {
    pub(super) fn new(mappings: Vec<Mapping>, ignored: IgnoredNames) -> Self {
        let fields = Field::ALL.iter().filter(|field| **field != Field::Id && !is_kept(field.of_merchant()));
        let mut fields: Vec<&'static str> = fields.map(|field| field.of_merchant()).collect();
        fields.sort_unstable();
        fields.dedup();
        let fields: Arc<[&'static str]> = fields.into();
        let last = Properties {
            headers: Vec::new(),
            has_service_area: false,
            plan: Plan::new(&[""; 0], &mappings),
            fields: Arc::clone(&fields),
        };
        Self { mappings, last, fields, ignored }
    }

    pub(super) fn row(&mut self, number: u64, source: Vec<u8>) -> Row {
        let mut warnings = Warnings::default();
        let converted = std::str::from_utf8(&source)
            .map_err(|_| {
                let remedy = "must be UTF-8; if the file has another encoding, name it with --encoding";
                violation("", reason::NOT_UTF_8, remedy)
            })
            .and_then(|json| self.convert(json, &mut warnings));
        match converted {
            Ok(Converted { merchant, expression, fields }) => {
                Row { warnings, expression, fields, ..Row::new(number, source, Ok(merchant)) }
            }
            Err(violation) => {
                let rejected_name = self.rejected_name(&source);
                Row { warnings, rejected_name, ..Row::new(number, source, Err(violation)) }
            }
        }
    }

    /// Returns the name of the merchant of a rejected feature.
    fn rejected_name(&self, source: &[u8]) -> Option<String> {
        let json = String::from_utf8_lossy(source);
        let feature: Feature<'_> =
            serde_json::from_str(&json).ok().filter(|f: &Feature<'_>| f.kind == "Feature")?;
        let members: Members<'_> =
            serde_json::from_str(feature.properties.map_or("{}", RawValue::get)).ok()?;
        let feature_id = feature.id.map(text);
        let name = if is_from_export(&members) {
            let name = members.0.iter().find(|(name, _)| name == "name").map(|(_, name)| text(name));
            name.or(feature_id)??.into_owned()
        } else {
            let mut columns = Columns::default();
            if let Some(id) = feature_id {
                columns.push("id", Cell::Text(id?));
            }
            members.0.iter().for_each(|(name, value)| columns.push_property(name, value));
            let plan = Plan::new(&columns.headers, &self.mappings);
            name_of_id(Some(plan.fill(&columns.cells).text(Field::Id)).filter(|id| !id.is_empty())?)
        };
        // A name with characters that could not be decoded is another one.
        (!name.contains(char::REPLACEMENT_CHARACTER)).then_some(name)
    }

    fn convert(&mut self, json: &str, warnings: &mut Warnings) -> Result<Converted, Violation> {
        let feature: Feature<'_> = serde_json::from_str(json).map_err(|error| {
            violation("", reason::NOT_A_FEATURE, format!("must be a GeoJSON Feature: {error}"))
        })?;
        if feature.kind != "Feature" {
            let description = "must be a GeoJSON Feature or FeatureCollection, with this as its type; NDJSON of merchants has \
                               --format ndjson";
            return Err(violation("type", reason::NOT_A_FEATURE, description));
        }
        if let Some(name) = feature.crs.and_then(|crs| foreign_crs(crs.get().as_bytes())) {
            let description = format!("is {name}: must be WGS-84");
            return Err(violation("crs", reason::COORDINATE_SYSTEM_UNKNOWN, description));
        }
        let (longitude, latitude) = point(feature.geometry)?;
        let position = wire::Position {
            latitude,
            longitude,
            coordinate_system: wire::CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        };
        let properties = feature.properties.map_or("{}", RawValue::get);
        let members = serde_json::from_str::<Members<'_>>(properties).map_err(|error| {
            violation("properties", reason::NOT_A_FEATURE, format!("must be an object: {error}"))
        })?;
        if is_from_export(&members) {
            let mut merchant = from_export(feature.id, properties, position)?;
            drop_invalid_uris(&mut merchant, warnings);
            return Ok(Converted { merchant, expression: None, fields: None });
        }
        let (merchant, expression) = self.convert_properties(feature.id, &members, position, warnings)?;
        Ok(Converted { merchant, expression, fields: Some(Arc::clone(&self.last.fields)) })
    }

    /// Makes the plan for the properties of a feature, unless they are those of the last one.
    fn plan_for(&mut self, headers: &[String], has_service_area: bool) {
        if self.last.headers == headers && self.last.has_service_area == has_service_area {
            return;
        }
        let plan = Plan::new(headers, &self.mappings);
        plan.ignored().iter().for_each(|name| self.ignored.add(name));
        let fields = self.fields_of(&plan, has_service_area);
        self.last = Properties { headers: headers.to_vec(), has_service_area, plan, fields };
    }

    /// Returns the fields that a feature replaces: all that properties can hold, except those that stay unless the feature has them.
    fn fields_of(&self, plan: &Plan, has_service_area: bool) -> Arc<[&'static str]> {
        let of_columns = plan.fields().map(Field::of_merchant).filter(|field| is_kept(field));
        // The geometry of a property, which no cell holds.
        let area = has_service_area.then_some(SERVICE_AREA);
        let mut given: Vec<&'static str> = of_columns.chain(area).collect();
        if given.is_empty() {
            return Arc::clone(&self.fields);
        }
        given.extend(self.fields.iter());
        given.sort_unstable();
        given.dedup();
        given.into()
    }

    fn convert_properties(
        &mut self,
        id: Option<&RawValue>,
        members: &Members<'_>,
        position: wire::Position,
        warnings: &mut Warnings,
    ) -> Result<(wire::Merchant, Option<Expression>), Violation> {
        let mut columns = Columns::default();
        if let Some(id) = id.and_then(text) {
            columns.push("id", Cell::Text(id));
        }
        // The point is the position: properties with other coordinates are not used.
        columns.push("lat", Cell::Text(Cow::Owned(position.latitude.to_string())));
        columns.push("lon", Cell::Text(Cow::Owned(position.longitude.to_string())));
        let (mut service_area, mut has_service_area) = (None, false);
        for (name, value) in &members.0 {
            if name == SERVICE_AREA {
                has_service_area = true;
                let json = value.get();
                service_area = (json != "null").then(|| service_area::service_area(json)).transpose()?;
                continue;
            }
            // The datum of GeoJSON is always WGS-84.
            if !matches!(Field::of_header(name), Some(Field::Datum | Field::Point)) {
                columns.push_property(name, value);
            } else {
                self.ignored.add(name);
            }
        }
        self.plan_for(&columns.headers, has_service_area);
        for name in &columns.not_converted {
            if Field::of_header(name).is_some() {
                warnings.push_about("PROPERTY_NOT_CONVERTED", name);
            }
            self.ignored.add(name);
        }
        let cells = self.last.plan.fill(&columns.cells);
        if cells.text(Field::Name).is_empty() {
            let description = "must have a name; --map name=brand takes it from another property";
            return Err(violation("display_name", reason::REQUIRED, description));
        }
        let (mut merchant, expression) = merchant(&cells, DatumArg::Wgs84, warnings)?;
        merchant.service_area = service_area.or(merchant.service_area);
        Ok((merchant, expression))
    }
}

/// Returns true if properties are a merchant in protobuf JSON.
fn is_from_export(properties: &Members<'_>) -> bool {
    properties.0.iter().any(|(name, _)| name == "displayName")
}

/// Returns the point that represents a geometry, as longitude and latitude.
fn point(geometry: Option<&RawValue>) -> Result<(f64, f64), Violation> {
    let missing = |description| violation("position", reason::POSITION_MISSING, description);
    let geometry = geometry.ok_or_else(|| missing("must be given, as the geometry of the feature"))?.get();
    let geometry = serde_json::from_str::<geojson::Geometry>(geometry).map_err(|error| {
        let value: Option<serde_json::Value> = serde_json::from_str(geometry).ok();
        let coordinates = value.as_ref().and_then(|value| value.get("coordinates"));
        if coordinates.and_then(serde_json::Value::as_array).is_some_and(Vec::is_empty) {
            return missing("must have a longitude and a latitude");
        }
        violation("geometry", reason::NOT_A_FEATURE, format!("must be a GeoJSON geometry: {error}"))
    })?;
    outline::representative(&geometry.value).ok_or_else(|| match &geometry.value {
        geojson::GeometryValue::LineString { .. }
        | geojson::GeometryValue::MultiLineString { .. }
        | geojson::GeometryValue::GeometryCollection { .. } => {
            violation("geometry", reason::NOT_A_POINT, "must be a Point, MultiPoint, Polygon or MultiPolygon")
        }
        _ => missing("must have a longitude and a latitude"),
    })
}

fn from_export(
    id: Option<&RawValue>,
    properties: &str,
    position: wire::Position,
) -> Result<wire::Merchant, Violation> {
    let mut merchant: wire::Merchant = serde_json::from_str(properties).map_err(|error| {
        let description = format!("must be a nearby.v1.Merchant in JSON: {error}");
        violation("properties", reason::NOT_A_MERCHANT, description)
    })?;
    if let (true, Some(name)) = (merchant.name.is_empty(), id.and_then(text)) {
        merchant.name = name.into_owned();
    }
    // An export contains the original position in its own datum, and the same position in WGS-84, which is also the point. If the
    // point differs from the latter, it has been moved since, and it wins.
    let is_unmoved = merchant.wgs84_position == Some(position);
    if !is_unmoved || merchant.position.is_none() {
        merchant.position = Some(position);
    }
    Ok(merchant)
}
