//! Random service areas, relations to the origin, and areas of searches, with their definitions.

use std::sync::Arc;

use nearby_index::*;

use super::{
    Script,
    history::{Moment, displaced},
};

/// Distance from an edge within which a point is inside.
const BOUNDARY_M: f64 = 1e-3;

/// Returns the service area of a merchant at a place: one in five has one.
pub(crate) fn service_area(place: Position<Wgs84>, script: &mut Script<'_>) -> Option<Arc<ServiceArea>> {
    let service_area = match script.below(10) {
        0 => Some(ServiceArea::circle(Radius::new(radius_m(script)).unwrap())),
        1 => {
            let polygons: Vec<PolygonVertices> =
                (0..1 + script.below(3)).map(|_| star(place, script)).collect();
            // Around a pole a star can be invalid.
            ServiceArea::polygons(place, &polygons).ok()
        }
        _ => None,
    };
    service_area.map(Arc::new)
}

fn radius_m(script: &mut Script<'_>) -> f64 {
    [20.0, 500.0, 4_000.0, 24_000.0][script.below(4)] * (1.01 + script.unit())
}

/// A star around a point beside a place, half of them with a hole.
fn star(place: Position<Wgs84>, script: &mut Script<'_>) -> PolygonVertices {
    let reach_m = radius_m(script).min(20_000.0);
    let center = (place.latitude_deg(), place.longitude_deg());
    let [north_m, east_m] = [0, 1].map(|_| reach_m * script.unit());
    let corners = 3 + script.below(12);
    let mut ring = |share: f64| -> Vec<Position<Wgs84>> {
        let mut corner = |number: usize| {
            let angle = std::f64::consts::TAU * f64::from(u32::try_from(number).unwrap()) / corners as f64;
            let radius_m = share * reach_m * (0.6 + 0.2 * script.unit());
            displaced(center, north_m + radius_m * libm::cos(angle), east_m + radius_m * libm::sin(angle))
        };
        (0..corners).map(&mut corner).collect()
    };
    let shell = ring(1.0);
    let hole = ring(0.3);
    PolygonVertices { shell, holes: if script.below(2) == 0 { vec![hole] } else { Vec::new() } }
}

/// The relation to the origin and the area of a query, with what decides them.
pub(crate) struct Place {
    origin: Position<Wgs84>,
    tolerance: Meters,
    kind: usize,
    service_radius: Radius,
    area: Option<SomeArea>,
}

enum SomeArea {
    Box(LatLngBox),
    /// The polygons, and the same as a service area around the origin.
    Polygons(Arc<SearchArea>, ServiceArea),
}

impl Place {
    pub(crate) fn new(origin: Position<Wgs84>, moment: &Moment, script: &mut Script<'_>) -> Self {
        let kind = [0, 0, 1, 2][script.below(4)];
        let service_radius = Radius::new(radius_m(script)).unwrap();
        let area = match script.below(6) {
            0 => Self::some_box(moment, script).map(SomeArea::Box),
            1 => {
                let polygons: Vec<PolygonVertices> =
                    (0..1 + script.below(3)).map(|_| star(origin, script)).collect();
                let area = SearchArea::polygons(origin, &polygons).ok().map(Arc::new);
                let same = ServiceArea::polygons(origin, &polygons).ok();
                assert_eq!(area.is_some(), same.is_some(), "the rules are the same");
                area.zip(same).map(|(area, same)| SomeArea::Polygons(area, same))
            }
            _ => None,
        };
        let tolerance = Meters::new([0.0, 0.0, 5.0, 2_000.0][script.below(4)]).unwrap();
        Self { origin, tolerance, kind, service_radius, area }
    }

    /// A box with corners beside the centre, or at merchants, so that some are on its edges.
    fn some_box(moment: &Moment, script: &mut Script<'_>) -> Option<LatLngBox> {
        let mut corner = || {
            if script.below(2) == 0 && !moment.list.is_empty() {
                return moment.list[script.below(moment.list.len())].merchant.position.to_wgs84();
            }
            displaced(moment.centre, 5_000.0 * script.unit(), 5_000.0 * script.unit())
        };
        LatLngBox::new(corner(), corner())
    }

    pub(crate) fn restrict(&self, query: Query) -> Query {
        let point = ServedPoint { tolerance: self.tolerance, ..ServedPoint::exact(self.origin) };
        let reach = match self.kind {
            0 => Reach::Near,
            1 => Reach::Serving(point),
            _ => Reach::NearOrServing { point, radius: self.service_radius },
        };
        let area = self.area.as_ref().map(|area| match area {
            SomeArea::Box(area) => Arc::new(SearchArea::of_box(*area)),
            SomeArea::Polygons(area, _) => Arc::clone(area),
        });
        Query { reach, area, ..query }
    }

    /// Returns whether a merchant at a distance is in the query, by definition.
    pub(crate) fn allows(&self, stored: &StoredMerchant, distance: Meters, radius: Radius) -> bool {
        let point = ServedPoint::exact(self.origin);
        let serves = |radius: Radius| {
            let area = stored.merchant.service_area();
            distance <= radius.meters()
                && area.is_some_and(|area| {
                    area.depth_m(&point, distance, &Effort::default())
                        >= -boundary_m(area).max(self.tolerance.get())
                })
        };
        let is_within_reach = match self.kind {
            0 => distance <= radius.meters(),
            1 => serves(radius),
            _ => distance <= radius.meters() || serves(self.service_radius),
        };
        let position = stored.merchant.position.to_wgs84();
        is_within_reach
            && match &self.area {
                None => true,
                Some(SomeArea::Box(area)) => area.contains(position),
                Some(SomeArea::Polygons(_, same)) => {
                    same.depth_m(&ServedPoint::exact(position), distance, &Effort::default()) >= -BOUNDARY_M
                }
            }
    }
}

/// A circle has no boundary beyond its radius.
fn boundary_m(area: &ServiceArea) -> f64 {
    if format!("{area:?}").contains("Polygon") { BOUNDARY_M } else { 0.0 }
}
