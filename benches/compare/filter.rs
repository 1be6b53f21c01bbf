//! Filters: a category that one merchant in 10,000 has, where a circle holds 36,000 merchants, and a common one. Compared with the
//! unfiltered search.

use nearby_benches::{Dataset, TermGenerator, merchant, rare_term};
use nearby_index::{Filter, Hits, IndexWriter, Limit, Query, Revision, Term, TermKind};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Dense.points(report.scale(1_000_000), 1_024, SEED).unwrap();
    let mut terms = TermGenerator::new(SEED);
    let merchants =
        places.iter().enumerate().map(|(number, place)| merchant(number, *place, terms.terms(), Revision(1)));
    let snapshot = IndexWriter::load(merchants, Revision(1)).reader().snapshot();
    let queries = |term: Option<Term>| -> Vec<Query> {
        let any_of = term.into_iter().map(|term| vec![term]).collect();
        let filter = Filter { any_of, ..Filter::default() };
        let limited = |origin| query(origin, Limit::new(20).unwrap());
        origins.iter().map(|origin| Query { filter: filter.clone(), ..limited(*origin) }).collect()
    };
    let (plain, scarce) = (queries(None), queries(Some(rare_term())));
    let common = queries(Some(Term::new(TermKind::Category, "category-0")));
    let all = |queries: &[Query], limit: Limit| -> usize {
        let found = |query: &Query| snapshot.search(&Query { limit, ..query.clone() }).as_slice().len();
        queries.iter().map(found).sum()
    };
    println!(
        "  a circle holds {} on average, {:.1} of them rare",
        all(&plain[..64], Limit::UNLIMITED) / 64,
        all(&scarce, Limit::UNLIMITED) as f64 / scarce.len() as f64
    );
    let mut hits = [Hits::default(), Hits::default(), Hits::default()];
    let [plain_hits, scarce_hits, common_hits] = &mut hits;
    let times = run_interleaved(
        "20 within 5 km, 1 M in a square",
        report.scale(31),
        vec![
            Contender::new("any merchant", plain.len(), || search_all(&snapshot, &plain, plain_hits)),
            Contender::new("one in 10,000", scarce.len(), || search_all(&snapshot, &scarce, scarce_hits)),
            Contender::new("one in 7", common.len(), || search_all(&snapshot, &common, common_hits)),
        ],
    );
    report.add("rare_filter_vs_plain", times.ratio(1, 0), Goal::AtMost(5.0));
}
