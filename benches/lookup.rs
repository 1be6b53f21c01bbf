//! The search hot path on every dataset: the 20 and 100 nearest within 5 km, all within 5 km, and their count.
//!
//! `cargo bench` runs datasets of up to a million merchants; `NEARBY_BENCH_ALL=1 cargo bench` includes ten million.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macros are undocumented; a failed bench aborts"
)]

use std::{env, hint::black_box};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nearby_benches::{Dataset, merchant};
use nearby_index::{Ecef, Hits, IndexWriter, Limit, Query, Radius, Revision, SearchControl, Terms};

const SEED: u64 = 20_240_229;
const ORIGINS: usize = 1_024;

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for (name, dataset, size) in [
        ("cities", Dataset::Cities, 10_000),
        ("cities", Dataset::Cities, 100_000),
        ("cities", Dataset::Cities, 1_000_000),
        ("cities", Dataset::Cities, 10_000_000),
        ("uniform", Dataset::Uniform, 1_000_000),
        ("mall", Dataset::Mall, 50_000),
        ("antimeridian", Dataset::Antimeridian, 100_000),
        ("london", Dataset::London, usize::MAX),
    ] {
        if size == 10_000_000 && env::var_os("NEARBY_BENCH_ALL").is_none() {
            continue;
        }
        let Some([places, origins]) = dataset.points(size, ORIGINS, SEED) else { continue };
        let size = places.len();
        let merchants =
            places.iter().enumerate().map(|(n, place)| merchant(n, *place, Terms::default(), Revision(1)));
        let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
        for (kind, limit) in
            [("k20", Limit::new(20)), ("k100", Limit::new(100)), ("all", Some(Limit::UNLIMITED))]
        {
            let query = |origin| Query::nearest(Ecef::from(origin), Radius::DEFAULT, limit.unwrap());
            let queries: Vec<Query> = origins.iter().map(|origin| query(*origin)).collect();
            let (mut next, mut hits) = (queries.iter().cycle(), Hits::default());
            group.bench_function(BenchmarkId::new(format!("{name}/{kind}"), size), |bencher| {
                bencher.iter(|| {
                    snapshot.search_into(
                        black_box(next.next().unwrap()),
                        SearchControl::default(),
                        &mut hits,
                    );
                    hits.as_slice().len()
                });
            });
        }
        let counted = |origin| Query::nearest(Ecef::from(origin), Radius::DEFAULT, Limit::UNLIMITED);
        let mut next = origins.iter().map(|origin| counted(*origin)).collect::<Vec<_>>().into_iter().cycle();
        group.bench_function(BenchmarkId::new(format!("{name}/count"), size), |bencher| {
            bencher.iter(|| snapshot.count(black_box(&next.next().unwrap()), SearchControl::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);
