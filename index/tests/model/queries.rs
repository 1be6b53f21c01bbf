//! One query of each kind, run against the index and the reference list.

use std::{cell::Cell, sync::Arc};

use nearby_index::*;

use super::{
    Script,
    areas::Place,
    history::{Moment, ancestor, displaced, term},
    names::{names_of, text},
};

/// Expected result: distance and merchant, by rank.
type Expected<'a> = Vec<(Meters, &'a Arc<StoredMerchant>)>;

/// Runs queries at one moment. Returns the number of results compared.
pub(crate) fn run_queries(moment: &Moment, script: &mut Script<'_>) -> usize {
    let snapshot = &*moment.snapshot;
    assert_eq!(snapshot.len(), moment.list.len());
    let visible = |stored: &&Arc<StoredMerchant>| stored.merchant.visibility == Visibility::Visible;
    assert_eq!(snapshot.visible_len(), moment.list.iter().filter(visible).count());
    if script.below(16) == 0 {
        assert!(snapshot.list(None).eq(moment.list.iter()), "list() is ordered by id");
    }

    let (mut query, place) = query(moment, script);
    let odd = |stored: &StoredMerchant| stored.revision.0 % 2 == 1;
    let predicate: Option<&dyn Fn(&StoredMerchant) -> bool> =
        if script.below(4) == 0 { Some(&odd) } else { None };
    let control = SearchControl { predicate, ..SearchControl::default() };
    let all = scan(moment, &query, &place, predicate);
    for stored in moment.list.iter().take(20) {
        let distance = query.origin.distance(stored.merchant.position.to_wgs84().into());
        assert_eq!(
            query.covers(stored, &Effort::default()),
            place.allows(stored, distance, query.radius),
            "{query:?}"
        );
    }

    assert_eq!(snapshot.count(&query, control), Count { merchants: all.len(), stopped: false });
    let mut visited = Vec::new();
    assert!(snapshot.for_each(&query, control, |hit| visited.push((hit.distance, hit.merchant))));
    visited.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.merchant.id.cmp(&b.1.merchant.id)));
    assert_eq!(visited, all, "for_each visits all results");
    assert_first(snapshot, &query, control, &all);
    assert_pages(snapshot, &query, control, &all, script);
    assert_stopped(snapshot, &query, predicate, &all, script);
    query.limit = Limit::new(1 + script.below(600)).unwrap();
    let ranked = snapshot.search_iter(query.clone(), control).map(|hit| (hit.distance, hit.merchant));
    assert!(
        ranked.eq(all.iter().copied().take(query.limit.get())),
        "search_iter yields the results in order"
    );
    query.limit = Limit::UNLIMITED;
    assert_first(snapshot, &query, control, &all);
    7
}

fn query(moment: &Moment, script: &mut Script<'_>) -> (Query, Place) {
    let at_merchant = script.below(2) == 0 && !moment.list.is_empty();
    let at = if at_merchant {
        moment.list[script.below(moment.list.len())].merchant.position.to_wgs84()
    } else {
        displaced(moment.centre, 4_000.0 * script.unit(), 4_000.0 * script.unit())
    };
    let origin = Ecef::from(at);
    let some_distance = |script: &mut Script<'_>| match script.below(4) {
        // Exactly the distance of a merchant, and one bit to either side.
        0 if !moment.list.is_empty() => {
            let merchant = &moment.list[script.below(moment.list.len())];
            let distance_m = origin.distance(merchant.merchant.position.to_wgs84().into()).get();
            [distance_m, distance_m.next_down(), distance_m.next_up()][script.below(3)]
        }
        1 => 50_000.0,
        2 => 200.0 * (1.0 + script.unit()),
        _ => 2_500.0 * (1.0 + script.unit()),
    };
    let radius = Radius::new(some_distance(script).clamp(1e-9, Radius::MAX_M)).unwrap();
    let min_m = if script.below(4) == 0 { some_distance(script).max(0.0) } else { 0.0 };
    let terms = |script: &mut Script<'_>, max: usize| -> Vec<Term> {
        (0..script.below(max))
            .map(|_| if script.below(4) == 0 { ancestor(script) } else { term(script) })
            .collect()
    };
    let filter = Filter {
        visibility: [
            VisibilityFilter::Visible,
            VisibilityFilter::Visible,
            VisibilityFilter::All,
            VisibilityFilter::Hidden,
        ][script.below(4)],
        valid_at: [0, 1]
            .map(|_| (script.below(2) == 0).then(|| UnixMicros(i64::try_from(script.below(6)).unwrap()))),
        any_of: if script.below(2) == 0 { Vec::new() } else { vec![terms(script, 4); 1 + script.below(2)] },
        none_of: terms(script, 3),
        ranges: (0..script.below(6).saturating_sub(3)).map(|_| range(script)).collect(),
        condition: (script.below(8) == 0)
            .then(|| Condition::new(|stored: &StoredMerchant, _| stored.revision.0 % 3 != 1)),
        text: if script.below(8) == 0 {
            text(script).map(|text| TextFilter::new(text, names_of))
        } else {
            None
        },
    };
    let limit =
        Limit::new(1 + [script.below(8), script.below(40), script.below(2_000)][script.below(3)]).unwrap();
    let after = (script.below(4) == 0 && !moment.list.is_empty()).then(|| {
        let merchant = &moment.list[script.below(moment.list.len())];
        let distance = origin.distance(merchant.merchant.position.to_wgs84().into());
        // The rank is only a hint: any value is allowed.
        Cursor { distance, id: merchant.merchant.id.clone(), rank: script.below(3_000) }
    });
    let min_distance = Meters::new(min_m).unwrap();
    let place = Place::new(at, moment, script);
    let query = Query { min_distance, after, filter, ..Query::nearest(origin, radius, limit) };
    (place.restrict(query), place)
}

