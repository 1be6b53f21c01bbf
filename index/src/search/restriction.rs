//! Conditions of a query on the service areas and the positions of merchants: what they rule out of the tree, and
//! which merchants meet them.

use super::bounds::OuterBound;
use crate::{
    Ecef, Effort, Hit, Meters, Query, Reach, SearchArea, ServedPoint,
    tree::{
        Node,
        bounding_boxes::{BoundingBoxes, MAX_CHILDREN, MAX_LEAVES},
        page::Packed,
        page_areas::PageAreas,
    },
};

/// The service areas of a page, and the number of a point.
pub(super) type AreaOfPoint<'s> = (&'s PageAreas, usize);

/// Conditions on service areas and positions.
#[derive(Clone, Copy)]
pub(super) struct Restriction<'q> {
    /// The point to be served.
    point: Option<&'q ServedPoint>,
    area: Option<&'q SearchArea>,
}

impl<'q> Restriction<'q> {
    /// Returns the conditions of a query; `None` if it has none.
    pub(super) fn of(query: &'q Query) -> Option<Self> {
        let point = match &query.reach {
            Reach::Near | Reach::NearOrServing { .. } => None,
            Reach::Serving(point) => Some(point),
        };
        let area = query.area.as_deref();
        (point.is_some() || area.is_some()).then_some(Self { point, area })
    }

    /// Returns whether only merchants with a service area can meet the conditions.
    pub(super) fn asks_who_serves(&self) -> bool {
        self.point.is_some()
    }

    /// Returns the children of a node that may contain a hit, one bit each. `nearest2` are the bounds on their
    /// distances.
    pub(super) fn children(&self, node: &Node, nearest2: &[f32; MAX_CHILDREN]) -> u64 {
        let among = self.point.map_or(u64::MAX, |point| within_reach(node, nearest2, point.tolerance));
        among & within_area(node.boxes(), self.area)
    }

    /// Returns the leaves of a page that may contain a hit, one bit each. `nearest2` are the bounds on their distances.
    pub(super) fn leaves(&self, packed: &Packed, nearest2: &[f32; MAX_LEAVES]) -> u64 {
        let among = match (self.point, packed.areas()) {
            (None, _) => u64::MAX,
            (Some(_), None) => 0,
            (Some(point), Some(areas)) => {
                let bound = reach_bound(areas.reach_m(), point.tolerance);
                (0..MAX_LEAVES).fold(0, |leaves, leaf| leaves | u64::from(nearest2[leaf] <= bound) << leaf)
            }
        };
        among & within_area(packed.boxes(), self.area)
    }

    /// Returns whether a merchant meets the conditions. Exact.
    pub(super) fn allows<'s>(
        &self,
        hit: &Hit<'_>,
        position: impl Fn() -> Ecef,
        area: impl Fn() -> Option<AreaOfPoint<'s>>,
        effort: &Effort,
    ) -> bool {
        let merchant = &hit.merchant.merchant;
        let is_within =
            |area: &SearchArea| area.contains(position(), || merchant.position.to_wgs84(), effort);
        let serves = |served| match area() {
            Some((areas, point)) => areas.serves(point, served, hit.distance, effort),
            None => merchant.service_area().is_some_and(|area| area.serves(served, hit.distance, effort)),
        };
        self.area.is_none_or(is_within) && self.point.is_none_or(serves)
    }
}

/// Returns the children below which a service area may reach the origin, up to a tolerance.
///
/// `reaches` are rounded up, and no area has a point farther from its merchant than its reach. A child is ruled out only
/// if its nearest point is strictly beyond the farthest reach below it, by the argument of
/// [`OuterBound`](super::bounds::OuterBound). A child without an area has no reach.
fn within_reach(node: &Node, nearest2: &[f32; MAX_CHILDREN], tolerance: Meters) -> u64 {
    let Some(reaches) = node.reaches() else { return 0 };
    (0..MAX_CHILDREN).fold(0, |children, number| {
        let reaches = reaches[number] > 0.0 && nearest2[number] <= reach_bound(reaches[number], tolerance);
        children | u64::from(reaches) << number
    })
}

/// Returns the bound of boxes within a reach and a tolerance. It exceeds their sum by more than its rounding, and by the
/// stretch of distances in the plane of polygons.
fn reach_bound(reach_m: f32, tolerance: Meters) -> f32 {
    const STRETCH: f64 = 1.001;

    OuterBound::new(Meters::from_valid((f64::from(reach_m) + tolerance.get()) * STRETCH)).nearest2
}

/// Returns the boxes that are not entirely outside one of the half-spaces whose intersection contains the area.
fn within_area<const N: usize>(boxes: &BoundingBoxes<N>, area: Option<&SearchArea>) -> u64 {
    let outside = |half_space| boxes.outside(half_space);
    !area.map_or(0, |area| area.half_spaces().iter().map(outside).fold(0, |all, more| all | more))
}
