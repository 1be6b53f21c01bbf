//! Worlds to search in, made from a seed: the same on every machine and every time.

use std::{f64::consts::TAU, sync::Arc};

use nearby_index::{
    AnyPosition, IndexWriter, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, UnixMicros,
    Visibility, Wgs84,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Merchants in cities whose sizes fall off as Zipf's law says, each city a normal spread around its centre.
#[derive(Debug)]
pub struct Cities {
    cities: Vec<City>,
    random: Pcg64Mcg,
}

#[derive(Clone, Copy, Debug)]
struct City {
    latitude: f64,
    longitude: f64,
    /// Standard deviation of the merchants' distance from the centre along each axis, in metres.
    spread_m: f64,
    /// Share of all merchants that lie in this city or in one before it.
    share_up_to: f64,
}

/// Metres of a degree of latitude, near enough to place merchants by.
const DEGREE_M: f64 = 111_195.0;

impl Cities {
    /// So many cities between 60° S and 70° N: the n-th has a share proportional to n^-0.9, and a spread of 3 to 12 km.
    #[must_use]
    pub fn new(cities: u32, seed: u64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let weights: Vec<f64> = (1..=cities).map(|rank| libm::pow(f64::from(rank), -0.9)).collect();
        let total: f64 = weights.iter().sum();
        let mut up_to = 0.0;
        let cities = weights
            .into_iter()
            .map(|weight| {
                up_to += weight / total;
                City {
                    latitude: random.random_range(-60.0..70.0),
                    longitude: random.random_range(-179.0..179.0),
                    spread_m: random.random_range(3_000.0..12_000.0),
                    share_up_to: up_to,
                }
            })
            .collect();
        Self { cities, random }
    }

    /// One more point where merchants, and so people, are.
    pub fn point(&mut self) -> Position<Wgs84> {
        let share = self.random.random_range(0.0..1.0);
        let at = self.cities.partition_point(|city| city.share_up_to < share);
        let city = self.cities[at.min(self.cities.len() - 1)];
        let (north, east) = normal_pair(&mut self.random);
        let latitude = city.latitude + north * city.spread_m / DEGREE_M;
        let shrink = libm::cos(city.latitude.to_radians());
        let longitude = city.longitude + east * city.spread_m / (DEGREE_M * shrink);
        // A spread of 12 km never reaches a pole from 70° or the antimeridian by more than the clamp takes back.
        Position::new(latitude.clamp(-90.0, 90.0), longitude.clamp(-180.0, 180.0))
            .unwrap_or_else(|_| self.point())
    }
}

/// Two independent normal deviates (Box and Muller, 1958).
fn normal_pair(random: &mut impl Rng) -> (f64, f64) {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    let radius = (-2.0 * libm::log(1.0 - random.random_range(0.0..1.0))).sqrt();
    let (sin, cos) = libm::sincos(TAU * random.random_range(0.0..1.0));
    (radius * sin, radius * cos)
}

/// An index of merchants at points.
#[must_use]
pub fn index(points: &[Position<Wgs84>]) -> IndexWriter {
    let stored = points.iter().enumerate().filter_map(|(number, position)| {
        Some(Arc::new(StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse(&format!("m{number}")).ok()?,
                position: AnyPosition::Wgs84(*position),
                visibility: Visibility::Visible,
                profile: Profile::new(&[]).ok()?,
            },
            revision: Revision(1),
            create_time: UnixMicros(0),
            update_time: UnixMicros(0),
        }))
    });
    IndexWriter::load(stored, Revision(1))
}
