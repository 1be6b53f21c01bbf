//! The effect of an inaccurate origin: results that may not belong to a search, and merchants that it may have left out.

use nearby_index::{Effort, Hit, Limit, Meters, Query, Radius, Reach, ServedPoint};

use crate::grpc::convert::Expansion;

/// Returns whether the origin is within its accuracy of an edge that decides whether a result belongs to a search: one of the
/// ring, or one of the merchant's service area.
pub(super) fn is_uncertain(hit: &Hit<'_>, query: &Query, accuracy_m: f64, effort: &Effort) -> bool {
    if accuracy_m <= 0.0 {
        return false;
    }
    let is_near = |edge: Meters| (hit.distance.get() - edge.get()).abs() <= accuracy_m;
    if query.min_distance > Meters::ZERO && is_near(query.min_distance) {
        return true;
    }
    let edge = query.radius.meters();
    // The distance from the edge of the service area: positive if the merchant serves the origin.
    let depth_m = |point: &ServedPoint| {
        let area = hit.merchant.merchant.service_area();
        area.map_or(f64::NEG_INFINITY, |area| area.depth_m(point, hit.distance, effort))
    };
    match &query.reach {
        Reach::Near => is_near(edge),
        Reach::Serving(point) => is_near(edge) || depth_m(point) <= accuracy_m,
        Reach::NearOrServing { point, radius } => {
            let depth_m = depth_m(point);
            let surely_serves = depth_m > accuracy_m && !is_near(radius.meters());
            let is_filler = hit.distance > edge && depth_m < 0.0;
            let surely_near =
                if is_filler { !is_near(edge) } else { hit.distance.get() + accuracy_m < edge.get() };
            !surely_serves && !surely_near
        }
    }
}

/// The number of merchants that are not in a search, but may be if the origin is where its accuracy allows. `count` counts
/// the merchants of a query from a distance on, and `results` the results of the whole search without its expansion.
pub(super) fn possible_omissions(
    query: &Query,
    accuracy_m: f64,
    expansion: Option<Expansion>,
    count: impl Fn(&Query, Meters) -> Option<usize>,
    results: impl Fn() -> Option<usize>,
) -> Option<usize> {
    let whole = Query { after: None, limit: Limit::UNLIMITED, ..query.clone() };
    // A search that starts at an inner radius, from a distance on.
    let between = |inner_m: f64, from_m: f64, to_m: f64| {
        let (Some(min_distance), Some(from), Ok(radius)) =
            (Meters::new(inner_m), Meters::new(from_m), Radius::new(to_m))
        else {
            return Some(0);
        };
        if from > radius.meters() {
            return Some(0);
        }
        // An expansion adds merchants that are near.
        let reach = match whole.reach {
            Reach::NearOrServing { .. } => Reach::Near,
            reach => reach,
        };
        count(&Query { min_distance, radius, reach, ..whole.clone() }, from)
    };
    let (from_m, to_m) = (query.min_distance.get(), query.radius.meters().get());
    let (outside, inside) = match query.reach {
        Reach::Near => {
            let outside = between(from_m, to_m.next_up(), (to_m + accuracy_m).min(Radius::MAX_M))?;
            let inner_m = (from_m - accuracy_m).max(0.0);
            let inside = if from_m > 0.0 { between(inner_m, inner_m, from_m.next_down())? } else { 0 };
            (outside, inside)
        }
        // The results are among those of the wider search.
        _ => {
            (count(&wider(&whole, accuracy_m), Meters::ZERO)?.saturating_sub(count(&whole, Meters::ZERO)?), 0)
        }
    };
    // An expanded search returns the nearest of those outside.
    let expanded = match expansion {
        Some(expansion) if outside > 0 => {
            let beyond = between(from_m, to_m.next_up(), expansion.radius.meters().get())?;
            expansion.min_results.saturating_sub(results()?).min(beyond)
        }
        _ => 0,
    };
    Some(outside.saturating_sub(expanded) + inside)
}

/// The search with every edge moved by an accuracy.
fn wider(query: &Query, accuracy_m: f64) -> Query {
    let tolerant = |point: ServedPoint| {
        let tolerance = Meters::new(accuracy_m.min(Radius::MAX_M)).unwrap_or(Meters::ZERO);
        ServedPoint { tolerance, ..point }
    };
    let moved = |radius: Radius| Radius::new(radius.meters().get() + accuracy_m).unwrap_or(Radius::MAX);
    Query {
        min_distance: Meters::new((query.min_distance.get() - accuracy_m).max(0.0)).unwrap_or(Meters::ZERO),
        radius: moved(query.radius),
        reach: match query.reach {
            Reach::Near => Reach::Near,
            Reach::Serving(point) => Reach::Serving(tolerant(point)),
            Reach::NearOrServing { point, radius } => {
                Reach::NearOrServing { point: tolerant(point), radius: moved(radius) }
            }
        },
        ..query.clone()
    }
}
