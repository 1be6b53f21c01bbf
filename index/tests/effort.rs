//! Conditions on single merchants count as work: long names and areas of many vertices let a search ask more often whether to continue.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::{cell::Cell, sync::Arc};

use nearby_index::*;

const MERCHANTS: u32 = 150;

fn names_of(profile: &Profile, name: &mut dyn FnMut(&str)) {
    let [_, basic, ..] = profile.parts();
    name(std::str::from_utf8(basic).unwrap());
}

/// Merchants on one page of the index, 100 m apart, whose name has a number of bytes.
fn snapshot(name_bytes: usize, area: Option<&ServiceArea>) -> IndexWriter {
    let name = "night owl ".repeat(name_bytes / 10);
    let details =
        area.map(|area| Details { service_area: Some(Arc::new(area.clone())), ..Details::default() });
    let merchant = |number: u32| StoredMerchant {
        merchant: Merchant {
            id: MerchantId::parse(&format!("m{number:03}")).unwrap(),
            position: AnyPosition::Wgs84(Position::new(10.0 + f64::from(number) * 0.0009, 20.0).unwrap()),
            visibility: Visibility::Visible,
            terms: [].into_iter().collect(),
            details: details.clone().map(Arc::new),
            profile: Profile::of_parts(name.as_bytes(), &[], &[]).unwrap(),
        },
        revision: Revision(1),
        position_revision: Revision(1),
        create_time: UnixMicros(0),
        update_time: UnixMicros(0),
    };
    IndexWriter::load_with_names(
        (0..MERCHANTS).map(|number| Arc::new(merchant(number))),
        Revision(1),
        names_of,
    )
}

fn star(center: (f64, f64), vertices: u32) -> Vec<Position<Wgs84>> {
    let corner = |number: u32| {
        let (sin, cos) = libm::sincos(f64::from(number) / f64::from(vertices) * std::f64::consts::TAU);
        let radius = if number.is_multiple_of(2) { 0.3 } else { 0.2 };
        Position::new(center.0 + radius * sin, center.1 + radius * cos).unwrap()
    };
    (0..vertices).map(corner).collect()
}

/// Returns the ids that a search finds, its calls of `should_continue`, of which the last may return false, and its effort.
fn run(snapshot: &Snapshot, query: &Query, max_calls: u64) -> (Vec<String>, End, u64, u64) {
    let (calls, effort) = (Cell::new(0), Effort::default());
    let should_continue = || {
        calls.set(calls.get() + 1);
        calls.get() <= max_calls
    };
    let control = SearchControl {
        should_continue: Some(&should_continue),
        effort: Some(&effort),
        ..SearchControl::default()
    };
    let mut hits = Hits::default();
    snapshot.search_into(query, control, &mut hits);
    let ids = hits.as_slice().iter().map(|hit| hit.merchant.merchant.id.as_str().to_owned()).collect();
    (ids, hits.end(), calls.get(), effort.nanoseconds())
}

fn query() -> Query {
    let origin = Position::<Wgs84>::new(10.0, 20.0).unwrap();
    Query::nearest(origin.into(), Radius::new(20_000.0).unwrap(), Limit::UNLIMITED)
}

/// A search of one page asks once, and once more for each unit of effort; wherever it stops, its hits have no gap.
fn assert_asks_by_effort(snapshot: &Snapshot, query: &Query, least_ns: u64) {
    let plain = Query { filter: Filter::default(), area: None, reach: Reach::Near, ..query.clone() };
    let (all, end, calls_of_plain, effort_of_plain) = run(snapshot, &plain, u64::MAX);
    assert_eq!((all.len(), end, effort_of_plain), (MERCHANTS as usize, End::Complete, 0));
    let (found, end, calls, effort_ns) = run(snapshot, query, u64::MAX);
    assert_eq!((&found, end), (&all, End::Complete));
    assert!(effort_ns >= least_ns, "{effort_ns} ns for {least_ns} ns of work");
    let further = calls - calls_of_plain;
    assert_eq!(further, effort_ns / 1_500, "calls for {effort_ns} ns");
    for max_calls in [0, 1, calls / 2, calls - 1] {
        let (found, end, made, _) = run(snapshot, query, max_calls);
        assert_eq!((end, made), (End::Stopped, max_calls + 1));
        assert_eq!(found, all[..found.len()]);
    }
}

#[test]
fn comparing_long_names_is_work() {
    for name_bytes in [20, 2_000] {
        let writer = snapshot(name_bytes, None);
        let text = TextFilter::new(TextQuery::parse("night o").unwrap(), names_of);
        let query = Query { filter: Filter { text: Some(text), ..Filter::default() }, ..query() };
        let least_ns = u64::from(MERCHANTS) * 4 * name_bytes as u64;
        assert_asks_by_effort(&writer.reader().snapshot(), &query, least_ns);
    }
}

#[test]
fn comparing_points_with_the_area_of_a_search_is_work() {
    let writer = snapshot(20, None);
    for vertices in [10, 1_000] {
        let origin = Position::new(10.0, 20.0).unwrap();
        let shell = star((10.0, 20.0), vertices);
        let area = SearchArea::polygons(origin, &[PolygonVertices { shell, holes: Vec::new() }]).unwrap();
        let query = Query { area: Some(Arc::new(area)), ..query() };
        assert_asks_by_effort(&writer.reader().snapshot(), &query, u64::from(MERCHANTS * vertices) * 4);
    }
}

#[test]
fn comparing_the_origin_with_service_areas_is_work() {
    for vertices in [10, 1_000] {
        // The origin is near the edge, where no inner circle decides.
        let shell = star((10.1, 20.0), vertices);
        let merchant = Position::new(10.0, 20.0).unwrap();
        let area = ServiceArea::polygons(merchant, &[PolygonVertices { shell, holes: Vec::new() }]).unwrap();
        let writer = snapshot(20, Some(&area));
        let point = ServedPoint::exact(Position::new(10.0, 20.15).unwrap());
        let radius = Radius::new(30_000.0).unwrap();
        let query = Query { origin: point.ecef, radius, reach: Reach::Serving(point), ..query() };
        let snapshot = writer.reader().snapshot();
        let (found, end, calls, effort_ns) = run(&snapshot, &query, u64::MAX);
        assert_eq!((found.len(), end), (MERCHANTS as usize, End::Complete));
        assert!(effort_ns >= u64::from(MERCHANTS * vertices) * 4, "{effort_ns} ns");
        assert!(calls >= effort_ns / 1_500);
    }
}

#[test]
fn conditions_add_the_work_of_their_own() {
    let writer = snapshot(20, None);
    let condition = Condition::new(|_, effort| {
        effort.add_nanoseconds(500);
        true
    });
    let query = Query { filter: Filter { condition: Some(condition), ..Filter::default() }, ..query() };
    assert_asks_by_effort(&writer.reader().snapshot(), &query, u64::from(MERCHANTS) * 500);
}
