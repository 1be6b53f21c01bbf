//! Options of `nearby search` that say which merchants serve the point, and where they lie.

use std::{fs, str::FromStr};

use clap::{Args, ValueEnum};
use nearby_proto::v1 as wire;
use serde_json::Value;

use crate::formats::{self, DatumArg};

#[derive(Args, Debug)]
pub(super) struct AreaArgs {
    /// Relation of the merchants to the point: within the radius, with a service area that contains the point, or either
    #[arg(long, default_value = "near", value_name = "REACH")]
    reach: ReachArg,

    /// Only merchants in this box, such as the part of a map that is visible; without --radius up to the limit of the server. West
    /// of 170 and east of -170 cross the antimeridian
    #[arg(
        long = "box",
        value_name = "SOUTH,WEST,NORTH,EAST",
        allow_hyphen_values = true,
        conflicts_with = "area"
    )]
    corners: Option<Corners>,

    /// Only merchants in the Polygon or MultiPolygon of this file: a GeoJSON geometry or feature
    #[arg(long, value_name = "FILE", value_parser = polygons_of_file)]
    area: Option<wire::PolygonSet>,
}

/// Relation of merchants to the point.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum ReachArg {
    /// Merchants within the radius.
    Near,
    /// Merchants whose service area contains the point.
    Serving,
    /// Merchants within the radius, and those whose service area contains the point.
    NearOrServing,
}

impl ReachArg {
    pub(in crate::cli) fn to_wire(self) -> wire::Reach {
        match self {
            Self::Near => wire::Reach::Near,
            Self::Serving => wire::Reach::Serving,
            Self::NearOrServing => wire::Reach::NearOrServing,
        }
    }
}

impl AreaArgs {
    /// Adds the options to a request, whose origin is in a datum.
    pub(super) fn apply(&self, request: &mut wire::SearchNearbyRequest, datum: DatumArg) {
        request.set_reach(self.reach.to_wire());
        let corners = self.corners.map(|corners| wire::search_area::Shape::Box(corners.to_wire(datum)));
        let shape = corners.or_else(|| self.area.clone().map(wire::search_area::Shape::Polygons));
        request.area = shape.map(|shape| wire::SearchArea { shape: Some(shape) });
    }
}

/// Returns the flag that sets a field of the request.
pub(super) fn flag_of(field: &str) -> Option<&'static str> {
    match field.split('.').nth(1) {
        _ if field == "reach" => Some("--reach"),
        Some("box") if field.starts_with("area.") => Some("--box"),
        Some("polygons") if field.starts_with("area.") => Some("--area"),
        _ => None,
    }
}

/// A box given as `SOUTH,WEST,NORTH,EAST`.
#[derive(Clone, Copy, Debug)]
struct Corners {
    south_west: (f64, f64),
    north_east: (f64, f64),
}

impl Corners {
    fn to_wire(self, datum: DatumArg) -> wire::LatLngBox {
        let corner = |(latitude, longitude)| wire::Position {
            latitude,
            longitude,
            coordinate_system: wire::CoordinateSystem::from(datum).into(),
            accuracy_m: None,
        };
        wire::LatLngBox {
            south_west: Some(corner(self.south_west)),
            north_east: Some(corner(self.north_east)),
        }
    }
}

impl FromStr for Corners {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const INVALID: &str = "must be south, west, north and east in degrees, separated by commas, such as 60.1,24.9,60.2,25.1";
        let degrees: Vec<f64> =
            text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map_err(|_| INVALID)?;
        let [south, west, north, east] = degrees.as_slice() else { return Err(INVALID) };
        Ok(Self { south_west: (*south, *west), north_east: (*north, *east) })
    }
}

/// Reads the polygons of a GeoJSON file.
fn polygons_of_file(path: &str) -> Result<wire::PolygonSet, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("must be GeoJSON: {error}"))?;
    let geometry = match value.get("type").and_then(Value::as_str) {
        Some("Feature") => value.get("geometry").cloned().unwrap_or_default(),
        _ => value,
    };
    formats::polygons_of_geojson(&geometry.to_string(), "geometry").map_err(|violation| violation.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_four_numbers() {
        let corners: Corners = "-1.5, 170,2,-170".parse().unwrap();
        assert_eq!((corners.south_west, corners.north_east), ((-1.5, 170.0), (2.0, -170.0)));
        for invalid in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x"] {
            assert!(invalid.parse::<Corners>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn an_area_is_read_from_a_geometry_or_a_feature() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("area.geojson");
        let geometry = r#"{"type":"Polygon","coordinates":[[[25,60],[25.01,60],[25,60.01],[25,60]]]}"#;
        for (text, polygons) in [
            (geometry.to_owned(), Ok(1)),
            (format!(r#"{{"type":"Feature","properties":{{}},"geometry":{geometry}}}"#), Ok(1)),
            (r#"{"type":"Feature","geometry":null}"#.to_owned(), Err("must be a GeoJSON geometry")),
            (r#"{"type":"Point","coordinates":[1,2]}"#.to_owned(), Err("must be a Polygon")),
            ("[".to_owned(), Err("must be GeoJSON")),
        ] {
            fs::write(&path, &text).unwrap();
            let read = polygons_of_file(path.to_str().unwrap());
            match (read, polygons) {
                (Ok(set), Ok(polygons)) => assert_eq!(set.polygons.len(), polygons),
                (Err(error), Err(start)) => assert!(error.starts_with(start), "{error}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
        assert!(polygons_of_file("/no/such/file").unwrap_err().starts_with("cannot be read"));
    }
}
