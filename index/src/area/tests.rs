//! Tests of areas against independent definitions.

use proptest::prelude::*;

use super::*;
use crate::{Ecef, Effort, Radius};

fn position(latitude: f64, longitude: f64) -> Position<Wgs84> {
    Position::new(latitude, longitude).unwrap()
}

/// Walks east from the western edge in whole degrees; longitudes are equal if they differ by 360.
fn contains_by_walking(south_west: (i32, i32), north_east: (i32, i32), point: (i32, i32)) -> bool {
    let (west, east) = (south_west.1, north_east.1);
    let width = if (west, east) == (-180, 180) { 360 } else { (east - west).rem_euclid(360) };
    let mut meridians = (west..=west + width).map(|meridian| meridian.rem_euclid(360));
    (south_west.0..=north_east.0).contains(&point.0)
        && (point.0.abs() == 90 || meridians.any(|meridian| meridian == point.1.rem_euclid(360)))
}

fn edge(limit: i32) -> impl Strategy<Value = i32> {
    prop_oneof![Just(-limit), Just(limit), -limit..=limit]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_box_contains_what_a_walk_from_west_to_east_meets(
        latitudes in (edge(90), edge(90)),
        (west, east) in (edge(180), edge(180)),
        point in (edge(90), edge(180)),
    ) {
        let (south, north) = (latitudes.0.min(latitudes.1), latitudes.0.max(latitudes.1));
        let at = |(latitude, longitude)| position(f64::from(latitude), f64::from(longitude));
        let area = LatLngBox::new(at((south, west)), at((north, east))).unwrap();
        prop_assert_eq!(area.contains(at(point)), contains_by_walking((south, west), (north, east), point));
    }

    #[test]
    fn the_circle_around_a_box_contains_the_box(
        pole in prop_oneof![Just(-1.0), Just(1.0)],
        latitudes in (89.7f64..=90.0, 89.7f64..=90.0),
        (west, east) in (-180.0f64..=180.0, -180.0f64..=180.0),
        fractions in (0.0f64..=1.0, 0.0f64..=1.0),
    ) {
        let latitudes = (latitudes.0 * pole, latitudes.1 * pole);
        let (south, north) = (latitudes.0.min(latitudes.1), latitudes.0.max(latitudes.1));
        let area = LatLngBox::new(position(south, west), position(north, east)).unwrap();
        let (middle, radius) = area.circumscribe().unwrap();
        let longitude = west + area.width_deg() * fractions.1;
        let longitude = if longitude > 180.0 { longitude - 360.0 } else { longitude };
        let point = position((south + (north - south) * fractions.0).clamp(south, north), longitude);
        prop_assert!(middle.distance(Ecef::from(point)) <= radius.meters());
    }
}

fn ring(corners: &[(f64, f64)]) -> Vec<Position<Wgs84>> {
    corners.iter().map(|(latitude, longitude)| position(*latitude, *longitude)).collect()
}

fn shell(corners: &[(f64, f64)]) -> PolygonVertices {
    PolygonVertices { shell: ring(corners), holes: Vec::new() }
}

fn with_hole(shell: &[(f64, f64)], hole: &[(f64, f64)]) -> PolygonVertices {
    PolygonVertices { shell: ring(shell), holes: vec![ring(hole)] }
}

fn area(given: &[PolygonVertices]) -> Result<ServiceArea, AreaError> {
    ServiceArea::polygons(position(10.0, 20.0), given)
}

fn serves(area: &ServiceArea, latitude: f64, longitude: f64) -> bool {
    let point = ServedPoint::exact(position(latitude, longitude));
    area.serves(&point, Ecef::from(position(10.0, 20.0)).distance(point.ecef), &Effort::default())
}

const SQUARE: [(f64, f64); 4] = [(10.0, 20.0), (10.0, 20.1), (10.1, 20.1), (10.1, 20.0)];

