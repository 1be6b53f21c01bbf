//! Service areas: the nearest that serve the origin, where one merchant in ten has an area, and the merchants of a small box in a
//! dense circle. Compared with the unrestricted search.

use std::sync::Arc;

use nearby_benches::{Dataset, merchant};
use nearby_index::{
    AnyPosition, Details, Hits, IndexWriter, LatLngBox, Limit, PolygonVertices, Position, Query, Radius,
    Reach, Revision, SearchArea, ServedPoint, ServiceArea, StoredMerchant, Terms, Wgs84,
};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    for (dataset, name, figures) in [
        (Dataset::Cities, "400 cities", ["serving_vs_plain", "box_vs_plain"]),
        (Dataset::Dense, "a square", ["serving_dense_vs_plain", "box_dense_vs_plain"]),
    ] {
        let [places, origins] = dataset.points(report.scale(1_000_000), 1_024, SEED).unwrap();
        let merchants = places.iter().enumerate().map(|(number, place)| with_area(number, *place));
        let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
        let limited = |origin| query(origin, Limit::new(20).unwrap());
        let plain: Vec<Query> = origins.iter().map(|origin| limited(*origin)).collect();
        let serving = |origin: &Position<Wgs84>| {
            let reach = Reach::Serving(ServedPoint::exact(*origin));
            Query { reach, radius: Radius::MAX, ..limited(*origin) }
        };
        let serving: Vec<Query> = origins.iter().map(serving).collect();
        let boxed = |origin: &Position<Wgs84>| {
            let corner = |metres: f64| {
                Position::new(
                    origin.latitude_deg() + metres / 111_000.0,
                    origin.longitude_deg() + metres / 90_000.0,
                )
            };
            let area = LatLngBox::new(corner(2_950.0).unwrap(), corner(3_050.0).unwrap()).unwrap();
            Query { area: Some(Arc::new(SearchArea::of_box(area))), ..limited(*origin) }
        };
        let boxed: Vec<Query> = origins.iter().map(boxed).collect();
        let found = |queries: &[Query]| -> usize {
            queries.iter().map(|query| snapshot.search(query).as_slice().len()).sum()
        };
        println!(
            "  {:.1} serve an origin, up to 20; {:.1} are in a box",
            mean(found(&serving), 1_024),
            mean(found(&boxed), 1_024)
        );
        let mut hits = [Hits::default(), Hits::default(), Hits::default()];
        let [plain_hits, serving_hits, boxed_hits] = &mut hits;
        let times = run_interleaved(
            &format!("20 nearest, 1 M in {name}"),
            report.scale(31),
            vec![
                Contender::new("any merchant", plain.len(), || search_all(&snapshot, &plain, plain_hits)),
                Contender::new("serving", serving.len(), || search_all(&snapshot, &serving, serving_hits)),
                Contender::new("box of 100 m", boxed.len(), || search_all(&snapshot, &boxed, boxed_hits)),
            ],
        );
        report.add(figures[0], times.ratio(1, 0), Goal::AtMost(5.0));
        report.add(figures[1], times.ratio(2, 0), Goal::AtMost(5.0));
    }
}

fn mean(sum: usize, count: u32) -> f64 {
    f64::from(u32::try_from(sum).unwrap()) / f64::from(count)
}

/// One merchant in twenty has a circle of 1 to 4 km, one in twenty a polygon of 24 vertices of the same size.
fn with_area(number: usize, place: Position<Wgs84>) -> Arc<StoredMerchant> {
    let radius_m = 1_000.0 + f64::from(u32::try_from(number / 20 % 31).unwrap()) * 100.0;
    let area = match number % 20 {
        0 => ServiceArea::circle(Radius::new(radius_m).unwrap()),
        10 => ServiceArea::polygons(place, &[star(place, radius_m)]).unwrap(),
        _ => return merchant(number, place, Terms::default(), Revision(1)),
    };
    let mut stored = Arc::unwrap_or_clone(merchant(number, place, Terms::default(), Revision(1)));
    stored.merchant.details = Details { service_area: Some(Arc::new(area)), ..Details::default() }.shared();
    stored.merchant.position = AnyPosition::Wgs84(place);
    Arc::new(stored)
}

fn star(place: Position<Wgs84>, radius_m: f64) -> PolygonVertices {
    const VERTICES: u32 = 24;
    let (_, cos_lat) = libm::sincos(place.latitude_deg().to_radians());
    let vertex = |number: u32| {
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * f64::from(number) / f64::from(VERTICES));
        let radius_m = if number.is_multiple_of(2) { radius_m } else { 0.7 * radius_m };
        let (north, east) = (radius_m * sin / 111_000.0, radius_m * cos / (111_000.0 * cos_lat.max(0.01)));
        let longitude = place.longitude_deg() + east;
        let longitude =
            if longitude.abs() > 180.0 { longitude - 360.0 * longitude.signum() } else { longitude };
        Position::new((place.latitude_deg() + north).clamp(-90.0, 90.0), longitude).unwrap()
    };
    PolygonVertices { shell: (0..VERTICES).map(vertex).collect(), holes: Vec::new() }
}
