//! Search compared with a linear scan that uses geographiclib's geodesics, over random data sets and
//! histories.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{collections::BTreeMap, sync::Arc};

use geographiclib_rs::{Geodesic, InverseGeodesic};
use nearby_index::*;
use proptest::prelude::*;

/// Tolerance against the geodesic at 5 km, in metres.
const TOLERANCE_M: f64 = 1e-5;

/// Centres of the random data sets: poles, antimeridian, and ordinary places.
const CENTRES: [(f64, f64); 8] = [
    (90.0, 0.0),
    (-90.0, 0.0),
    (0.0, 180.0),
    (-16.8, 179.99),
    (71.0, -179.999),
    (0.0, 0.0),
    (51.53, -0.09),
    (39.9, 116.4),
];

#[derive(Clone, Debug)]
enum Step {
    /// Merchant number, offset from the centre in metres, visibility.
    Put(u8, (f64, f64), bool),
    /// Merchant number, and the merchant whose position it takes.
    PutOnTopOf(u8, u8),
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let offset = (-6_000.0..6_000.0, -6_000.0..6_000.0);
    prop_oneof![
        6 => (any::<u8>(), offset, prop::bool::weighted(0.9)).prop_map(|(n, at, visible)| Step::Put(n, at, visible)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(n, other)| Step::PutOnTopOf(n, other)),
        1 => any::<u8>().prop_map(Step::Delete),
    ]
}

/// Returns the point some metres north and east of a centre; near a pole, an arbitrary point near the pole.
fn displaced((latitude, longitude): (f64, f64), (north_m, east_m): (f64, f64)) -> Position<Wgs84> {
    use geographiclib_rs::DirectGeodesic;
    let azimuth = libm::atan2(east_m, north_m).to_degrees();
    let (latitude, longitude): (f64, f64) =
        Geodesic::wgs84().direct(latitude, longitude, azimuth, north_m.hypot(east_m));
    Position::new(latitude.clamp(-90.0, 90.0), longitude.clamp(-180.0, 180.0)).unwrap()
}

fn geodesic_m(a: Position<Wgs84>, b: Position<Wgs84>) -> f64 {
    Geodesic::wgs84().inverse(a.latitude_deg(), a.longitude_deg(), b.latitude_deg(), b.longitude_deg())
}

fn stored(id: &str, position: Position<Wgs84>, visible: bool, revision: Revision) -> Arc<StoredMerchant> {
    Arc::new(StoredMerchant {
        merchant: Merchant {
            id: MerchantId::parse(id).unwrap(),
            position: AnyPosition::Wgs84(position),
            visibility: if visible { Visibility::Visible } else { Visibility::Hidden },
            terms: Terms::default(),
            details: None,
            profile: Profile::new(id.as_bytes()).unwrap(),
        },
        revision,
        position_revision: Revision(0),
        create_time: UnixMicros(0),
        update_time: UnixMicros(0),
    })
}

/// Reference model of the index content.
#[derive(Clone, Default)]
struct Model {
    merchants: BTreeMap<String, (Position<Wgs84>, bool)>,
    revision: Revision,
}

impl Model {
    fn change(&mut self, step: &Step, centre: (f64, f64)) -> Option<Change> {
        let name = |n: u8| format!("m{n}");
        let (id, position, visible) = match *step {
            Step::Put(n, offset, visible) => (name(n), displaced(centre, offset), visible),
            Step::PutOnTopOf(n, other) => (name(n), self.merchants.get(&name(other))?.0, true),
            Step::Delete(n) => {
                self.merchants.remove(&name(n))?;
                self.revision = self.revision.next();
                return Some(Change::Delete {
                    id: MerchantId::parse(&name(n)).unwrap(),
                    revision: self.revision,
                });
            }
        };
        self.revision = self.revision.next();
        self.merchants.insert(id.clone(), (position, visible));
        Some(Change::Put(stored(&id, position, visible, self.revision)))
    }

