//! Runs searches and nothing else, so that `.ci/instructions` can count their instructions under callgrind.
//!
//! `instructions ROUNDS`: each round runs 1,024 searches for the 20 nearest of 100,000 merchants in 400 cities. The count per
//! search is the difference between two numbers of rounds, which cancels the cost of start-up.

#![allow(missing_docs, clippy::unwrap_used, reason = "a development tool: a failure aborts it")]

use nearby_benches::{Dataset, merchant};
use nearby_index::{Ecef, Hits, IndexWriter, Limit, Query, Radius, Revision, SearchControl, Terms};

fn main() {
    let rounds: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let [places, origins] = Dataset::Cities.points(100_000, 1_024, 20_240_229).unwrap();
    let merchants =
        places.iter().enumerate().map(|(n, place)| merchant(n, *place, Terms::default(), Revision(1)));
    let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
    let query = |origin| Query::nearest(Ecef::from(origin), Radius::DEFAULT, Limit::new(20).unwrap());
    let queries: Vec<Query> = origins.iter().map(|origin| query(*origin)).collect();
    let mut hits = Hits::default();
    for query in (0..rounds).flat_map(|_| &queries) {
        snapshot.search_into(std::hint::black_box(query), SearchControl::default(), &mut hits);
        std::hint::black_box(hits.as_slice().len());
    }
}
