//! The point that represents a geometry.

use geojson::{GeometryValue, Position};

/// Returns the longitude and latitude of the point that represents a geometry; `None` for lines and collections.
///
/// It is the point itself, the first of several points, or a point within a polygon: the centroid of its outline or, if that lies
/// outside or in a hole, the middle of the longest part of the polygon at half its height. Of several polygons the largest counts.
pub(super) fn representative(geometry: &GeometryValue) -> Option<(f64, f64)> {
    match geometry {
        GeometryValue::Point { coordinates } => xy(coordinates),
        GeometryValue::MultiPoint { coordinates } => xy(coordinates.first()?),
        GeometryValue::Polygon { coordinates } => within(coordinates),
        GeometryValue::MultiPolygon { coordinates } => {
            let area = |polygon: &&Vec<Vec<Position>>| {
                polygon.first().map_or(0.0, |outline| area_of(&ring(outline)).abs())
            };
            within(coordinates.iter().max_by(|a, b| area(a).total_cmp(&area(b)))?)
        }
        _ => None,
    }
}

type Point = (f64, f64);

fn xy(position: &Position) -> Option<Point> {
    match position.as_slice() {
        [x, y, ..] => Some((*x, *y)),
        _ => None,
    }
}

fn ring(positions: &[Position]) -> Vec<Point> {
    positions.iter().filter_map(xy).collect()
}

fn within(polygon: &[Vec<Position>]) -> Option<Point> {
    let mut rings: Vec<Vec<Point>> = polygon.iter().map(|positions| ring(positions)).collect();
    let (west, east) =
        rings.first()?.iter().fold((f64::MAX, f64::MIN), |(west, east), (x, _)| (west.min(*x), east.max(*x)));
    // No place is wider than half the earth: the outline crosses the antimeridian.
    if east - west > 180.0 {
        rings.iter_mut().flatten().filter(|(x, _)| *x < 0.0).for_each(|(x, _)| *x += 360.0);
    }
    let (x, y) = within_rings(&rings)?;
    Some((if x > 180.0 { x - 360.0 } else { x }, y))
}

fn within_rings(rings: &[Vec<Point>]) -> Option<Point> {
    let outline = rings.first()?;
    let first = *outline.first()?;
    let centroid = centroid(outline).unwrap_or(first);
    if contains(rings, centroid) {
        return Some(centroid);
    }
    let (low, high) =
        outline.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let y = (low + high) / 2.0;
    let mut crossings: Vec<f64> = rings.iter().flat_map(|ring| crossings(ring, y)).collect();
    crossings.sort_by(f64::total_cmp);
    let longest = crossings.chunks_exact(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    // An outline without area, such as three times the same point, has no inside.
    Some(longest.map_or(first, |part| ((part[0] + part[1]) / 2.0, y)))
}

fn edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// Twice the signed area.
fn area_of(ring: &[Point]) -> f64 {
    edges(ring).map(|((x1, y1), (x2, y2))| x1 * y2 - x2 * y1).sum()
}

fn centroid(ring: &[Point]) -> Option<Point> {
    // Relative to the first corner, as products of whole degrees would lose digits.
    let (x0, y0) = *ring.first()?;
    let local: Vec<Point> = ring.iter().map(|(x, y)| (x - x0, y - y0)).collect();
    let area = area_of(&local);
    let (x, y) = edges(&local).fold((0.0, 0.0), |(x, y), ((x1, y1), (x2, y2))| {
        let weight = x1 * y2 - x2 * y1;
        (x + (x1 + x2) * weight, y + (y1 + y2) * weight)
    });
    let centroid = (x0 + x / (3.0 * area), y0 + y / (3.0 * area));
    (centroid.0.is_finite() && centroid.1.is_finite()).then_some(centroid)
}

/// The x at which a ring crosses a height.
fn crossings(ring: &[Point], y: f64) -> impl Iterator<Item = f64> {
    edges(ring)
        .filter(move |(a, b)| (a.1 > y) != (b.1 > y))
        .map(move |(a, b)| a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0))
}

/// Returns true for a point within the outline and in none of the holes.
fn contains(rings: &[Vec<Point>], (x, y): Point) -> bool {
    rings.iter().flat_map(|ring| crossings(ring, y)).filter(|crossing| *crossing > x).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(json: &str) -> Option<Point> {
        let geometry: geojson::Geometry = json.parse().unwrap();
        representative(&geometry.value)
    }

    #[test]
    fn points_and_polygons_have_a_representative_point() {
        for (json, expected) in [
            (r#"{"type":"Point","coordinates":[1,2,3]}"#, Some((1.0, 2.0))),
            (r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#, Some((1.0, 2.0))),
            (r#"{"type":"MultiPoint","coordinates":[]}"#, None),
            (r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,2],[0,2],[0,0]]]}"#, Some((2.0, 1.0))),
            // The centre lies in the hole.
            (
                r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[7,1],[7,8],[1,8],[1,1]]]}"#,
                Some((8.0, 4.5)),
            ),
            (r#"{"type":"Polygon","coordinates":[[[5,5],[5,5],[5,5]]]}"#, Some((5.0, 5.0))),
            (
                r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[10,10],[14,10],[14,14],[10,14],[10,10]]]]}"#,
                Some((12.0, 12.0)),
            ),
            // Across the antimeridian.
            (
                r#"{"type":"Polygon","coordinates":[[[179,-16],[-178,-16],[-178,-14],[179,-14],[179,-16]]]}"#,
                Some((-179.5, -15.0)),
            ),
            (r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#, None),
            (r#"{"type":"GeometryCollection","geometries":[]}"#, None),
        ] {
            assert_eq!(of(json), expected, "{json}");
        }
    }

    proptest! {
        /// A star around a centre, whatever its radii: its centroid can lie outside.
        #[test]
        fn the_point_of_a_polygon_is_within_it(radii in prop::collection::vec(0.01_f64..1.0, 3..20)) {
            // The rational form of the circle: t is the tangent of half the angle.
            let step = 6.0 / radii.len() as f64;
            let corner = |(at, radius): (usize, &f64)| {
                let t = at as f64 * step - 3.0;
                (24.9 + radius * (1.0 - t * t) / (1.0 + t * t), 60.2 + radius * 2.0 * t / (1.0 + t * t))
            };
            let ring: Vec<Point> = radii.iter().enumerate().map(corner).collect();
            let positions = ring.iter().map(|(x, y)| Position::from([*x, *y])).collect();
            let point = within(&[positions]).unwrap();
            prop_assert!(contains(&[ring], point), "{point:?}");
        }
    }
}
