//! Paging: page 50 of 20 results, compared with page 1.

use nearby_benches::Dataset;
use nearby_index::{Hits, Limit, Query, SearchControl};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{index, query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Cities.points(report.scale(1_000_000), 8_192, SEED).unwrap();
    let writer = index(&places);
    let snapshot = writer.reader().snapshot();
    let (mut first, mut fiftieth) = (Vec::new(), Vec::new());
    for origin in origins {
        // Origins without a page 50 are skipped. Its cursor is the last hit of page 49, or the tenth hit in a quick run.
        let mut earlier = Hits::default();
        snapshot.search_into(
            &query(origin, Limit::new(report.scale(49 * 20)).unwrap()),
            SearchControl::default(),
            &mut earlier,
        );
        let Some(after) = earlier.next() else { continue };
        let page = query(origin, Limit::new(20).unwrap());
        fiftieth.push(Query { after: Some(after), ..page.clone() });
        first.push(page);
    }
    println!("  {} of 8,192 origins have a page 50 within 5 km", first.len());
    let mut hits = [Hits::default(), Hits::default()];
    let [first_hits, fiftieth_hits] = &mut hits;
    let times = run_interleaved(
        "one page of 20 within 5 km, 1 M in 400 cities",
        report.scale(15),
        vec![
            Contender::new("page 1", first.len(), || search_all(&snapshot, &first, first_hits)),
            Contender::new("page 50", fiftieth.len(), || search_all(&snapshot, &fiftieth, fiftieth_hits)),
        ],
    );
    report.add("page50_vs_page1", times.ratio(1, 0), Goal::AtMost(1.5));
}
