//! Service areas as geometries.
//!
//! Edges of GeoJSON are straight in degrees (RFC 7946, section 3.1.1), those of the contract are shortest lines: vertices are
//! inserted until the two differ by at most a metre.

use geojson::{GeometryValue, Position};
use nearby_proto::v1 as wire;

use crate::{error::Violation, formats::rows::violation, reason};

/// Converts the geometry in the property `service_area`.
pub(crate) fn service_area(json: &str) -> Result<wire::ServiceArea, Violation> {
    let shape = wire::service_area::Shape::Polygons(polygons(json, "service_area")?);
    Ok(wire::ServiceArea { shape: Some(shape) })
}

/// Converts a Polygon or a MultiPolygon; `field` names it in the violation.
pub(crate) fn polygons(json: &str, field: &str) -> Result<wire::PolygonSet, Violation> {
    let geometry = serde_json::from_str::<geojson::Geometry>(json).map_err(|error| {
        violation(field, reason::AREA_INVALID, format!("must be a GeoJSON geometry: {error}"))
    })?;
    let polygons = match &geometry.value {
        GeometryValue::Polygon { coordinates } => vec![polygon(coordinates)],
        GeometryValue::MultiPolygon { coordinates } => {
            coordinates.iter().map(|rings| polygon(rings)).collect()
        }
        _ => return Err(violation(field, reason::AREA_INVALID, "must be a Polygon or a MultiPolygon")),
    };
    Ok(wire::PolygonSet { coordinate_system: wire::CoordinateSystem::Wgs84.into(), polygons })
}

fn polygon(rings: &[Vec<Position>]) -> wire::Polygon {
    let mut rings = rings.iter().map(|positions| ring(positions));
    wire::Polygon { shell: rings.next(), holes: rings.collect() }
}

fn ring(positions: &[Position]) -> wire::Ring {
    let vertices = positions.iter().filter_map(|position| match position.as_slice() {
        [longitude, latitude, ..] => Some((*latitude, *longitude)),
        _ => None,
    });
    let vertices: Vec<(f64, f64)> = vertices.collect();
    let mut ring = wire::Ring::default();
    let mut push = |(latitude, longitude)| {
        ring.latitudes.push(latitude);
        ring.longitudes.push(longitude);
    };
    for edge in vertices.windows(2) {
        push(edge[0]);
        inserted(edge[0], edge[1]).for_each(&mut push);
    }
    vertices.last().copied().into_iter().for_each(push);
    ring
}

/// Returns the points between two vertices, evenly spaced in degrees, that leave at most a metre between the straight line and
/// the shortest lines from point to point.
///
/// Along a straight line in degrees, the acceleration relative to a shortest line is `sin φ cos φ Δλ²` northwards and
/// `2 sin φ Δφ Δλ` eastwards, in radians: an edge bulges by at most an eighth of that, and with n parts by a part in n².
fn inserted(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    const EARTH_RADIUS_M: f64 = 6_378_137.0;
    // Latitudes between the ends and the flattening change the deviation by less than this factor.
    const ALLOWANCE: f64 = 1.2;
    // More vertices than an area may have; the server names the limit.
    const MAX_PARTS: u32 = 4_096;

    let north = to.0 - from.0;
    let east = to.1 - from.1;
    // The shorter way around the earth.
    let east = if east.abs() > 180.0 { east - 360.0 * east.signum() } else { east };
    let (high, low) =
        (from.0.abs().max(to.0.abs()), if from.0 * to.0 < 0.0 { 0.0 } else { from.0.abs().min(to.0.abs()) });
    let (d_lat, d_lon) = (north.to_radians(), east.to_radians());
    let (sin, cos) = (libm::sin(high.to_radians()), libm::cos(low.to_radians()));
    let deviation_m =
        EARTH_RADIUS_M / 8.0 * sin * libm::hypot(cos * d_lon * d_lon, 2.0 * d_lat * d_lon) * ALLOWANCE;
    let is_usable = deviation_m.is_finite() && deviation_m > 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is limited")]
    let parts = if is_usable { (deviation_m.sqrt().ceil() as u32).min(MAX_PARTS) } else { 1 };
    (1..parts).map(move |part| {
        let share = f64::from(part) / f64::from(parts);
        let longitude = from.1 + share * east;
        let longitude =
            if longitude.abs() > 180.0 { longitude - 360.0 * longitude.signum() } else { longitude };
        (from.0 + share * north, longitude)
    })
}

