//! Where searches start.

use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Points in a square of about ten kilometres around a centre.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origins {
    latitude: f64,
    longitude: f64,
}

/// Half the square's height in degrees of latitude: about five kilometres.
const REACH_DEG: f64 = 0.045;

impl FromStr for Origins {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be latitude and longitude with a comma between, such as 60.1719,24.9414";
        let (latitude, longitude) = text.split_once(',').ok_or(WRONG)?;
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| WRONG);
        let (latitude, longitude) = (number(latitude)?, number(longitude)?);
        if latitude.abs() > 85.0 || longitude.abs() > 179.0 {
            return Err("must lie within ±85 degrees north and ±179 degrees east");
        }
        Ok(Self { latitude, longitude })
    }
}

impl Origins {
    /// An endless stream of points, the same for the same seed and connection.
    pub(crate) fn stream(self, seed: u64, connection: usize) -> impl Iterator<Item = (f64, f64)> {
        // Streams of different connections must not repeat one another.
        let mut random =
            Pcg64Mcg::seed_from_u64(seed ^ (connection as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // A degree of longitude shrinks towards the poles; a coarse cosine is enough to keep the square square.
        let stretch = 1.0 / (1.0 - (self.latitude / 90.0).powi(2)).max(0.1);
        std::iter::repeat_with(move || {
            let mut offset = || random.random_range(-REACH_DEG..REACH_DEG);
            (self.latitude + offset(), self.longitude + offset() * stretch)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_sequence_and_connections_differ() {
        let origins: Origins = "60.1719,24.9414".parse().unwrap();
        let take = |seed, connection| origins.stream(seed, connection).take(100).collect::<Vec<_>>();
        assert_eq!(take(7, 0), take(7, 0));
        assert_ne!(take(7, 0), take(7, 1));
        assert_ne!(take(7, 0), take(8, 0));
        assert!(
            take(7, 0).iter().all(|(lat, lon)| (lat - 60.1719).abs() < 0.046 && (lon - 24.9414).abs() < 0.1)
        );
        assert!("1".parse::<Origins>().is_err() && "95,0".parse::<Origins>().is_err());
    }
}
