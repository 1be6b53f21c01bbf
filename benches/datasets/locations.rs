//! Where merchants are, and where people who look for them stand.

use std::{f64::consts::TAU, fs::File, path::PathBuf};

use flate2::read::GzDecoder;
use nearby_index::{Position, Wgs84};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Metres of a degree of latitude, near enough to place merchants by.
const DEGREE_M: f64 = 111_195.0;

/// Where merchants are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// 400 cities between 60° S and 70° N: the n-th has a share proportional to n⁻⁰·⁹ (Zipf), each a normal spread of 3 to
    /// 12 km around its centre. People stand where merchants do.
    Cities,
    /// Evenly all over the earth; people stand at merchants.
    Uniform,
    /// Evenly over a square in which a circle of 5 km holds 36,000 of a million.
    Dense,
    /// All on one point; people stand up to 3 km away from it.
    Mall,
    /// Evenly over a square of 40 km that the antimeridian cuts in two.
    Antimeridian,
    /// The food hygiene ratings of London, as they were published; people stand at merchants.
    London,
}

impl World {
    /// So many places, and so many points to search from. `None` where the real file is not at hand.
    #[must_use]
    pub fn places(self, places: usize, origins: usize, seed: u64) -> Option<[Vec<Position<Wgs84>>; 2]> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        if self == Self::London {
            let all = london()?;
            let origins = (0..origins).map(|_| all[random.random_range(0..all.len())]).collect();
            return Some([all.into_iter().take(places).collect(), origins]);
        }
        let cities = cities(&mut random);
        let mut make = |is_origin: bool, count: usize| -> Vec<Position<Wgs84>> {
            (0..count).map(|_| self.point(&cities, is_origin, &mut random)).collect()
        };
        Some([make(false, places), make(true, origins)])
    }

    fn point(self, cities: &[City], is_origin: bool, random: &mut Pcg64Mcg) -> Position<Wgs84> {
        let mut square = |(latitude, longitude): (f64, f64), side_m: f64| {
            let half = side_m / 2.0;
            displaced(latitude, longitude, random.random_range(-half..half), random.random_range(-half..half))
        };
        match self {
            Self::Cities | Self::London => {
                let share = random.random_range(0.0..1.0);
                let city = cities.partition_point(|city| city.share_up_to < share);
                let city = cities[city.min(cities.len() - 1)];
                let (north, east) = normal_pair(random);
                displaced(city.latitude, city.longitude, north * city.spread_m, east * city.spread_m)
            }
            Self::Uniform => {
                let sine: f64 = random.random_range(-1.0..1.0);
                position(libm::asin(sine).to_degrees(), random.random_range(-180.0..180.0))
            }
            Self::Dense => square((39.9, 116.4), 46_700.0),
            Self::Mall if is_origin => square((31.23, 121.47), 4_000.0),
            Self::Mall => position(31.23, 121.47),
            Self::Antimeridian => square((-16.8, 180.0), 40_000.0),
        }
    }
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

fn cities(random: &mut Pcg64Mcg) -> Vec<City> {
    let weights: Vec<f64> = (1..=400u32).map(|rank| libm::pow(f64::from(rank), -0.9)).collect();
    let total: f64 = weights.iter().sum();
    let mut share_up_to = 0.0;
    let city = |weight| {
        share_up_to += weight / total;
        City {
            latitude: random.random_range(-60.0..70.0),
            longitude: random.random_range(-179.0..179.0),
            spread_m: random.random_range(3_000.0..12_000.0),
            share_up_to,
        }
    };
    weights.into_iter().map(city).collect()
}

fn displaced(latitude: f64, longitude: f64, north_m: f64, east_m: f64) -> Position<Wgs84> {
    let shrink = libm::cos(latitude.to_radians());
    position(latitude + north_m / DEGREE_M, longitude + east_m / (DEGREE_M * shrink))
}

/// The position of degrees that may lie a little beyond the antimeridian.
fn position(latitude: f64, longitude: f64) -> Position<Wgs84> {
    let longitude = if longitude > 180.0 {
        longitude - 360.0
    } else if longitude < -180.0 {
        longitude + 360.0
    } else {
        longitude
    };
    Position::new(latitude.clamp(-90.0, 90.0), longitude).unwrap_or_else(|_| position(0.0, 0.0))
}

/// Two independent normal deviates (Box and Muller, 1958).
fn normal_pair(random: &mut impl Rng) -> (f64, f64) {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    let radius = (-2.0 * libm::log(1.0 - random.random_range(0.0..1.0))).sqrt();
    let (sin, cos) = libm::sincos(TAU * random.random_range(0.0..1.0));
    (radius * sin, radius * cos)
}

/// The folder of the real files, if there is one: `NEARBY_REAL_DATA`, or `../shared/data`.
#[must_use]
pub fn real_data() -> Option<PathBuf> {
    let folder =
        std::env::var_os("NEARBY_REAL_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn london() -> Option<Vec<Position<Wgs84>>> {
    let file = File::open(real_data()?.join("london_food_2020.csv.gz")).ok()?;
    let mut rows = csv::Reader::from_reader(GzDecoder::new(file));
    let headers = rows.headers().ok()?.clone();
    let column = |name| headers.iter().position(|header| header == name);
    let (latitude, longitude) = (column("lat")?, column("lon")?);
    let number = |row: &csv::StringRecord, column: usize| row.get(column)?.parse::<f64>().ok();
    let place =
        |row: csv::StringRecord| Position::new(number(&row, latitude)?, number(&row, longitude)?).ok();
    Some(rows.records().filter_map(|row| place(row.ok()?)).collect())
}