#[cfg(test)]
mod tests {
    use nearby_index::{Ecef, Effort, ServedPoint, Wgs84};
    use proptest::prelude::*;

    use super::*;
    use crate::record::area;

    fn read(json: &str) -> Result<Vec<(usize, usize)>, &'static str> {
        let rings = |polygon: &wire::Polygon| {
            (polygon.shell.as_ref().map_or(0, |ring| ring.latitudes.len()), polygon.holes.len())
        };
        polygons(json, "service_area")
            .map(|set| set.polygons.iter().map(rings).collect())
            .map_err(|violation| violation.reason.as_str())
    }

    #[test]
    fn polygons_are_read_and_other_geometries_rejected() {
        for (json, expected) in [
            (
                r#"{"type":"Polygon","coordinates":[[[25,60],[25.01,60],[25,60.01],[25,60]]]}"#,
                Ok(vec![(4, 0)]),
            ),
            // 8 km along a parallel at 60° bulge by 2.2 m.
            (
                r#"{"type":"Polygon","coordinates":[[[25,60],[25.15,60],[25,60.01],[25,60]],[]]}"#,
                Ok(vec![(6, 1)]),
            ),
            (
                r#"{"type":"MultiPolygon","coordinates":[[[[1,0],[2,0],[1,1],[1,0]]],[[]],[]]}"#,
                Ok(vec![(7, 0), (0, 0), (0, 0)]),
            ),
            (r#"{"type":"Point","coordinates":[25,60]}"#, Err("AREA_INVALID")),
            (r#"{"type":"Polygon"}"#, Err("AREA_INVALID")),
            ("5", Err("AREA_INVALID")),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    proptest! {
        /// The points of the straight line in degrees are within a metre of an edge of the area.
        #[test]
        fn inserted_vertices_keep_an_edge_within_a_metre_of_the_straight_line(
            latitude in -89.0_f64..89.0, longitude in -180.0_f64..180.0, north_m in -40_000.0_f64..40_000.0,
            east_m in -40_000.0_f64..40_000.0, share in 0.0_f64..=1.0,
        ) {
            let to_the_pole = libm::cos(latitude.to_radians()).max(0.02);
            let (north, east) = (north_m / 111_700.0, east_m / (111_700.0 * to_the_pole));
            let wrap = |longitude: f64| (longitude + 540.0).rem_euclid(360.0) - 180.0;
            let corners = [(latitude, longitude), ((latitude + north).clamp(-89.9, 89.9), wrap(longitude + east))];
            let edge: Vec<(f64, f64)> =
                [corners[0]].into_iter().chain(inserted(corners[0], corners[1])).chain([corners[1]]).collect();
            // Together with a corner far from the line, a valid triangle.
            let apex = (latitude + if north_m > 0.0 { -0.2 } else { 0.2 } , wrap(longitude + 0.3 * east));
            let apex = (apex.0.clamp(-89.95, 89.95), apex.1);
            let (latitudes, longitudes) = edge.iter().copied().chain([apex]).unzip();
            let set = wire::PolygonSet {
                coordinate_system: 1,
                polygons: vec![wire::Polygon { shell: Some(wire::Ring { latitudes, longitudes }), holes: Vec::new() }],
            };
            let position = |(latitude, longitude): (f64, f64)| {
                nearby_index::Position::<Wgs84>::new(latitude, longitude).unwrap()
            };
            let merchant = position(corners[0]);
            let area = wire::ServiceArea { shape: Some(wire::service_area::Shape::Polygons(set)) };
            let Ok(area) = area::service_area_of(&area, merchant) else { return Ok(()) };
            let on_line = (
                corners[0].0 + share * (corners[1].0 - corners[0].0),
                wrap(longitude + share * (wrap(corners[1].1 - longitude))),
            );
            let point = ServedPoint::exact(position(on_line));
            let depth_m = area.depth_m(&point, Ecef::from(merchant).distance(point.ecef), &Effort::default());
            prop_assert!(depth_m.abs() <= 1.0, "{depth_m} m with {} vertices", edge.len());
        }
    }
}