    /// Returns distance and id of every visible merchant, by geodesic distance and then by id.
    fn scan(&self, origin: Position<Wgs84>) -> Vec<(f64, String)> {
        let visible = self.merchants.iter().filter(|(_, (_, visible))| *visible);
        let mut all: Vec<_> = visible.map(|(id, (at, _))| (geodesic_m(origin, *at), id.clone())).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        all
    }
}

/// Returns the hits of all pages of a search.
fn page_through(
    snapshot: &Snapshot,
    origin: Position<Wgs84>,
    radius_m: f64,
    page: usize,
) -> Result<Vec<Hit<'_>>, TestCaseError> {
    let (radius, limit) = (Radius::new(radius_m).unwrap(), Limit::new(page).unwrap());
    let mut query = Query::nearest(Ecef::from(origin), radius, limit);
    let mut all: Vec<Hit<'_>> = Vec::new();
    loop {
        let hits = snapshot.search(&query);
        prop_assert!(hits.as_slice().len() <= page);
        all.extend_from_slice(hits.as_slice());
        match hits.next() {
            None => return Ok(all),
            Some(cursor) => {
                prop_assert_eq!(hits.as_slice().len(), page, "only a full page has a next page");
                query.after = Some(cursor);
            }
        }
    }
}

/// Asserts that the hits are those of the scan: same merchants, same distances, and the same order wherever
/// the oracle itself can distinguish two distances.
fn assert_same(found: &[Hit<'_>], scan: &[(f64, String)], radius_m: f64) -> Result<(), TestCaseError> {
    let oracle: BTreeMap<&str, f64> = scan.iter().map(|(distance, id)| (id.as_str(), *distance)).collect();
    let surely_in = scan.iter().filter(|(distance, _)| *distance < radius_m - TOLERANCE_M).count();
    let possibly_in = scan.iter().filter(|(distance, _)| *distance <= radius_m + TOLERANCE_M).count();
    prop_assert!(
        (surely_in..=possibly_in).contains(&found.len()),
        "{} not in {surely_in}..={possibly_in}",
        found.len()
    );
    for hit in found {
        let geodesic_m = oracle[hit.merchant.merchant.id.as_str()];
        prop_assert!((hit.distance.get() - geodesic_m).abs() <= TOLERANCE_M);
        prop_assert!(hit.distance.get() <= radius_m);
    }
    for pair in found.windows(2) {
        prop_assert!(pair[0].cursor(0) < pair[1].cursor(0), "strictly ordered by distance, then id");
    }
    for (hit, (distance, id)) in found.iter().zip(scan) {
        if hit.merchant.merchant.id.as_str() != id {
            let ours = oracle[hit.merchant.merchant.id.as_str()];
            prop_assert!((ours - distance).abs() <= 2.0 * TOLERANCE_M, "the order differs from the scan's");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Over random histories in random batches, the index agrees with the scan at each step, and a snapshot
    /// taken earlier keeps returning its own state.
    #[test]
    fn search_agrees_with_the_geodesic_scan(
        centre in prop::sample::select(&CENTRES[..]),
        loaded in prop::collection::vec(step(), 0..40),
        batches in prop::collection::vec(prop::collection::vec(step(), 1..30), 0..8),
        origin_offset in (-3_000.0..3_000.0, -3_000.0..3_000.0),
        radius_m in prop_oneof![Just(5_000.0), 0.001..8_000.0],
        page in 1usize..60,
    ) {
        let origin = displaced(centre, origin_offset);
        let mut model = Model::default();
        let first: Vec<Change> = loaded.iter().filter_map(|step| model.change(step, centre)).collect();
        let last_versions = first.into_iter().filter_map(|change| match change {
            Change::Put(stored) if model.merchants.contains_key(stored.merchant.id.as_str()) => Some(stored),
            _ => None,
        });
        let mut writer = IndexWriter::load(last_versions, model.revision);
        let reader = writer.reader();
        let (held, held_model) = (reader.snapshot(), model.clone());
        for batch in &batches {
            let changes: Vec<Change> = batch.iter().filter_map(|step| model.change(step, centre)).collect();
            writer.apply(&changes);
            let snapshot = reader.snapshot();
            prop_assert_eq!(snapshot.revision(), model.revision);
            prop_assert_eq!(snapshot.len(), model.merchants.len());
            prop_assert_eq!(snapshot.visible_len(), model.merchants.values().filter(|(_, visible)| *visible).count());
            let found = page_through(&snapshot, origin, radius_m, page)?;
            assert_same(&found, &model.scan(origin), radius_m)?;
        }
        let found = page_through(&held, origin, radius_m, page)?;
        assert_same(&found, &held_model.scan(origin), radius_m)?;
        let listed: Vec<_> = held.list(None).map(|stored| stored.merchant.id.to_string()).collect();
        prop_assert_eq!(listed, held_model.merchants.keys().cloned().collect::<Vec<_>>());
    }
}

#[test]
fn radius_is_inclusive_to_the_last_bit() {
    let origin = Position::<Wgs84>::new(51.53, -0.09).unwrap();
    let shop = Position::<Wgs84>::new(51.56, -0.05).unwrap();
    let distance_m = Ecef::from(origin).distance(Ecef::from(shop)).get();
    let writer = IndexWriter::load([stored("shop", shop, true, Revision(1))], Revision(1));
    let snapshot = writer.reader().snapshot();
    let found = |radius_m| page_through(&snapshot, origin, radius_m, 5).unwrap().len();
    assert_eq!([found(distance_m.next_down()), found(distance_m), found(distance_m.next_up())], [0, 1, 1]);
}

/// Snapshots end up in logs, so their `Debug` output must not contain positions.
#[test]
fn debug_output_contains_no_position() {
    let shop = Position::<Wgs84>::new(51.53, -0.09).unwrap();
    let writer = IndexWriter::load([stored("shop", shop, true, Revision(1))], Revision(1));
    let snapshot = writer.reader().snapshot();
    let query = Query::nearest(Ecef::from(shop), Radius::DEFAULT, Limit::new(1).unwrap());
    let ranked = snapshot.search_iter(query.clone(), SearchControl::default());
    let output =
        format!("{writer:?} {:?} {query:?} {ranked:?} {:?}", writer.reader(), snapshot.search(&query));
    assert!(output.contains("Tree(1 visible)"));
    let [x, y, z] = Ecef::from(shop).xyz_m().map(|axis_m| format!("{:.0}", axis_m.trunc()));
    for number in ["51.53", "-0.09", "0.09", &x, &y, &z] {
        assert!(!output.contains(number), "{number} in {output}");
    }
}

/// Deleting every merchant releases all references.
#[test]
fn index_can_become_empty() {
    let place = Position::<Wgs84>::new(51.53, -0.09).unwrap();
    let shop = stored("shop", place, true, Revision(1));
    let mut writer = IndexWriter::load([Arc::clone(&shop)], Revision(1));
    for revision in [2, 3] {
        writer.apply(&[Change::Delete { id: shop.merchant.id.clone(), revision: Revision(revision) }]);
    }
    assert!(writer.reader().snapshot().is_empty());
    assert_eq!(Arc::strong_count(&shop), 1, "the index holds no reference");
    writer.apply(&[Change::Put(Arc::clone(&shop))]);
    assert_eq!(writer.reader().snapshot().visible_len(), 1);
}

/// Thousands of merchants at one coordinate are paged in the order of their ids.
#[test]
fn coincident_merchants_are_paged_by_id() {
    let mall = Position::<Wgs84>::new(31.23, 121.47).unwrap();
    let mut ids: Vec<String> = (0..5_000).map(|n| format!("shop-{n}")).collect();
    let writer = IndexWriter::load(ids.iter().map(|id| stored(id, mall, true, Revision(1))), Revision(1));
    ids.sort();
    let snapshot = writer.reader().snapshot();
    let found = page_through(&snapshot, mall, 5_000.0, 500).unwrap();
    let found: Vec<_> = found.iter().map(|hit| hit.merchant.merchant.id.to_string()).collect();
    assert_eq!(found, ids);
}
