//! One query of every kind, asked of the index and of the list.

use std::{cell::Cell, sync::Arc};

use nearby_index::*;

use super::{
    Script,
    history::{Moment, displaced, term},
};

/// What the list answers: distance and merchant, by rank.
type Expected<'a> = Vec<(Meters, &'a Arc<StoredMerchant>)>;

/// Asks of one moment. Returns how many answers were compared.
pub(crate) fn ask(moment: &Moment, script: &mut Script<'_>) -> usize {
    let snapshot = &*moment.snapshot;
    assert_eq!(snapshot.len(), moment.list.len());
    let visible = |stored: &&Arc<StoredMerchant>| stored.merchant.visibility == Visibility::Visible;
    assert_eq!(snapshot.visible_len(), moment.list.iter().filter(visible).count());
    if script.below(16) == 0 {
        assert!(snapshot.list(None).eq(moment.list.iter()), "listed by id");
    }

    let mut query = query(moment, script);
    let odd = |stored: &StoredMerchant| stored.revision.0 % 2 == 1;
    let accepts: Option<&dyn Fn(&StoredMerchant) -> bool> =
        if script.below(4) == 0 { Some(&odd) } else { None };
    let steering = Steering { accepts, ..Steering::default() };
    let all = scan(moment, &query, accepts);

    assert_eq!(snapshot.count(&query, steering), Count { merchants: all.len(), stopped: false });
    let mut shown = Vec::new();
    assert!(snapshot.for_each(&query, steering, |hit| shown.push((hit.distance, hit.merchant))));
    shown.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.merchant.id.cmp(&b.1.merchant.id)));
    assert_eq!(shown, all, "shown in no order");
    assert_first(snapshot, &query, steering, &all);
    assert_pages(snapshot, &query, steering, &all, script);
    assert_stopped(snapshot, &query, accepts, &all, script);
    query.limit = Limit::new(1 + script.below(600)).unwrap();
    let ranked = snapshot.ranked(query.clone(), steering).map(|hit| (hit.distance, hit.merchant));
    assert!(ranked.eq(all.iter().copied().take(query.limit.get())), "ranked as they are asked for");
    query.limit = Limit::NONE;
    assert_first(snapshot, &query, steering, &all);
    7
}

fn query(moment: &Moment, script: &mut Script<'_>) -> Query {
    let at_somebody = script.below(2) == 0 && !moment.list.is_empty();
    let origin = if at_somebody {
        Ecef::from(moment.list[script.below(moment.list.len())].merchant.position.to_wgs84())
    } else {
        Ecef::from(displaced(moment.centre, 4_000.0 * script.unit(), 4_000.0 * script.unit()))
    };
    let some_distance = |script: &mut Script<'_>| match script.below(4) {
        // To the bit where somebody is, and one bit to either side.
        0 if !moment.list.is_empty() => {
            let somebody = &moment.list[script.below(moment.list.len())];
            let distance_m = origin.distance(somebody.merchant.position.to_wgs84().into()).get();
            [distance_m, distance_m.next_down(), distance_m.next_up()][script.below(3)]
        }
        1 => 50_000.0,
        2 => 200.0 * (1.0 + script.unit()),
        _ => 2_500.0 * (1.0 + script.unit()),
    };
    let radius = Radius::new(some_distance(script).clamp(1e-9, Radius::MAX_M)).unwrap();
    let min_m = if script.below(4) == 0 { some_distance(script).max(0.0) } else { 0.0 };
    let terms = |script: &mut Script<'_>, most: usize| -> Vec<Term> {
        (0..script.below(most)).map(|_| term(script)).collect()
    };
    let filter = Filter {
        shown: [Shown::Visible, Shown::Visible, Shown::All, Shown::Hidden][script.below(4)],
        any_of: if script.below(2) == 0 { Vec::new() } else { vec![terms(script, 4); 1 + script.below(2)] },
        none_of: terms(script, 3),
    };
    let limit =
        Limit::new(1 + [script.below(8), script.below(40), script.below(2_000)][script.below(3)]).unwrap();
    let after = (script.below(4) == 0 && !moment.list.is_empty()).then(|| {
        let somebody = &moment.list[script.below(moment.list.len())];
        let distance = origin.distance(somebody.merchant.position.to_wgs84().into());
        // The rank is a hint: it may be anything.
        Cursor { distance, id: somebody.merchant.id.clone(), rank: script.below(3_000) }
    });
    Query { origin, min_distance: Meters::new(min_m).unwrap(), radius, limit, after, filter }
}