#[test]
fn an_area_is_the_union_of_its_polygons_without_their_holes() {
    let hole = [(10.04, 20.04), (10.04, 20.06), (10.06, 20.06), (10.06, 20.04)];
    let beside = [(10.0, 20.1), (10.0, 20.2), (10.1, 20.2), (10.1, 20.1)];
    let within_hole = [(10.045, 20.045), (10.045, 20.05), (10.05, 20.05)];
    let area = area(&[with_hole(&SQUARE, &hole), shell(&beside), shell(&within_hole)]).unwrap();
    for (latitude, longitude, expected) in [
        (10.02, 20.02, true),
        (10.055, 20.055, false),
        (10.05, 20.15, true),
        (10.046, 20.0475, true),
        (10.0, 20.0, true),
        (10.04, 20.04, true),
        (10.11, 20.05, false),
        (9.99, 20.05, false),
        (-10.0, -160.0, false),
    ] {
        assert_eq!(serves(&area, latitude, longitude), expected, "{latitude} {longitude}");
    }
}

#[test]
fn a_millimetre_beside_an_edge_is_inside_and_two_are_outside() {
    let hole = [(10.04, 20.04), (10.04, 20.06), (10.06, 20.06), (10.06, 20.04)];
    let area = area(&[with_hole(&SQUARE, &hole)]).unwrap();
    let millimetre = 1.0 / 110_600_000.0;
    // South of the shell's south-western corner, and north of the hole's. At 10° N an edge of 11 km bulges by 0.4 m, so
    // that only its ends are at their latitude.
    for (latitude, longitude, outwards) in [(10.0, 20.0, -1.0), (10.04, 20.04, 1.0)] {
        assert!(serves(&area, latitude + outwards * 0.9 * millimetre, longitude));
        if outwards < 0.0 {
            assert!(!serves(&area, latitude - 2.0 * millimetre, longitude));
        }
    }
    let west_of_the_hole = 2.0 / 108_600_000.0;
    assert!(
        !serves(&area, 10.05, 20.04 + west_of_the_hole)
            && serves(&area, 10.05, 20.04 + west_of_the_hole / 2.5)
    );
    for (latitude, longitude) in SQUARE.iter().chain(&hole) {
        assert!(serves(&area, *latitude, *longitude), "a vertex is inside");
    }
}

