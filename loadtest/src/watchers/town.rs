//! Towns 100 km apart or more, on two continents.

use nearby_client::v1::{CoordinateSystem, CreateMerchantRequest, Merchant, Position, WatchNearbyStart};

/// Towns of each continent, on a square grid.
pub(super) const TOWNS: usize = 100;
/// Merchants of a town, all within the radius of its watches.
const MERCHANTS: usize = 20;
const EDGE: usize = 10;

/// The longitudes of the westernmost towns: of the written merchants, and of the watches elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Continent {
    Written = 10,
    Elsewhere = -70,
}

/// A town of a continent, by a number that may repeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Town(pub(super) Continent, pub(super) usize);

impl Town {
    fn id(self) -> String {
        let Self(continent, number) = self;
        format!("{continent:?}-{}", number % TOWNS).to_lowercase()
    }

    /// Returns a point up to 1 km from the middle, different for each `number`.
    #[expect(clippy::cast_precision_loss, reason = "numbers of towns and watches")]
    fn point(self, number: usize) -> Position {
        let Self(continent, town) = self;
        let town = town % TOWNS;
        // Multiples of the golden ratio are spread evenly.
        let [north, east] =
            [0.618_033_988_749, 0.414_213_562_373].map(|step| number as f64 * step % 1.0 / 100.0);
        Position {
            latitude: (town / EDGE) as f64 + north,
            longitude: f64::from(continent as i32) + (town % EDGE) as f64 + east,
            coordinate_system: CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        }
    }

    /// Returns the name of its written merchant.
    pub(super) fn written(self) -> String {
        format!("merchants/{}-0", self.id())
    }

    /// Creates its merchants.
    pub(super) fn merchants(self) -> impl Iterator<Item = CreateMerchantRequest> {
        (0..MERCHANTS).map(move |number| {
            let merchant_id = format!("{}-{number}", self.id());
            let position = Some(self.point(number));
            let merchant = Merchant { display_name: display_name(0), position, ..Default::default() };
            CreateMerchantRequest { merchant_id, merchant: Some(merchant), ..Default::default() }
        })
    }

    /// Starts a watch of its merchants.
    pub(super) fn watch(self, number: usize) -> WatchNearbyStart {
        WatchNearbyStart { origin: Some(self.point(number)), ..Default::default() }
    }
}

/// Returns the display name of a merchant that has been written a number of times.
pub(super) fn display_name(writes: u64) -> String {
    format!("Merchant {writes}")
}

/// Returns the number of writes that a display name contains.
pub(super) fn writes_of(display_name: &str) -> Option<u64> {
    display_name.strip_prefix("Merchant ")?.parse().ok()
}
