//! The parts of a query: those near the origin, and those that serve it from beyond.
//!
//! A union is two searches one after the other: all merchants within the radius are nearer than any that serve the
//! origin from beyond it. Order, pages and counts follow without merging.

use crate::{Meters, Query, Reach};

/// The searches of a query, the nearer one first. `None` where a part has no result.
pub(super) enum Parts<'q> {
    /// The query as it is.
    Whole(&'q Query),
    /// Searches in the order of their results.
    Separate([Option<Box<Query>>; 2]),
}

impl<'q> Parts<'q> {
    pub(super) fn of(query: &'q Query) -> Self {
        match query.reach {
            Reach::Near | Reach::Serving(_) => Self::Whole(query),
            Reach::NearOrServing { point, radius } => {
                let edge = query.radius.meters();
                let is_past = query.after.as_ref().is_some_and(|after| after.distance > edge);
                let near = (!is_past).then(|| Box::new(Query { reach: Reach::Near, ..query.clone() }));
                let beyond = Meters::from_valid(edge.get().next_up());
                let min_distance = query.min_distance.max(beyond);
                let reach = Reach::Serving(point);
                let far = (radius.meters() >= min_distance)
                    .then(|| Box::new(Query { radius, reach, min_distance, ..query.clone() }));
                Self::Separate([near, far])
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Query> {
        let (whole, separate) = match self {
            Self::Whole(query) => (Some(*query), None),
            Self::Separate(parts) => (None, Some(parts.iter().flatten().map(|query| &**query))),
        };
        whole.into_iter().chain(separate.into_iter().flatten())
    }
}
