//! Searches a number of times and does nothing else, for `.ci/instructions` to count what the processor did.
//!
//! `instructions ROUNDS`: in each of them 1,024 searches for 20 of 100,000 merchants in 400 cities.

#![allow(missing_docs, clippy::unwrap_used, reason = "a tool of the house: what fails shows here")]

use nearby_benches::{World, merchant};
use nearby_index::{Ecef, Hits, IndexWriter, Limit, Query, Radius, Revision, Steering, Terms};

fn main() {
    let rounds: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let [places, origins] = World::Cities.places(100_000, 1_024, 20_240_229).unwrap();
    let merchants =
        places.iter().enumerate().map(|(n, place)| merchant(n, *place, Terms::default(), Revision(1)));
    let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
    let query = |origin| Query::nearest(Ecef::from(origin), Radius::DEFAULT, Limit::new(20).unwrap());
    let queries: Vec<Query> = origins.iter().map(|origin| query(*origin)).collect();
    let mut hits = Hits::default();
    for query in (0..rounds).flat_map(|_| &queries) {
        snapshot.search_into(std::hint::black_box(query), Steering::default(), &mut hits);
        std::hint::black_box(hits.as_slice().len());
    }
}
