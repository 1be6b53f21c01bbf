//! The fiftieth page of twenty and the first.

use nearby_benches::World;
use nearby_index::{Hits, Limit, Query, Steering};

use super::{
    Bar, Report, SEED,
    lookup::{index, query, search_all},
    interleave::{Contender, take_turns},
};

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = World::Cities.places(1_000_000, 8_192, SEED).unwrap();
    let writer = index(&places);
    let snapshot = writer.reader().snapshot();
    let (mut first, mut fiftieth) = (Vec::new(), Vec::new());
    for origin in origins {
        // From here on a query that has a fiftieth page: its cursor is the last hit of the forty-ninth.
        let mut earlier = Hits::default();
        snapshot.search_into(&query(origin, Limit::new(49 * 20).unwrap()), Steering::default(), &mut earlier);
        let Some(after) = earlier.next() else { continue };
        let page = query(origin, Limit::new(20).unwrap());
        fiftieth.push(Query { after: Some(after), ..page.clone() });
        first.push(page);
    }
    println!("  {} of 8,192 origins have more than 980 merchants within 5 km", first.len());
    let mut hits = [Hits::default(), Hits::default()];
    let [first_hits, fiftieth_hits] = &mut hits;
    let times = take_turns(
        "a page of 20 within 5 km, 1 M in 400 cities",
        15,
        vec![
            Contender::new("page 1", first.len(), || search_all(&snapshot, &first, first_hits)),
            Contender::new("page 50", fiftieth.len(), || search_all(&snapshot, &fiftieth, fiftieth_hits)),
        ],
    );
    report.add("page50_vs_page1", times.ratio(1, 0), Bar::AtMost(1.5));
}
