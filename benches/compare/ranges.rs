//! Ranges of a numeric attribute that one merchant in 100, or in 10,000, is in, compared with the unfiltered search.

use std::sync::Arc;

use nearby_benches::{Dataset, merchant};
use nearby_index::{
    AttributeRange, Details, Filter, Hits, IndexWriter, Limit, Query, Revision, StoredMerchant, Terms,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Dense.points(report.scale(1_000_000), 1_024, SEED).unwrap();
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let merchants = places.iter().enumerate().map(|(number, place)| {
        let stored = merchant(number, *place, Terms::default(), Revision(1));
        let attributes = [("rating", random.random_range(0.0..1.0))].into_iter().collect();
        let details = Details { attributes, ..Details::default() }.shared();
        let merchant = nearby_index::Merchant { details, ..stored.merchant.clone() };
        Arc::new(StoredMerchant { merchant, ..StoredMerchant::clone(&stored) })
    });
    let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
    let queries = |share: Option<f64>| -> Vec<Query> {
        let ranges: Vec<AttributeRange> =
            share.map(|share| AttributeRange::new("rating", Some(1.0 - share), None)).into_iter().collect();
        let filter = Filter { ranges, ..Filter::default() };
        let limited = |origin| query(origin, Limit::new(20).unwrap());
        origins.iter().map(|origin| Query { filter: filter.clone(), ..limited(*origin) }).collect()
    };
    let (plain, hundredth, rare) = (queries(None), queries(Some(0.01)), queries(Some(0.0001)));
    let mut hits: [Hits<'_>; 3] = Default::default();
    let [plain_hits, hundredth_hits, rare_hits] = &mut hits;
    let times = run_interleaved(
        "20 within 5 km, 1 M in a square",
        report.scale(31),
        vec![
            Contender::new("any merchant", plain.len(), || search_all(&snapshot, &plain, plain_hits)),
            Contender::new("a range of 1 %", hundredth.len(), || {
                search_all(&snapshot, &hundredth, hundredth_hits)
            }),
            Contender::new("a range of one in 10,000", rare.len(), || {
                search_all(&snapshot, &rare, rare_hits)
            }),
        ],
    );
    report.add("range_of_1_percent_vs_plain", times.ratio(1, 0), Goal::AtMost(5.0));
    report.add("rare_range_vs_plain", times.ratio(2, 0), Goal::AtMost(20.0));
}
