//! Search: the 20 nearest, the 100 nearest and all within 5 km of a million merchants in 400 cities. Compared with the rivals
//! of [`super::rivals`], after all have agreed on the results.

use nearby_benches::{Dataset, merchant};
use nearby_index::{
    Ecef, Hits, IndexWriter, Limit, Position, Query, Radius, Revision, SearchControl, Snapshot, Terms, Wgs84,
};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    rivals::{Found, Immutable, Mutable, Origin, Packed, Rival, Rstar, Scan},
};

const RADIUS_M: f64 = 5_000.0;

pub(crate) fn query(origin: Position<Wgs84>, limit: Limit) -> Query {
    Query::nearest(Ecef::from(origin), Radius::DEFAULT, limit)
}

/// Builds an index of merchants without terms.
pub(crate) fn index(places: &[Position<Wgs84>]) -> IndexWriter {
    let merchants =
        places.iter().enumerate().map(|(n, place)| merchant(n, *place, Terms::default(), Revision(1)));
    IndexWriter::load(merchants, Revision(1))
}

/// Runs all queries with a reused result buffer; returns the number of merchants found.
pub(crate) fn search_all<'s>(snapshot: &'s Snapshot, queries: &[Query], hits: &mut Hits<'s>) -> usize {
    queries
        .iter()
        .map(|query| {
            snapshot.search_into(std::hint::black_box(query), SearchControl::default(), hits);
            hits.as_slice().len()
        })
        .sum()
}

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Cities.points(report.scale(1_000_000), 8_192, SEED).unwrap();
    let origins: Vec<Origin> = origins.into_iter().map(Origin::from).collect();
    let writer = index(&places);
    let snapshot = writer.reader().snapshot();
    let (immutable, mutable) = (Immutable::new(&places), Mutable::new(&places));
    let (rstar, packed, scan) = (Rstar::new(&places), Packed::new(&places), Scan::new(&places));
    // Slow rivals run a fraction of the queries: the divisor is the last field.
    let rivals: [(&str, &dyn Rival, usize); 5] = [
        ("kiddo, immutable", &immutable, 1),
        ("kiddo, mutable", &mutable, 1),
        ("rstar, nearest_neighbor_iter", &rstar, 1),
        ("geo-index, box then distances", &packed, 16),
        ("linear scan", &scan, 4_096),
    ];
    for (_, rival, _) in &rivals {
        agree(&snapshot, *rival, &origins[..64]);
    }
    println!("  all agree on the nearest 20, the nearest 100 and all within {RADIUS_M} m, from 64 origins");

    for (count, names) in [
        (20, [("k20_vs_kiddo", 1.5), ("k20_vs_rstar", 3.5)].as_slice()),
        (100, &[("k100_vs_kiddo", 1.5)]),
        (usize::MAX, &[("all5km_vs_kiddo", 1.3)]),
    ] {
        let limit = Limit::new(count).unwrap();
        let shown = if count == usize::MAX { "all".to_owned() } else { count.to_string() };
        let origins = if count == usize::MAX { &origins[..1_024] } else { &origins };
        let queries: Vec<Query> = origins.iter().map(|origin| query(origin.degrees, limit)).collect();
        let mut hits = Hits::default();
        let mut contenders =
            vec![Contender::new("ours", queries.len(), || search_all(&snapshot, &queries, &mut hits))];
        for (name, rival, divisor) in rivals {
            let origins = &origins[..(origins.len() / divisor).max(2)];
            contenders.push(Contender::new(name, origins.len(), move || {
                let found = |origin: &Origin| match count {
                    usize::MAX => rival.within(origin, RADIUS_M).len(),
                    _ => rival.nearest(origin, count, RADIUS_M).len(),
                };
                origins.iter().map(found).sum()
            }));
        }
        let times =
            run_interleaved(&format!("{shown} within 5 km, 1 M in 400 cities"), report.scale(15), contenders);
        for (name, goal) in names {
            let rival = if *name == "k20_vs_rstar" { 3 } else { 1 };
            report.add(name, times.ratio(rival, 0), Goal::AtLeast(*goal));
        }
    }
}

/// Asserts that a rival returns the same merchants in the same order, except for ties within its precision.
fn agree(snapshot: &Snapshot, rival: &dyn Rival, origins: &[Origin]) {
    for origin in origins {
        for count in [20, 100, usize::MAX] {
            let theirs = match count {
                usize::MAX => rival.within(origin, RADIUS_M),
                _ => rival.nearest(origin, count, RADIUS_M),
            };
            let hits = snapshot.search(&query(origin.degrees, Limit::new(count).unwrap()));
            let ours: Vec<Found> = hits
                .as_slice()
                .iter()
                .map(|hit| {
                    let place = Ecef::from(hit.merchant.merchant.position.to_wgs84());
                    (origin.place.chord2_m2(place), hit.merchant.merchant.id.as_str()[1..].parse().unwrap())
                })
                .collect();
            // Rivals measure the radius along the chord, Nearby along the geodesic: 0.13 mm apart at 5 km.
            assert!(ours.len() <= theirs.len() && theirs.len() - ours.len() <= 1);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!(ours.1 == theirs.1 || (ours.0 - theirs.0).abs() <= 1e-6, "{ours:?}, {theirs:?}");
            }
        }
    }
}
