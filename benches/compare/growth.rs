//! Growth: a hundred times as many merchants in the same cities. Compared with the small index.

use nearby_benches::Dataset;
use nearby_index::{Hits, Limit, Query};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{index, query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    let make = |size| {
        let [places, origins] = Dataset::Cities.points(size, 8_192, SEED).unwrap();
        let queries: Vec<Query> =
            origins.iter().map(|origin| query(*origin, Limit::new(20).unwrap())).collect();
        (index(&places).reader().snapshot(), queries)
    };
    let (small, large) = (make(report.scale(100_000)), make(report.scale(10_000_000)));
    let mut hits = [Hits::default(), Hits::default()];
    let [small_hits, large_hits] = &mut hits;
    let times = run_interleaved(
        "20 within 5 km",
        report.scale(15),
        vec![
            Contender::new("of 100,000", small.1.len(), || search_all(&small.0, &small.1, small_hits)),
            Contender::new("of 10,000,000", large.1.len(), || search_all(&large.0, &large.1, large_hits)),
        ],
    );
    report.add("growth_100k_to_10m", times.ratio(1, 0), Goal::AtMost(2.0));
}