#[test]
fn invalid_rings_are_named_with_the_reason() {
    let shell_error = |error| Err(AreaError::Ring { polygon: 0, ring: Ring::Shell, error });
    let hole_error = |error| Err(AreaError::Ring { polygon: 1, ring: Ring::Hole(0), error });
    let check = |given: &[PolygonVertices]| area(given).map(|_| ());
    let in_second = |hole: &[(f64, f64)]| check(&[shell(&SQUARE), with_hole(&SQUARE, hole)]);

    assert_eq!(check(&[]), Err(AreaError::Polygons));
    assert_eq!(check(&vec![shell(&SQUARE); 17]), Err(AreaError::Polygons));
    assert_eq!(
        check(&[shell(&[(10.0, 20.0), (10.0, 20.1), (10.0, 20.0)])]),
        shell_error(RingError::TooFewVertices)
    );
    assert_eq!(check(&[shell(&[])]), shell_error(RingError::TooFewVertices));
    let twice = [SQUARE[0], SQUARE[0], SQUARE[1], SQUARE[2], SQUARE[2], SQUARE[3], SQUARE[0]];
    assert_eq!(check(&[shell(&twice)]), Ok(()), "equal neighbours are one, and rings may be closed");
    let clockwise: Vec<_> = SQUARE.iter().copied().rev().collect();
    assert_eq!(check(&[with_hole(&clockwise, &clockwise.map_to(0.5))]), Ok(()), "winding carries no meaning");

    let bow_tie = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]];
    let crossing = RingError::SelfIntersection([0, 2]);
    // The two halves of a regular bow-tie cancel out in its area; this one is larger on one side.
    assert_eq!(check(&[shell(&[bow_tie[0], (10.1, 20.2), bow_tie[2], bow_tie[3]])]), shell_error(crossing));
    let touching = [(10.0, 20.0), (10.0, 20.1), (10.05, 20.05), (10.1, 20.1), (10.1, 20.0), (10.05, 20.05)];
    assert!(matches!(
        check(&[shell(&touching)]),
        Err(AreaError::Ring { error: RingError::SelfIntersection(_), .. })
    ));
    let spike = [SQUARE[0], SQUARE[1], SQUARE[2], (10.2, 20.1), SQUARE[2], SQUARE[3]];
    assert!(matches!(
        check(&[shell(&spike)]),
        Err(AreaError::Ring { error: RingError::SelfIntersection(_), .. })
    ));
    let sliver = [(10.0, 20.0), (10.0, 20.1), (10.0 + 1e-9, 20.1), (10.0 + 1e-9, 20.0)];
    assert_eq!(check(&[shell(&sliver)]), shell_error(RingError::NoArea));
    let far = [(10.0, 20.0), (10.0, 20.1), (10.46, 20.0)];
    assert_eq!(check(&[shell(&far)]), shell_error(RingError::TooFar { vertex: 2, max_m: Radius::MAX_M }));
    let antipodes = [(10.0, 20.0), (10.0, 20.1), (-10.0, -160.0)];
    assert!(matches!(
        check(&[shell(&antipodes)]),
        Err(AreaError::Ring { error: RingError::TooFar { vertex: 2, .. }, .. })
    ));

    let inside = [(10.04, 20.04), (10.04, 20.06), (10.06, 20.05)];
    assert_eq!(in_second(&inside), Ok(()));
    let outside = [(10.2, 20.04), (10.2, 20.06), (10.22, 20.05)];
    assert_eq!(in_second(&outside), hole_error(RingError::HoleOutsideShell));
    let across = [(10.04, 20.04), (10.04, 20.2), (10.06, 20.05)];
    assert_eq!(in_second(&across), hole_error(RingError::HoleOutsideShell));
    let along = [(10.0, 20.0), (10.1, 20.0), (10.05, 20.05)];
    assert_eq!(in_second(&along), hole_error(RingError::HoleAlongShell));
    assert_eq!(in_second(&SQUARE), hole_error(RingError::HoleAlongShell));
    // The western and eastern edges are meridians: these vertices are on them, up to rounding.
    let touching = [(10.02, 20.0), (10.03, 20.1), (10.08, 20.05)];
    assert_eq!(in_second(&touching), Ok(()), "holes may touch the shell in points");
    let two_holes = |second: &[(f64, f64)]| {
        let mut polygon = with_hole(&SQUARE, &inside);
        polygon.holes.push(ring(second));
        check(&[polygon])
    };
    let second = |error| Err(AreaError::Ring { polygon: 0, ring: Ring::Hole(1), error });
    assert_eq!(
        two_holes(&[(10.06, 20.05), (10.08, 20.04), (10.08, 20.06)]),
        Ok(()),
        "holes may touch in points"
    );
    assert_eq!(
        two_holes(&[(10.05, 20.05), (10.08, 20.04), (10.08, 20.06)]),
        second(RingError::HolesOverlap(0))
    );
    assert_eq!(two_holes(&inside), second(RingError::HolesOverlap(0)));
    assert_eq!(
        two_holes(&[(10.04, 20.04), (10.04, 20.06), (10.02, 20.05)]),
        second(RingError::HolesShareEdge(0))
    );
}

trait MapTo {
    fn map_to(&self, share: f64) -> Vec<(f64, f64)>;
}

impl MapTo for Vec<(f64, f64)> {
    /// The same ring, smaller.
    fn map_to(&self, share: f64) -> Self {
        let towards = |at: f64, center: f64| center + share * (at - center);
        self.iter()
            .map(|(latitude, longitude)| (towards(*latitude, 10.05), towards(*longitude, 20.05)))
            .collect()
    }
}

