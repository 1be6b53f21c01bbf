//! Locations of merchants, and origins of searches.

use std::{f64::consts::TAU, fs::File, path::PathBuf};

use flate2::read::GzDecoder;
use nearby_index::{Position, Wgs84};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Metres per degree of latitude: precise enough for placing merchants.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A distribution of merchants and of the origins of searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// 400 cities between 60° S and 70° N: the n-th has a share proportional to n⁻⁰·⁹ (Zipf), each spread
    /// normally by 3 to 12 km around its centre. Origins are distributed like merchants.
    Cities,
    /// Uniform over the earth, origins too.
    Uniform,
    /// Uniform over a square in which a circle of 5 km holds 36,000 of a million merchants.
    Dense,
    /// All merchants at one point; origins up to 3 km away.
    Mall,
    /// Uniform over a square of 40 km that the antimeridian crosses.
    Antimeridian,
    /// The published food hygiene ratings of London; origins are merchants.
    London,
}

impl Dataset {
    /// Returns merchant locations and search origins; `None` if the dataset's file is not available.
    #[must_use]
    pub fn points(self, merchants: usize, origins: usize, seed: u64) -> Option<[Vec<Position<Wgs84>>; 2]> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        if self == Self::London {
            let all = london()?;
            let origins = (0..origins).map(|_| all[random.random_range(0..all.len())]).collect();
            return Some([all.into_iter().take(merchants).collect(), origins]);
        }
        let cities = cities(&mut random);
        let mut make = |is_origin: bool, count: usize| -> Vec<Position<Wgs84>> {
            (0..count).map(|_| self.point(&cities, is_origin, &mut random)).collect()
        };
        Some([make(false, merchants), make(true, origins)])
    }

    fn point(self, cities: &[City], is_origin: bool, random: &mut Pcg64Mcg) -> Position<Wgs84> {
        let mut square = |(latitude, longitude): (f64, f64), side_m: f64| {
            let half = side_m / 2.0;
            displaced(latitude, longitude, random.random_range(-half..half), random.random_range(-half..half))
        };
        match self {
            Self::Cities | Self::London => {
                let share = random.random_range(0.0..1.0);
                let city = cities.partition_point(|city| city.cumulative_share < share);
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
    /// Cumulative share of merchants, up to and including this city.
    cumulative_share: f64,
}

fn cities(random: &mut Pcg64Mcg) -> Vec<City> {
    let weights: Vec<f64> = (1..=400u32).map(|rank| libm::pow(f64::from(rank), -0.9)).collect();
    let total: f64 = weights.iter().sum();
    let mut cumulative_share = 0.0;
    let city = |weight| {
        cumulative_share += weight / total;
        City {
            latitude: random.random_range(-60.0..70.0),
            longitude: random.random_range(-179.0..179.0),
            spread_m: random.random_range(3_000.0..12_000.0),
            cumulative_share,
        }
    };
    weights.into_iter().map(city).collect()
}

fn displaced(latitude: f64, longitude: f64, north_m: f64, east_m: f64) -> Position<Wgs84> {
    let shrink = libm::cos(latitude.to_radians());
    position(latitude + north_m / METRES_PER_DEGREE, longitude + east_m / (METRES_PER_DEGREE * shrink))
}

/// Creates a position from degrees that may lie beyond the antimeridian.
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

/// Returns two independent samples of the standard normal distribution (Box and Muller, 1958).
fn normal_pair(random: &mut impl Rng) -> (f64, f64) {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    let radius = (-2.0 * libm::log(1.0 - random.random_range(0.0..1.0))).sqrt();
    let (sin, cos) = libm::sincos(TAU * random.random_range(0.0..1.0));
    (radius * sin, radius * cos)
}

/// Returns the directory of real data files, if it exists: `NEARBY_REAL_DATA`, or `../shared/data`.
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
