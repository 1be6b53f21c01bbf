//! Positions by geodetic datum, with a single conversion out: to WGS-84.
//!
//! Degrees are meaningless without a datum: three are in use in China, up to 1.3 km apart. The datum is
//! therefore part of the type ([`Position<Wgs84>`], [`Position<Gcj02>`], [`Position<Bd09>`]), and a variant
//! of [`AnyPosition`] for input. Positions are kept as given; ranking uses [`AnyPosition::to_wgs84`].

mod area;
mod bd09;
mod gcj02;
mod wgs84;

use std::{fmt, marker::PhantomData};

use thiserror::Error;

pub use self::{area::ShiftedAreas, bd09::Bd09, gcj02::Gcj02, wgs84::Wgs84};
use sealed::Degrees;

/// A geodetic datum of positions. Sealed: implemented by the three types below only.
pub trait Datum: sealed::Sealed + Copy {
    /// Common name of the datum.
    const NAME: &'static str;
}

mod sealed {
    /// Degrees in which datum arithmetic is done.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Degrees {
        pub(crate) latitude: f64,
        pub(crate) longitude: f64,
    }

    /// Conversions of a datum, private to this module; callers use [`super::Position`].
    pub trait Sealed {
        fn to_wgs84(given: Degrees) -> Degrees;
        fn from_wgs84(wgs84: Degrees) -> Degrees;
    }
}

/// A point in degrees of the datum `D`: finite, latitude within ±90, longitude within ±180.
#[derive(Clone, Copy, PartialEq)]
pub struct Position<D> {
    degrees: Degrees,
    datum: PhantomData<D>,
}

/// The reason two numbers are not a valid position; the message applies to [`PositionError::axis`]. Never
/// contains the numbers, which may be a person's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PositionError {
    /// The latitude is NaN or infinite.
    #[error("must be a finite number of degrees")]
    LatitudeNotFinite,
    /// The longitude is NaN or infinite.
    #[error("must be a finite number of degrees")]
    LongitudeNotFinite,
    /// The latitude is beyond a pole.
    #[error("must lie between -90 and 90 degrees; perhaps latitude and longitude are swapped")]
    LatitudeOutOfRange,
    /// The longitude is beyond the antimeridian.
    #[error("must lie between -180 and 180 degrees")]
    LongitudeOutOfRange,
}

impl PositionError {
    /// Returns the name of the invalid coordinate: `latitude` or `longitude`.
    #[must_use]
    pub const fn axis(self) -> &'static str {
        match self {
            Self::LatitudeNotFinite | Self::LatitudeOutOfRange => "latitude",
            Self::LongitudeNotFinite | Self::LongitudeOutOfRange => "longitude",
        }
    }
}

impl<D: Datum> Position<D> {
    /// Parses degrees north and east.
    ///
    /// # Errors
    /// If a number is not finite or out of range.
    pub fn new(latitude_deg: f64, longitude_deg: f64) -> Result<Self, PositionError> {
        if !latitude_deg.is_finite() {
            return Err(PositionError::LatitudeNotFinite);
        }
        if !longitude_deg.is_finite() {
            return Err(PositionError::LongitudeNotFinite);
        }
        if latitude_deg.abs() > 90.0 {
            return Err(PositionError::LatitudeOutOfRange);
        }
        if longitude_deg.abs() > 180.0 {
            return Err(PositionError::LongitudeOutOfRange);
        }
        Ok(Self::of(Degrees { latitude: latitude_deg, longitude: longitude_deg }))
    }

    const fn of(degrees: Degrees) -> Self {
        Self { degrees, datum: PhantomData }
    }

    /// Returns degrees north.
    #[must_use]
    pub const fn latitude_deg(self) -> f64 {
        self.degrees.latitude
    }

    /// Returns degrees east.
    #[must_use]
    pub const fn longitude_deg(self) -> f64 {
        self.degrees.longitude
    }

    /// Converts the point to WGS-84. The identity, bit for bit, if `D` is WGS-84.
    #[must_use]
    pub fn to_wgs84(self) -> Position<Wgs84> {
        Position::of(D::to_wgs84(self.degrees))
    }

    /// Converts a WGS-84 point to this datum. The identity, bit for bit, if `D` is WGS-84.
    #[must_use]
    pub fn from_wgs84(position: Position<Wgs84>) -> Self {
        Self::of(D::from_wgs84(position.degrees))
    }
}

