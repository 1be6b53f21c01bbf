//! The hot path: what a tree answers to a query, exact to the last bit of the order.

mod bounds;
mod count;
mod iter;
mod top_k;
mod traversal;

pub use self::iter::Ranked;
use self::{
    count::{Counter, Each},
    top_k::Nearest,
    traversal::Walk,
};
use crate::{
    Count, Cursor, End, Hit, Hits, Limit, Meters, Query, Steering,
    tree::{Tree, bounding_boxes::SLACK},
};

/// Finds the nearest. Whatever `hits` held is gone.
pub(crate) fn search<'s>(tree: &'s Tree, query: &Query, steering: Steering<'_>, hits: &mut Hits<'s>) {
    let radius = query.radius.meters();
    hits.earlier = query.after.as_ref().map_or(0, |after| after.rank);
    let mut guess = query.after.as_ref().and_then(|after| Guess::new(after, query.limit));
    loop {
        let reach = guess.as_ref().map_or(radius, Guess::reach).min(radius);
        let in_order = query.limit != Limit::NONE;
        let nearest = Nearest::new(query.limit, hits);
        let (nearest, stopped) = Walk::new(query, steering, reach, in_order, nearest).run(tree.root());
        let is_more = nearest.finish();
        hits.end = if is_more { End::Limit } else { End::Complete };
        if let Some(frontier2) = stopped {
            return stop(hits, frontier2);
        }
        match &mut guess {
            Some(guess) if !is_more && reach < radius => guess.widen(),
            _ => return,
        }
    }
}

/// Leaves of the hits of a walk that was stopped those that nothing unseen can come before.
fn stop(hits: &mut Hits<'_>, frontier2: f32) {
    // What was left out is at least this far: a chord is never longer than its arc.
    let frontier2 = if frontier2 < f32::MIN_POSITIVE { 0.0 } else { frontier2 };
    let frontier_m = (f64::from(frontier2) / SLACK).sqrt();
    let sure = hits.hits.partition_point(|hit| hit.distance.get() < frontier_m);
    if sure < hits.hits.len() || hits.end == End::Complete {
        hits.hits.truncate(sure);
        hits.end = End::Stopped;
    }
}

/// How far a page reaches that begins somewhere in the middle, judged by how many merchants came before it. It spares the
/// walk all that lies far behind the page, which it otherwise learns only little by little: around a circle there is
/// nothing that is nearest to begin with.
struct Guess {
    /// Square of where the page begins, m².
    from2: f64,
    /// By how much the square grows, m².
    by2: f64,
}

impl Guess {
    /// `None` where there is nothing to judge by.
    fn new(after: &Cursor, limit: Limit) -> Option<Self> {
        // Twice the room that so many took on average so far: merchants thin out away from people.
        const ROOM: f64 = 2.0;
        let (rank, limit) = (u32::try_from(after.rank).ok()?, u32::try_from(limit.get()).ok()?);
        let from2 = after.distance.get() * after.distance.get();
        let by2 = ROOM * from2 * (f64::from(limit) + 1.0) / f64::from(rank);
        // Where the page is as wide as all before it, there is little to be spared.
        (rank > 0 && by2 > 0.0 && by2 < from2).then_some(Self { from2, by2 })
    }

    fn reach(&self) -> Meters {
        Meters::from_valid((self.from2 + self.by2).min(f64::MAX).sqrt())
    }

    fn widen(&mut self) {
        self.by2 *= 8.0;
    }
}

/// Counts all that a query could page through, whatever its limit.
pub(crate) fn count(tree: &Tree, query: &Query, steering: Steering<'_>) -> Count {
    let walk = Walk::new(query, steering, query.radius.meters(), false, Counter::default());
    let (counter, stopped) = walk.run(tree.root());
    Count { merchants: counter.merchants, stopped: stopped.is_some() }
}

/// Shows all that a query could page through, whatever its limit, in no order. Returns whether that was all.
pub(crate) fn for_each<'s>(
    tree: &'s Tree,
    query: &Query,
    steering: Steering<'_>,
    show: impl FnMut(Hit<'s>),
) -> bool {
    let walk = Walk::new(query, steering, query.radius.meters(), false, Each(show));
    walk.run(tree.root()).1.is_none()
}
