//! The rivals: crates that could be used instead of this index, each used as its documentation recommends for this task.
//!
//! | rival | why |
//! |---|---|
//! | kiddo `ImmutableKdTree` | the fastest k-d tree in Rust; it cannot be updated |
//! | kiddo `MutableKdTree` | its counterpart with updates, which a live index requires |
//! | rstar `RTree` | a general-purpose R-tree, with incremental nearest-neighbour iteration |
//! | geo-index `RTree` | a packed, static R-tree over two dimensions |
//! | linear scan | the floor: no index at all |
//!
//! Three-dimensional rivals receive the same earth-centred metres as this index, so that their results are exact up to the
//! difference between chord and geodesic. geo-index is two-dimensional: it receives degrees and searches a bounding box, whose
//! contents are then measured.

use std::num::NonZero;

use geo_index::rtree::{RTree as PackedTree, RTreeBuilder, RTreeIndex, sort::HilbertSort};
use kiddo::{ImmutableKdTree, MutableKdTree, SquaredEuclidean};
use nearby_index::{Ecef, Position, Wgs84};
use rstar::{RTree, primitives::GeomWithData};

/// A result: the squared chord in m², and the merchant's number.
pub(crate) type Found = (f64, u64);

/// Origin of a search in both forms, so that conversion is not timed.
pub(crate) struct Origin {
    pub(crate) degrees: Position<Wgs84>,
    pub(crate) place: Ecef,
}

impl From<Position<Wgs84>> for Origin {
    fn from(degrees: Position<Wgs84>) -> Self {
        Self { degrees, place: degrees.into() }
    }
}

/// A rival.
pub(crate) trait Rival {
    /// Returns the `count` nearest within a radius, nearest first.
    fn nearest(&self, origin: &Origin, count: usize, radius_m: f64) -> Vec<Found>;

    /// Returns all within a radius, nearest first.
    fn within(&self, origin: &Origin, radius_m: f64) -> Vec<Found>;
}

fn xyz_m(position: Position<Wgs84>) -> [f64; 3] {
    Ecef::from(position).xyz_m()
}

pub(crate) struct Immutable(ImmutableKdTree<f64, 3>);

impl Immutable {
    pub(crate) fn new(places: &[Position<Wgs84>]) -> Self {
        let points: Vec<[f64; 3]> = places.iter().copied().map(xyz_m).collect();
        Self(ImmutableKdTree::new_from_slice(&points).unwrap())
    }
}

pub(crate) struct Mutable(MutableKdTree<f64, 3>);

impl Mutable {
    pub(crate) fn new(places: &[Position<Wgs84>]) -> Self {
        let mut tree = MutableKdTree::default();
        for (place, number) in places.iter().zip(0..) {
            tree.add(&xyz_m(*place), number).unwrap();
        }
        Self(tree)
    }
}

macro_rules! kiddo {
    ($tree:ty) => {
        impl Rival for $tree {
            fn nearest(&self, origin: &Origin, count: usize, radius_m: f64) -> Vec<Found> {
                let found = self
                    .0
                    .query(&origin.place.xyz_m())
                    .nearest_n::<SquaredEuclidean<f64>>(NonZero::new(count).unwrap())
                    .within(radius_m * radius_m)
                    .execute();
                found.into_iter().map(|found| (found.distance, found.item.into())).collect()
            }

            fn within(&self, origin: &Origin, radius_m: f64) -> Vec<Found> {
                let found = self
                    .0
                    .query(&origin.place.xyz_m())
                    .within::<SquaredEuclidean<f64>>(radius_m * radius_m)
                    .execute();
                found.into_iter().map(|found| (found.distance, found.item.into())).collect()
            }
        }
    };
}

kiddo!(Immutable);
kiddo!(Mutable);

pub(crate) struct Rstar(RTree<GeomWithData<[f64; 3], u64>>);