/// Shows only the datum: a position may be a person's, and `{:?}` output ends up in logs.
impl<D: Datum> fmt::Debug for Position<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position<{}>(..)", D::NAME)
    }
}

/// A position in the datum in which it was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnyPosition {
    /// WGS-84 (EPSG:4326).
    Wgs84(Position<Wgs84>),
    /// GCJ-02, China's national offset datum.
    Gcj02(Position<Gcj02>),
    /// BD-09, Baidu's datum.
    Bd09(Position<Bd09>),
}

impl AnyPosition {
    /// Returns degrees north in the position's own datum.
    #[must_use]
    pub const fn latitude_deg(self) -> f64 {
        match self {
            Self::Wgs84(position) => position.degrees.latitude,
            Self::Gcj02(position) => position.degrees.latitude,
            Self::Bd09(position) => position.degrees.latitude,
        }
    }

    /// Returns degrees east in the position's own datum.
    #[must_use]
    pub const fn longitude_deg(self) -> f64 {
        match self {
            Self::Wgs84(position) => position.degrees.longitude,
            Self::Gcj02(position) => position.degrees.longitude,
            Self::Bd09(position) => position.degrees.longitude,
        }
    }

    /// Converts the point to WGS-84.
    #[must_use]
    pub fn to_wgs84(self) -> Position<Wgs84> {
        match self {
            Self::Wgs84(position) => position.to_wgs84(),
            Self::Gcj02(position) => position.to_wgs84(),
            Self::Bd09(position) => position.to_wgs84(),
        }
    }
}

/// Inverts `forward` at `target`: finds the point that it maps to `target`.
///
/// `forward` moves points by less than a kilometre and varies slowly (by less than 1 % of the distance), so
/// subtracting the remaining error shrinks it a hundredfold per step: five steps reach 1e-12 degrees (0.1
/// µm). Far outside China the formulas are not those of an offset; the iteration limit then ends the search with `None`.
fn invert(forward: impl Fn(Degrees) -> Degrees, target: Degrees) -> Option<Degrees> {
    const MAX_STEPS: usize = 30;
    const CLOSE_ENOUGH_DEG: f64 = 1e-12;

    let mut guess = target;
    for _ in 0..MAX_STEPS {
        let reached = forward(guess);
        let (north, east) = (reached.latitude - target.latitude, reached.longitude - target.longitude);
        if north.abs() < CLOSE_ENOUGH_DEG && east.abs() < CLOSE_ENOUGH_DEG {
            return Some(guess);
        }
        guess = Degrees { latitude: guess.latitude - north, longitude: guess.longitude - east };
    }
    None
}

/// Returns a point of the area that `wgs84` stands for: itself, or one within a micrometre of it.
///
/// [`invert`] is exact to 1e-12 degrees per datum, so the inverse of a shifted point on the very edge of the area may lie outside.
/// Without the neighbours such a point would count as unshifted, up to 1.5 km away.
fn within(is_shifted: impl Fn(Degrees) -> bool, wgs84: Degrees) -> Option<Degrees> {
    const STEP_DEG: f64 = 4e-12;
    const NEIGHBOURS: [(f64, f64); 9] =
        [(0., 0.), (0., 1.), (1., 0.), (0., -1.), (-1., 0.), (1., 1.), (1., -1.), (-1., -1.), (-1., 1.)];

    NEIGHBOURS
        .iter()
        .map(|(north, east)| Degrees {
            latitude: wgs84.latitude + north * STEP_DEG,
            longitude: wgs84.longitude + east * STEP_DEG,
        })
        .find(|point| is_shifted(*point))
}

#[cfg(test)]
mod tests {
    use geo::{Distance, Geodesic, Point};
    use proptest::prelude::*;

    use super::*;

    /// Finer than the grid of the index.
    fn meters_between(a: Position<Wgs84>, b: Position<Wgs84>) -> f64 {
        let point = |place: Position<Wgs84>| Point::new(place.longitude_deg(), place.latitude_deg());
        Geodesic.distance(point(a), point(b))
    }

