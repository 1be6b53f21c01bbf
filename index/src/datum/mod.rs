//! Positions by geodetic datum, with a single conversion out: to WGS-84.
//!
//! Degrees are meaningless without a datum: three are in use in China, up to 1.3 km apart. The datum is
//! therefore part of the type ([`Position<Wgs84>`], [`Position<Gcj02>`], [`Position<Bd09>`]), and a variant
//! of [`AnyPosition`] for input. Positions are kept as given; ranking uses [`AnyPosition::to_wgs84`].

mod bd09;
mod gcj02;
mod wgs84;

use std::{fmt, marker::PhantomData};

use thiserror::Error;

pub use self::{bd09::Bd09, gcj02::Gcj02, wgs84::Wgs84};
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
/// µm). At the edge of the datum's area no such point may exist; the iteration limit then ends the search
/// with `None`.
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn positions_in_china_round_trip_within_a_micrometre(latitude in 18.0f64..53.5, longitude in 73.5f64..135.0) {
            let truth = Position::<Wgs84>::new(latitude, longitude).unwrap();
            let through_gcj02 = Position::<Gcj02>::from_wgs84(truth).to_wgs84();
            let through_bd09 = Position::<Bd09>::from_wgs84(truth).to_wgs84();
            prop_assert!(meters_between(truth, through_gcj02) < 1e-6);
            prop_assert!(meters_between(truth, through_bd09) < 1e-6);
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
        fn gcj02_equals_wgs84_outside_china(latitude in -60.0f64..0.8, longitude in -180.0f64..=180.0) {
            let given = Position::<Gcj02>::new(latitude, longitude).unwrap();
            prop_assert_eq!(given.to_wgs84(), Position::<Wgs84>::new(latitude, longitude).unwrap());
        }
    }
}