/// The list's answer to a query, whatever its limit.
fn scan<'a>(
    moment: &'a Moment,
    query: &Query,
    accepts: Option<&dyn Fn(&StoredMerchant) -> bool>,
) -> Expected<'a> {
    let mut found: Expected<'a> = moment
        .list
        .iter()
        .map(|stored| (query.origin.distance(stored.merchant.position.to_wgs84().into()), stored))
        .filter(|(distance, stored)| {
            let id = &stored.merchant.id;
            query.min_distance <= *distance
                && *distance <= query.radius.meters()
                && query.after.as_ref().is_none_or(|after| (after.distance, &after.id) < (*distance, id))
                && query.filter.lets_through(stored)
                && accepts.is_none_or(|accepts| accepts(stored))
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.merchant.id).cmp(&(b.0, &b.1.merchant.id)));
    found
}

fn found<'s>(hits: &Hits<'s>) -> Expected<'s> {
    hits.as_slice().iter().map(|hit| (hit.distance, hit.merchant)).collect()
}

fn assert_first(snapshot: &Snapshot, query: &Query, steering: Steering<'_>, all: &Expected<'_>) {
    let mut hits = Hits::default();
    snapshot.search_into(query, steering, &mut hits);
    let limit = query.limit.get().min(all.len());
    assert_eq!(found(&hits), all[..limit], "{query:?}");
    assert_eq!(hits.end(), if limit < all.len() { End::Limit } else { End::Complete });
}

/// Page after page, in the same memory, up to a few.
fn assert_pages(
    snapshot: &Snapshot,
    query: &Query,
    steering: Steering<'_>,
    all: &Expected<'_>,
    script: &mut Script<'_>,
) {
    let page = 1 + script.below(30);
    let (mut query, mut hits) =
        (Query { limit: Limit::new(page).unwrap(), ..query.clone() }, Hits::default());
    for (number, expected) in all.chunks(page).take(20).enumerate() {
        snapshot.search_into(&query, steering, &mut hits);
        assert_eq!(found(&hits), expected, "{query:?}");
        assert_eq!(hits.next().is_none(), (number + 1) * page >= all.len(), "the last page has no next one");
        query.after = hits.next();
    }
}

/// A search that is stopped says so, what it has found is what comes first, and going on from there finds the rest.
fn assert_stopped(
    snapshot: &Snapshot,
    query: &Query,
    accepts: Option<&dyn Fn(&StoredMerchant) -> bool>,
    all: &Expected<'_>,
    script: &mut Script<'_>,
) {
    let left = Cell::new(script.below(6));
    let goes_on = || {
        let more = left.get() > 0;
        left.set(left.get().saturating_sub(1));
        more
    };
    let mut hits = Hits::default();
    snapshot.search_into(query, Steering { accepts, goes_on: Some(&goes_on) }, &mut hits);
    let limit = query.limit.get().min(all.len());
    assert_eq!(found(&hits), all[..hits.as_slice().len()], "a search that stops leaves no gap");
    match hits.end() {
        End::Stopped => assert!(hits.as_slice().len() <= limit),
        End::Limit => assert!(hits.as_slice().len() == limit && limit < all.len()),
        End::Complete => assert_eq!(hits.as_slice().len(), all.len()),
    }
    let rest =
        Query { after: hits.next().or_else(|| query.after.clone()), limit: Limit::NONE, ..query.clone() };
    if hits.end() != End::Complete {
        let mut rest_hits = Hits::default();
        snapshot.search_into(&rest, Steering { accepts, goes_on: None }, &mut rest_hits);
        assert_eq!(found(&rest_hits), all[hits.as_slice().len()..]);
    }
}