    #[test]
    fn invalid_coordinates_report_the_reason() {
        for (latitude, longitude, error) in [
            (f64::NAN, 0.0, PositionError::LatitudeNotFinite),
            (0.0, f64::INFINITY, PositionError::LongitudeNotFinite),
            (90.000_001, 0.0, PositionError::LatitudeOutOfRange),
            (-96.451, 32.748, PositionError::LatitudeOutOfRange),
            (0.0, -180.1, PositionError::LongitudeOutOfRange),
        ] {
            assert_eq!(Position::<Wgs84>::new(latitude, longitude), Err(error));
        }
        assert!(Position::<Wgs84>::new(-90.0, 180.0).is_ok());
    }

    #[test]
    fn debug_omits_coordinates() {
        let position = AnyPosition::Gcj02(Position::new(39.9, 116.4).unwrap());
        assert_eq!(format!("{position:?}"), "Gcj02(Position<GCJ-02>(..))");
    }

    /// Offsets of GCJ-02 in several cities, on which public converters agree to within a metre.
    #[test]
    fn gcj02_offsets_match_published_values() {
        for (city, latitude, longitude, known_m) in [
            ("Beijing", 39.9042, 116.4074, 555.0),
            ("Guangzhou", 23.1291, 113.2644, 621.0),
            ("Shanghai", 31.2304, 121.4737, 481.0),
            ("Urumqi", 43.8256, 87.6168, 265.0),
        ] {
            let truth = Position::<Wgs84>::new(latitude, longitude).unwrap();
            let labelled_wrong = Position::<Gcj02>::from_wgs84(truth);
            let as_wgs84 =
                Position::<Wgs84>::new(labelled_wrong.latitude_deg(), labelled_wrong.longitude_deg())
                    .unwrap();
            let moved_m = meters_between(truth, as_wgs84);
            assert!((moved_m - known_m).abs() < 2.0, "{city}: {moved_m} m");
        }
    }

    fn gcj02_offset_m(latitude: f64, longitude: f64) -> f64 {
        let truth = Position::<Wgs84>::new(latitude, longitude).unwrap();
        let shifted = Position::<Gcj02>::from_wgs84(truth);
        meters_between(truth, Position::new(shifted.latitude_deg(), shifted.longitude_deg()).unwrap())
    }

    fn bd09_offset_m(latitude: f64, longitude: f64) -> f64 {
        let truth = Position::<Wgs84>::new(latitude, longitude).unwrap();
        let shifted = Position::<Bd09>::from_wgs84(truth);
        meters_between(truth, Position::new(shifted.latitude_deg(), shifted.longitude_deg()).unwrap())
    }

    /// Border towns, islands and the two special administrative regions.
    #[test]
    fn places_where_map_services_shift_are_shifted() {
        for (place, latitude, longitude) in [
            ("Hong Kong", 22.2783, 114.1747),
            ("Macau", 22.1987, 113.5439),
            ("Shenzhen, Luohu", 22.5333, 114.1333),
            ("Zhuhai, Gongbei", 22.216, 113.549),
            ("Dandong", 40.118, 124.39),
            ("Tumen", 42.966, 129.845),
            ("Hunchun", 42.868, 130.366),
            ("Suifenhe", 44.397, 131.15),
            ("Fuyuan", 48.362, 134.295),
            ("Heihe", 50.245, 127.53),
            ("Mohe", 52.97, 122.53),
            ("Manzhouli", 49.598, 117.43),
            ("Erenhot", 43.653, 111.98),
            ("Jeminay", 47.43, 85.87),
            ("Alashankou", 45.17, 82.57),
            ("Khorgas", 44.209, 80.418),
            ("Kashgar", 39.47, 75.99),
            ("Tashkurgan", 37.775, 75.23),
            ("Burang", 30.29, 81.18),
            ("Zhangmu", 27.99, 85.98),
            ("Yadong", 27.485, 88.907),
            ("Ruili", 24.013, 97.855),
            ("Daluo", 21.68, 100.05),
            ("Mohan", 21.19, 101.69),
            ("Hekou", 22.507, 103.961),
            ("Pingxiang", 22.095, 106.75),
            ("Dongxing", 21.541, 107.972),
            ("Sanya", 18.25, 109.5),
            ("Weizhou island", 21.04, 109.12),
            ("Xiamen, east coast", 24.482, 118.193),
            ("Dadeng island", 24.558, 118.33),
            ("Pingtan", 25.5, 119.79),
            ("Huangqi, opposite Matsu", 26.33, 119.87),
            ("Shengsi islands", 30.603, 122.129),
            ("Dongji island", 30.195, 122.69),
            ("Weihai, Chengshan cape", 37.4, 122.7),
            ("Changdao islands", 37.92, 120.74),
        ] {
            let (gcj02_m, bd09_m) = (gcj02_offset_m(latitude, longitude), bd09_offset_m(latitude, longitude));
            assert!((50.0..800.0).contains(&gcj02_m), "{place}: {gcj02_m} m");
            assert!((300.0..1_600.0).contains(&bd09_m), "{place}: {bd09_m} m");
        }
    }

