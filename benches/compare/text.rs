//! Text in names: a word that one merchant in 10,000 has, where a circle holds 36,000 merchants, short prefixes, and a common word.
//! Compared with the unfiltered search.

use nearby_benches::{Dataset, NAMES_OF, NameGenerator, RARE_WORD, named_merchant};
use nearby_index::{Filter, Hits, IndexWriter, Limit, Query, Revision, Terms, TextFilter, TextQuery};

use super::{
    Goal, Report, SEED,
    interleave::{Contender, run_interleaved},
    lookup::{query, search_all},
};

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Dense.points(report.scale(1_000_000), 1_024, SEED).unwrap();
    let mut names = NameGenerator::new(SEED);
    let common = names.words()[40].clone();
    let merchants = places.iter().enumerate().map(|(number, place)| {
        named_merchant(number, *place, (Terms::default(), &names.name()), Revision(1))
    });
    let snapshot = IndexWriter::load_with_names(merchants, Revision(1), NAMES_OF).reader().snapshot();
    let queries = |text: Option<&str>| -> Vec<Query> {
        let text = text.map(|text| TextFilter::new(TextQuery::parse(text).unwrap(), NAMES_OF));
        let filter = Filter { text, ..Filter::default() };
        let limited = |origin| query(origin, Limit::new(20).unwrap());
        origins.iter().map(|origin| Query { filter: filter.clone(), ..limited(*origin) }).collect()
    };
    let (plain, rare) = (queries(None), queries(Some(RARE_WORD)));
    let (prefix, common) = (queries(Some(&RARE_WORD[..6])), queries(Some(&common)));
    let absent = queries(Some("xylophone"));
    let found = |queries: &[Query]| -> f64 {
        let count = |query: &Query| {
            let everything = Query { limit: Limit::UNLIMITED, ..query.clone() };
            snapshot.search(&everything).as_slice().len()
        };
        queries[..64].iter().map(count).sum::<usize>() as f64 / 64.0
    };
    println!(
        "  a circle holds {:.0} on average, {:.1} of them with the rare word, {:.0} with the common word",
        found(&plain),
        found(&rare),
        found(&common)
    );
    let mut hits: [Hits<'_>; 5] = Default::default();
    let [plain_hits, rare_hits, prefix_hits, common_hits, absent_hits] = &mut hits;
    let times = run_interleaved(
        "20 within 5 km, 1 M in a square",
        report.scale(31),
        vec![
            Contender::new("any merchant", plain.len(), || search_all(&snapshot, &plain, plain_hits)),
            Contender::new("a word of one in 10,000", rare.len(), || search_all(&snapshot, &rare, rare_hits)),
            Contender::new("its first six letters", prefix.len(), || {
                search_all(&snapshot, &prefix, prefix_hits)
            }),
            Contender::new("a common word", common.len(), || search_all(&snapshot, &common, common_hits)),
            Contender::new("a word of none", absent.len(), || search_all(&snapshot, &absent, absent_hits)),
        ],
    );
    report.add("rare_text_vs_plain", times.ratio(1, 0), Goal::AtMost(20.0));
}
