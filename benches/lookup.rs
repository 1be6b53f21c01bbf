//! The hot path: the nearest merchants within five kilometres, in worlds of growing size.
//!
//! Beside it stands the floor that any exact answer could take without an index, a linear scan of the same distances.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a bench may")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nearby_benches::{Cities, index};
use nearby_index::{Ecef, Limit, Query, Radius};

const SEED: u64 = 20_240_229;
const ORIGINS: usize = 1_024;

fn query(origin: Ecef, limit: usize) -> Query {
    Query { origin, radius: Radius::new(5_000.0).unwrap(), limit: Limit::new(limit).unwrap(), after: None }
}

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for size in [10_000, 100_000, 1_000_000] {
        let mut cities = Cities::new(400, SEED);
        let points: Vec<_> = (0..size).map(|_| cities.point()).collect();
        let origins: Vec<Ecef> = (0..ORIGINS).map(|_| Ecef::from(cities.point())).collect();
        let writer = index(&points);
        let snapshot = writer.reader().snapshot();
        for limit in [20, 100] {
            let mut next = origins.iter().cycle();
            group.bench_function(BenchmarkId::new(format!("k{limit}"), size), |bencher| {
                bencher.iter(|| snapshot.search(black_box(&query(*next.next().unwrap(), limit))));
            });
        }
        if size == 10_000 {
            let places: Vec<Ecef> = points.iter().map(|point| Ecef::from(*point)).collect();
            let mut next = origins.iter().cycle();
            group.bench_function(BenchmarkId::new("scan20", size), |bencher| {
                bencher.iter(|| scan(black_box(&places), *next.next().unwrap(), 20));
            });
        }
    }
    group.finish();
}

/// The nearest by looking at every place.
fn scan(places: &[Ecef], origin: Ecef, limit: usize) -> Vec<(f64, usize)> {
    let mut near: Vec<(f64, usize)> = places
        .iter()
        .enumerate()
        .map(|(number, place)| (origin.distance(*place).get(), number))
        .filter(|(distance_m, _)| *distance_m <= 5_000.0)
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(limit);
    near
}

criterion_group!(benches, lookup);
criterion_main!(benches);