/// Returns a range of an attribute that many, few or no merchants have.
fn range(script: &mut Script<'_>) -> AttributeRange {
    let key = ["rating", "price", "rare", "unknown"][script.below(4)];
    let end = |script: &mut Script<'_>| (script.below(3) > 0).then(|| script.below(6) as f64 / 2.0);
    let (min, max) = (end(script), end(script));
    AttributeRange::new(key, min, max)
}

/// Returns the expected result of a query, ignoring its limit.
fn scan<'a>(
    moment: &'a Moment,
    query: &Query,
    place: &Place,
    predicate: Option<&dyn Fn(&StoredMerchant) -> bool>,
) -> Expected<'a> {
    let mut found: Expected<'a> = moment
        .list
        .iter()
        .map(|stored| (query.origin.distance(stored.merchant.position.to_wgs84().into()), stored))
        .filter(|(distance, stored)| {
            let id = &stored.merchant.id;
            query.min_distance <= *distance
                && place.allows(stored, *distance, query.radius)
                && query.after.as_ref().is_none_or(|after| (after.distance, &after.id) < (*distance, id))
                && query.filter.matches(stored, &Effort::default())
                && predicate.is_none_or(|predicate| predicate(stored))
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.merchant.id).cmp(&(b.0, &b.1.merchant.id)));
    found
}

fn found<'s>(hits: &Hits<'s>) -> Expected<'s> {
    hits.as_slice().iter().map(|hit| (hit.distance, hit.merchant)).collect()
}

fn assert_first(snapshot: &Snapshot, query: &Query, control: SearchControl<'_>, all: &Expected<'_>) {
    let mut hits = Hits::default();
    snapshot.search_into(query, control, &mut hits);
    let limit = query.limit.get().min(all.len());
    assert_eq!(found(&hits), all[..limit], "{query:?}");
    assert_eq!(hits.end(), if limit < all.len() { End::Limit } else { End::Complete });
}

/// Pages through the first results, reusing the same memory.
fn assert_pages(
    snapshot: &Snapshot,
    query: &Query,
    control: SearchControl<'_>,
    all: &Expected<'_>,
    script: &mut Script<'_>,
) {
    let page = 1 + script.below(30);
    let (mut query, mut hits) =
        (Query { limit: Limit::new(page).unwrap(), ..query.clone() }, Hits::default());
    for (number, expected) in all.chunks(page).take(20).enumerate() {
        snapshot.search_into(&query, control, &mut hits);
        assert_eq!(found(&hits), expected, "{query:?}");
        assert_eq!(hits.next().is_none(), (number + 1) * page >= all.len(), "the last page has no next page");
        query.after = hits.next();
    }
}

/// A stopped search reports it, its hits are a prefix of the full result, and resuming from its cursor finds
/// the rest.
fn assert_stopped(
    snapshot: &Snapshot,
    query: &Query,
    predicate: Option<&dyn Fn(&StoredMerchant) -> bool>,
    all: &Expected<'_>,
    script: &mut Script<'_>,
) {
    let left = Cell::new(script.below(6));
    let should_continue = || {
        let more = left.get() > 0;
        left.set(left.get().saturating_sub(1));
        more
    };
    let mut hits = Hits::default();
    snapshot.search_into(
        query,
        SearchControl { predicate, should_continue: Some(&should_continue), ..SearchControl::default() },
        &mut hits,
    );
    let limit = query.limit.get().min(all.len());
    assert_eq!(found(&hits), all[..hits.as_slice().len()], "a stopped search leaves no gap");
    match hits.end() {
        End::Stopped => assert!(hits.as_slice().len() <= limit),
        End::Limit => assert!(hits.as_slice().len() == limit && limit < all.len()),
        End::Complete => assert_eq!(hits.as_slice().len(), all.len()),
    }
    let rest = Query {
        after: hits.next().or_else(|| query.after.clone()),
        limit: Limit::UNLIMITED,
        ..query.clone()
    };
    if hits.end() != End::Complete {
        let mut rest_hits = Hits::default();
        snapshot.search_into(&rest, SearchControl { predicate, ..SearchControl::default() }, &mut rest_hits);
        assert_eq!(found(&rest_hits), all[hits.as_slice().len()..]);
    }
}