    #[test]
    fn places_abroad_are_not_shifted() {
        for (place, latitude, longitude) in [
            ("Seoul", 37.5665, 126.978),
            ("Incheon", 37.4563, 126.7052),
            ("Jeju", 33.4996, 126.5312),
            ("Pyongyang", 39.019, 125.754),
            ("Osaka", 34.6937, 135.5023),
            ("Okinawa", 26.2124, 127.6809),
            ("Ishigaki", 24.34, 124.156),
            ("Vladivostok", 43.1155, 131.8855),
            ("Khabarovsk", 48.4802, 135.0719),
            ("Ulaanbaatar", 47.8864, 106.9057),
            ("Almaty", 43.222, 76.8512),
            ("Bishkek", 42.8746, 74.5698),
            ("Leh", 34.1526, 77.5771),
            ("Kathmandu", 27.7172, 85.324),
            ("Thimphu", 27.4728, 89.639),
            ("Lashio", 22.93, 97.75),
            ("Hanoi", 21.0278, 105.8342),
            ("Haiphong", 20.8449, 106.6881),
            ("Bangkok", 13.7563, 100.5018),
            ("Singapore", 1.3521, 103.8198),
        ] {
            let offsets = (gcj02_offset_m(latitude, longitude), bd09_offset_m(latitude, longitude));
            assert_eq!(offsets, (0.0, 0.0), "{place}");
            let labelled = AnyPosition::Gcj02(Position::new(latitude, longitude).unwrap());
            assert_eq!(labelled.to_wgs84(), Position::new(latitude, longitude).unwrap(), "{place}");
        }
    }

    /// Tencent does not shift Taiwan, and Baidu does.
    #[test]
    fn taiwan_is_shifted_in_bd09_only() {
        for (place, latitude, longitude) in [
            ("Taipei", 25.033, 121.5654),
            ("Kaohsiung", 22.6273, 120.3014),
            ("Taitung, Lanyu", 22.05, 121.55),
            ("Penghu, Magong", 23.5655, 119.5663),
            ("Kinmen", 24.4368, 118.3186),
            ("Kinmen, Lieyu", 24.43, 118.235),
            ("Matsu, Nangan", 26.1508, 119.9275),
            ("Matsu, Dongyin", 26.3667, 120.4892),
        ] {
            assert_eq!(gcj02_offset_m(latitude, longitude), 0.0, "{place}");
            let bd09_m = bd09_offset_m(latitude, longitude);
            assert!((300.0..1_600.0).contains(&bd09_m), "{place}: {bd09_m} m");
        }
    }

    /// The inverse of this point, 0.1 µm within the area, lies outside of it by rounding.
    #[test]
    fn positions_on_the_very_edge_round_trip() {
        let truth = Position::<Wgs84>::new(38.829_946_210_014_576, 123.479_946_210_014_1).unwrap();
        let back = Position::<Bd09>::from_wgs84(truth).to_wgs84();
        assert!(meters_between(truth, back) < 1e-6);
    }