#[test]
fn the_number_of_vertices_is_limited() {
    let circle = |corners: u32| {
        let corner = |number: u32| {
            let (sin, cos) = libm::sincos(std::f64::consts::TAU * f64::from(number) / f64::from(corners));
            position(10.0 + 0.1 * sin, 20.0 + 0.1 * cos)
        };
        PolygonVertices { shell: (0..corners).chain([0]).map(corner).collect(), holes: Vec::new() }
    };
    assert!(area(&[circle(1_000)]).is_ok());
    assert_eq!(area(&[circle(1_001)]), Err(AreaError::Vertices));
    assert_eq!(area(&[circle(900), circle(101)]), Err(AreaError::Vertices));
    let area = area(&[circle(900), circle(100)]).unwrap();
    assert!(serves(&area, 10.05, 20.05) && !serves(&area, 10.09, 20.09));
    assert!(area.reach().get() < 11_200.0, "{:?}", area.reach());
}

#[test]
fn polygons_cross_the_antimeridian_and_contain_poles() {
    for (merchant, corners, inside, outside) in [
        (
            (-16.8, 179.99),
            vec![(-16.9, 179.9), (-16.9, -179.9), (-16.7, -179.9), (-16.7, 179.9)],
            (-16.8, -179.95),
            (-16.8, -179.85),
        ),
        ((89.9, 10.0), vec![(89.8, 0.0), (89.8, 120.0), (89.8, -120.0)], (90.0, 77.0), (89.85, 60.0)),
        ((-90.0, 0.0), vec![(-89.8, 0.0), (-89.8, 120.0), (-89.8, -120.0)], (-89.95, -60.0), (-89.85, -60.0)),
    ] {
        let merchant = position(merchant.0, merchant.1);
        let area = ServiceArea::polygons(merchant, &[shell(&corners)]).unwrap();
        let serves = |(latitude, longitude)| {
            let point = ServedPoint::exact(position(latitude, longitude));
            area.serves(&point, Ecef::from(merchant).distance(point.ecef), &Effort::default())
        };
        assert!(serves(inside) && !serves(outside), "{inside:?} {outside:?}");
        assert!(corners.iter().all(|corner| serves(*corner)));
    }
}

#[test]
fn a_search_area_knows_whether_it_is_beyond_a_radius() {
    let of_box = |south_west: (f64, f64), north_east: (f64, f64)| {
        let corner = |(latitude, longitude)| position(latitude, longitude);
        SearchArea::of_box(LatLngBox::new(corner(south_west), corner(north_east)).unwrap())
    };
    let radius = |radius_m| Radius::new(radius_m).unwrap();
    let equator = position(0.0, 179.99);
    let box_around = of_box((-0.01, 179.98), (0.01, -179.98));
    // The farthest corner is 0.03 degrees east and 0.01 south or north.
    assert!(box_around.extends_beyond(equator, radius(3_500.0)));
    assert!(!box_around.extends_beyond(equator, radius(3_530.0)));
    let cap = of_box((89.9, -180.0), (90.0, 180.0));
    assert!(!cap.extends_beyond(position(90.0, 0.0), radius(11_170.0)));
    // From beside the pole, the farthest point is on the opposite meridian.
    assert!(cap.extends_beyond(position(89.95, 10.0), radius(16_700.0)));
    assert!(!cap.extends_beyond(position(89.95, 10.0), radius(16_760.0)));
    assert!(of_box((-90.0, -180.0), (90.0, 180.0)).extends_beyond(equator, Radius::MAX));
    let triangle =
        SearchArea::polygons(equator, &[shell(&[(0.0, 179.9), (0.1, -179.9), (0.0, -179.9)])]).unwrap();
    assert!(
        triangle.extends_beyond(equator, radius(16_400.0))
            && !triangle.extends_beyond(equator, radius(16_700.0))
    );
    let far = [shell(&[(0.0, 179.9), (0.1, -179.9), (9.1, 179.9)])];
    assert!(matches!(
        SearchArea::polygons(equator, &far),
        Err(AreaError::Ring { error: RingError::TooFar { .. }, .. })
    ));
}