impl Rstar {
    pub(crate) fn new(places: &[Position<Wgs84>]) -> Self {
        let points = places.iter().zip(0..).map(|(place, number)| GeomWithData::new(xyz_m(*place), number));
        Self(RTree::bulk_load(points.collect()))
    }

    fn iter(&self, origin: &Origin, radius_m: f64) -> impl Iterator<Item = Found> {
        self.0
            .nearest_neighbor_iter_with_distance_2(origin.place.xyz_m())
            .take_while(move |(_, chord2)| *chord2 <= radius_m * radius_m)
            .map(|(point, chord2)| (chord2, point.data))
    }
}

impl Rival for Rstar {
    fn nearest(&self, origin: &Origin, count: usize, radius_m: f64) -> Vec<Found> {
        self.iter(origin, radius_m).take(count).collect()
    }

    fn within(&self, origin: &Origin, radius_m: f64) -> Vec<Found> {
        self.iter(origin, radius_m).collect()
    }
}

pub(crate) struct Packed {
    tree: PackedTree<f64>,
    points: Vec<[f64; 3]>,
}

impl Packed {
    pub(crate) fn new(places: &[Position<Wgs84>]) -> Self {
        let mut tree = RTreeBuilder::<f64>::new(u32::try_from(places.len()).unwrap());
        for place in places {
            let (x, y) = (place.longitude_deg(), place.latitude_deg());
            tree.add(x, y, x, y);
        }
        Self { tree: tree.finish::<HilbertSort>(), points: places.iter().copied().map(xyz_m).collect() }
    }
}

impl Rival for Packed {
    fn nearest(&self, origin: &Origin, count: usize, radius_m: f64) -> Vec<Found> {
        let mut found = self.unsorted(origin, radius_m);
        if found.len() > count {
            found.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0));
            found.truncate(count);
        }
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        found
    }

    fn within(&self, origin: &Origin, radius_m: f64) -> Vec<Found> {
        self.nearest(origin, usize::MAX, radius_m)
    }
}

impl Packed {
    fn unsorted(&self, origin: &Origin, radius_m: f64) -> Vec<Found> {
        // A bounding box of the circle. The dataset has no points near the poles or the antimeridian.
        let north_deg = radius_m / 110_500.0;
        let (latitude, longitude) = (origin.degrees.latitude_deg(), origin.degrees.longitude_deg());
        let east_deg = radius_m / (111_300.0 * libm::cos((latitude.abs() + north_deg).to_radians()));
        let [x, y, z] = origin.place.xyz_m();
        self.tree
            .search(longitude - east_deg, latitude - north_deg, longitude + east_deg, latitude + north_deg)
            .into_iter()
            .map(|number| {
                let at = self.points[number as usize];
                ((x - at[0]).powi(2) + (y - at[1]).powi(2) + (z - at[2]).powi(2), u64::from(number))
            })
            .filter(|(chord2, _)| *chord2 <= radius_m * radius_m)
            .collect()
    }
}

/// Computes every distance for each query.
pub(crate) struct Scan(Vec<[f64; 3]>);

impl Scan {
    pub(crate) fn new(places: &[Position<Wgs84>]) -> Self {
        Self(places.iter().copied().map(xyz_m).collect())
    }
}

impl Rival for Scan {
    fn nearest(&self, origin: &Origin, count: usize, radius_m: f64) -> Vec<Found> {
        let mut all = self.within(origin, radius_m);
        all.truncate(count);
        all
    }

    fn within(&self, origin: &Origin, radius_m: f64) -> Vec<Found> {
        let [x, y, z] = origin.place.xyz_m();
        let mut found: Vec<Found> = self
            .0
            .iter()
            .zip(0..)
            .map(|(at, number)| ((x - at[0]).powi(2) + (y - at[1]).powi(2) + (z - at[2]).powi(2), number))
            .filter(|(chord2, _)| *chord2 <= radius_m * radius_m)
            .collect();
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        found
    }
}