    /// Points anywhere, and as many within a few kilometres of an edge, of which half are the last point on either side of it:
    /// between two points of which one is shifted.
    fn near_edges() -> impl Strategy<Value = (f64, f64)> {
        let anywhere = || (17.0f64..54.0, 73.0f64..136.0);
        (anywhere(), anywhere(), prop_oneof![Just(0.0), -0.02f64..0.02]).prop_map(|(one, other, beside)| {
            let between = |share: f64| (one.0 + (other.0 - one.0) * share, one.1 + (other.1 - one.1) * share);
            let is_shifted = |share| {
                let (latitude, longitude) = between(share);
                [gcj02_offset_m(latitude, longitude) > 0.0, bd09_offset_m(latitude, longitude) > 0.0]
            };
            let (mut low, mut high) = (0.0, 1.0);
            if is_shifted(low) == is_shifted(high) {
                return one;
            }
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
                if is_shifted(middle) == is_shifted(low) { low = middle } else { high = middle }
            }
            let edge = between(low);
            (edge.0 + beside, edge.1 + beside)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Shifted points come back. Others do, too, except where a shifted point has the same position. Either way the result is a
        /// point of that position.
        #[test]
        fn positions_round_trip_and_both_directions_agree_on_the_side((latitude, longitude) in near_edges()) {
            let truth = Position::<Wgs84>::new(latitude, longitude).unwrap();
            let (gcj02, bd09) = (Position::<Gcj02>::from_wgs84(truth), Position::<Bd09>::from_wgs84(truth));
            let (from_gcj02, from_bd09) = (gcj02.to_wgs84(), bd09.to_wgs84());
            let is_shifted = |offset_m: f64| offset_m > 0.0;
            if is_shifted(gcj02_offset_m(latitude, longitude)) {
                prop_assert!(meters_between(truth, from_gcj02) < 1e-6);
            }
            if is_shifted(bd09_offset_m(latitude, longitude)) {
                prop_assert!(meters_between(truth, from_bd09) < 1e-6);
            }
            let at = |latitude, longitude| Position::<Wgs84>::new(latitude, longitude).unwrap();
            let again = Position::<Gcj02>::from_wgs84(from_gcj02);
            let there = [gcj02, again].map(|it| at(it.latitude_deg(), it.longitude_deg()));
            prop_assert!(meters_between(there[0], there[1]) < 1e-6);
            prop_assert!(meters_between(truth, from_gcj02) < 800.0);
            let again = Position::<Bd09>::from_wgs84(from_bd09);
            let there = [bd09, again].map(|it| at(it.latitude_deg(), it.longitude_deg()));
            prop_assert!(meters_between(there[0], there[1]) < 1e-6);
            prop_assert!(meters_between(truth, from_bd09) < 2_000.0);
        }

        #[test]
        fn conversion_of_any_position_is_valid(latitude in -90.0f64..=90.0, longitude in -180.0f64..=180.0) {
            for position in [
                AnyPosition::Wgs84(Position::new(latitude, longitude).unwrap()),
                AnyPosition::Gcj02(Position::new(latitude, longitude).unwrap()),
                AnyPosition::Bd09(Position::new(latitude, longitude).unwrap()),
            ] {
                let wgs84 = position.to_wgs84();
                prop_assert!(Position::<Wgs84>::new(wgs84.latitude_deg(), wgs84.longitude_deg()).is_ok());
            }
        }

        #[test]
        fn gcj02_and_bd09_equal_wgs84_outside_china(latitude in -90.0f64..17.5, longitude in -180.0f64..=180.0) {
            let given = Position::<Wgs84>::new(latitude, longitude).unwrap();
            prop_assert_eq!(Position::<Gcj02>::new(latitude, longitude).unwrap().to_wgs84(), given);
            prop_assert_eq!(Position::<Bd09>::new(latitude, longitude).unwrap().to_wgs84(), given);
        }
    }

    /// Walks across the coast of Fujian, the border in the desert and the sea beside Taiwan: the side changes once.
    #[test]
    fn the_side_changes_once_on_the_way_across_an_edge() {
        for (inside, outside) in
            [((30.0, 121.0), (30.0, 126.0)), ((42.0, 107.0), (46.0, 107.0)), ((26.5, 119.0), (24.5, 121.0))]
        {
            let step = |share: f64| -> (f64, f64) {
                (inside.0 + (outside.0 - inside.0) * share, inside.1 + (outside.1 - inside.1) * share)
            };
            let is_moved = |share: f64| {
                let (latitude, longitude) = step(share);
                let given = Position::<Gcj02>::new(latitude, longitude).unwrap();
                given.to_wgs84() != Position::new(latitude, longitude).unwrap()
            };
            let sides: Vec<bool> = (0..=50_000).map(|n| is_moved(f64::from(n) / 50_000.0)).collect();
            assert!(sides[0] && !sides[50_000]);
            assert_eq!(sides.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1);
        }
    }
}
