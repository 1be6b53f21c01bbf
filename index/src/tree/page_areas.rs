//! Service areas of a page: what a search for those that serve a point reads before any merchant.

use std::sync::Arc;

use super::{
    bitset::BitSet,
    bounding_boxes::{rounded_down, rounded_up},
};
use crate::{Effort, Meters, ServedPoint, ServiceArea, StoredMerchant};

/// The points of a page that have a service area. Absent from pages without any.
#[derive(Debug)]
pub(crate) struct PageAreas {
    points: BitSet,
    /// Largest reach, in metres, rounded up.
    reach_m: f32,
    /// In the order of their points, so that a point's rank in the set is its index here.
    areas: Box<[PointArea]>,
}

/// The service area of one point, with bounds that decide most searches without reading it.
#[derive(Debug)]
struct PointArea {
    area: ServiceArea,
    /// As [`ServiceArea::inner_m`], rounded down.
    inner_m: f32,
    /// As [`ServiceArea::reach`], rounded up.
    reach_m: f32,
    point: usize,
}

impl PageAreas {
    pub(super) fn new(records: &[Arc<StoredMerchant>]) -> Option<Box<Self>> {
        let area_of = |(point, stored): (usize, &Arc<StoredMerchant>)| {
            let area = stored.merchant.service_area()?;
            let (inner_m, reach_m) = (rounded_down(area.inner_m()), rounded_up(area.reach().get()));
            Some(PointArea { area: area.clone(), inner_m, reach_m, point })
        };
        let areas: Box<[PointArea]> = records.iter().enumerate().filter_map(area_of).collect();
        let mut points = BitSet::EMPTY;
        areas.iter().for_each(|area| points.insert(area.point));
        let reach_m = areas.iter().map(|area| area.reach_m).fold(0.0, f32::max);
        (!areas.is_empty()).then(|| Box::new(Self { points, reach_m, areas }))
    }

    /// Returns the largest reach, in metres, rounded up.
    pub(crate) fn reach_m(&self) -> f32 {
        self.reach_m
    }

    /// Returns the points that have a service area.
    pub(crate) fn points(&self) -> &BitSet {
        &self.points
    }

    /// Returns whether a point of the page serves another, which is at a distance from it. Exact.
    ///
    /// The bounds are rounded away from the decision, and compared in `f64`: within `inner_m` every point is served, and
    /// beyond `reach_m` none.
    #[inline(always)]
    pub(crate) fn serves(
        &self,
        point: usize,
        served: &ServedPoint,
        distance: Meters,
        effort: &Effort,
    ) -> bool {
        let Some(area) = self.areas.get(self.points.rank(point)).filter(|area| area.point == point) else {
            return false;
        };
        if distance.get() <= f64::from(area.inner_m) {
            return true;
        }
        let is_beyond = served.tolerance == Meters::ZERO && distance.get() > f64::from(area.reach_m);
        !is_beyond && area.area.serves(served, distance, effort)
    }
}
