//! The hot path: searches of a tree, with results exact to the last bit of their order.

mod bounds;
mod collector;
mod count;
mod iter;
mod parts;
mod restriction;
mod tagged_bounds;
mod top_k;
mod traversal;

pub use self::iter::SearchIter;
use self::{
    count::{Counter, ForEach},
    parts::Parts,
    top_k::TopK,
    traversal::Traversal,
};
use crate::{
    Count, Cursor, End, Hit, Hits, Limit, Meters, Query, SearchControl,
    tree::{Tree, bounding_boxes::SLACK},
};

/// Searches for the nearest merchants. Clears `hits` first.
pub(crate) fn search<'s>(tree: &'s Tree, query: &Query, control: SearchControl<'_>, hits: &mut Hits<'s>) {
    match Parts::of(query) {
        Parts::Whole(query) => search_part(tree, query, control, hits),
        Parts::Separate(parts) => search_parts(tree, query.limit, parts, control, hits),
    }
}

/// Searches part after part until the limit is reached.
fn search_parts<'s>(
    tree: &'s Tree,
    limit: Limit,
    parts: [Option<Box<Query>>; 2],
    control: SearchControl<'_>,
    hits: &mut Hits<'s>,
) {
    let mut found = Hits::default();
    let mut preceding = None;
    for mut part in parts.into_iter().flatten() {
        let room = limit.get() - found.hits.len();
        // One more hit tells whether there is another page.
        let probes = room == 0;
        part.limit = if limit == Limit::UNLIMITED { limit } else { Limit::new(room).unwrap_or(Limit::ONE) };
        search_part(tree, &part, control, hits);
        preceding.get_or_insert(hits.preceding);
        if probes {
            found.end = if hits.hits.is_empty() { hits.end } else { End::Limit };
        } else {
            found.hits.append(&mut hits.hits);
            found.end = hits.end;
        }
        if found.end != End::Complete {
            break;
        }
    }
    std::mem::swap(&mut hits.hits, &mut found.hits);
    (hits.end, hits.preceding) = (found.end, preceding.unwrap_or_default());
}

fn search_part<'s>(tree: &'s Tree, query: &Query, control: SearchControl<'_>, hits: &mut Hits<'s>) {
    let radius = query.radius.meters();
    hits.preceding = query.after.as_ref().map_or(0, |after| after.rank);
    let mut estimate = query.after.as_ref().and_then(|after| RadiusEstimate::new(after, query.limit));
    loop {
        let reach = estimate.as_ref().map_or(radius, RadiusEstimate::reach).min(radius);
        let in_order = query.limit != Limit::UNLIMITED;
        let top_k = TopK::new(query.limit, hits);
        let (top_k, stopped) = Traversal::new(query, control, reach, in_order, top_k).run(tree.root());
        let is_more = top_k.finish();
        hits.end = if is_more { End::Limit } else { End::Complete };
        if let Some(frontier2) = stopped {
            return stop(hits, frontier2);
        }
        match &mut estimate {
            Some(estimate) if !is_more && reach < radius => estimate.widen(),
            _ => return,
        }
    }
}

/// Truncates the hits of a stopped traversal to those that no unseen merchant can precede.
fn stop(hits: &mut Hits<'_>, frontier2: f32) {
    // Skipped subtrees are at least this far away: a chord is never longer than its arc, and a box bound is
    // at most SLACK times the squared chord. Dividing by SLACK errs towards a shorter distance, and so
    // towards fewer confirmed hits.
    let frontier2 = if frontier2 < f32::MIN_POSITIVE { 0.0 } else { frontier2 };
    let frontier_m = (f64::from(frontier2) / SLACK).sqrt();
    let sure = hits.hits.partition_point(|hit| hit.distance.get() < frontier_m);
    if sure < hits.hits.len() || hits.end == End::Complete {
        hits.hits.truncate(sure);
        hits.end = End::Stopped;
    }
}

/// Estimates the outer radius of a page that starts at a cursor from the number of results before it. Without
/// it, the traversal would examine everything between the cursor and the full radius until the collector has
/// narrowed the bound, which takes long: in a ring no direction is nearest. A wrong estimate only costs a
/// second, wider search.
struct RadiusEstimate {
    /// Square of the distance at which the page starts, m².
    from2: f64,
    /// Width of the page as a difference of squared distances, m².
    width2: f64,
}

impl RadiusEstimate {
    /// Returns `None` if the cursor gives no basis for an estimate, or if little is to be gained.
    fn new(after: &Cursor, limit: Limit) -> Option<Self> {
        // Twice the average area per result so far: density falls with the distance from population centres.
        const AREA_FACTOR: f64 = 2.0;
        let (rank, limit) = (u32::try_from(after.rank).ok()?, u32::try_from(limit.get()).ok()?);
        let from2 = after.distance.get() * after.distance.get();
        let width2 = AREA_FACTOR * from2 * (f64::from(limit) + 1.0) / f64::from(rank);
        // If the page covers as much area as everything before it, pruning saves little.
        (rank > 0 && width2 > 0.0 && width2 < from2).then_some(Self { from2, width2 })
    }

    fn reach(&self) -> Meters {
        Meters::from_valid((self.from2 + self.width2).min(f64::MAX).sqrt())
    }

    fn widen(&mut self) {
        self.width2 *= 8.0;
    }
}

/// Counts all merchants that a query matches, ignoring its limit.
pub(crate) fn count(tree: &Tree, query: &Query, control: SearchControl<'_>) -> Count {
    let mut total = Count { merchants: 0, stopped: false };
    for part in Parts::of(query).iter() {
        let traversal = Traversal::new(part, control, part.radius.meters(), false, Counter::default());
        let (counter, stopped) = traversal.run(tree.root());
        total.merchants += counter.merchants;
        total.stopped |= stopped.is_some();
    }
    total
}

/// Calls `show` for every merchant that a query matches, ignoring its limit, in no particular order. Returns
/// false if `control` stopped it early.
pub(crate) fn for_each<'s>(
    tree: &'s Tree,
    query: &Query,
    control: SearchControl<'_>,
    mut show: impl FnMut(Hit<'s>),
) -> bool {
    Parts::of(query).iter().all(|part| {
        let traversal = Traversal::new(part, control, part.radius.meters(), false, ForEach(&mut show));
        traversal.run(tree.root()).1.is_none()
    })
}
