//! Merchants of 250 bytes in 400 cities. Only locations are kept in memory; profiles are generated on demand.

use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
    path::Path,
    sync::Arc,
};

use nearby_benches::Dataset;
use nearby_index::{Position, Wgs84};
use nearby_proto::v1 as wire;
use prost::Message;
use tokio::task::spawn_blocking;

use crate::error::{Error, Result, context};

const SEED: u64 = 20_240_229;

/// Encoded size of a merchant without its name, as stored.
pub(crate) const PROFILE_BYTES: usize = 250;

/// Generator of merchants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Merchants {
    locations: Arc<[Position<Wgs84>]>,
}

impl Merchants {
    pub(crate) fn new(count: usize) -> Result<Self> {
        let Some([locations, _]) = Dataset::Cities.points(count, 0, SEED) else {
            return Err(Error::new("the dataset has no locations"));
        };
        let merchants = Self { locations: locations.into() };
        match (0..count.min(1_000))
            .map(|number| merchants.profile(number, 0).encoded_len())
            .find(|bytes| *bytes != PROFILE_BYTES)
        {
            Some(bytes) => {
                Err(Error::new(format!("a merchant has {bytes} bytes instead of {PROFILE_BYTES}")))
            }
            None => Ok(merchants),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.locations.len()
    }

    /// Returns the location of a merchant; numbers wrap around after the last.
    pub(crate) fn location(&self, number: usize) -> Position<Wgs84> {
        self.locations[number % self.locations.len()]
    }

    /// Generates a merchant without its name, [`PROFILE_BYTES`] long when encoded. Versions differ in a few bytes.
    pub(crate) fn profile(&self, number: usize, version: usize) -> wire::Merchant {
        let location = self.location(number);
        let random = scattered(number ^ (version << 40));
        let day = |weekday| wire::WeeklyPeriod { weekday, start_minute: 600, length_minutes: 480 };
        let mut merchant = wire::Merchant {
            display_name: format!("Corner shop {number}"),
            brand: if random.is_multiple_of(3) { format!("brand-{}", random % 1_000) } else { String::new() },
            categories: vec![format!("category-{}", (random >> 10) % 300)],
            services: vec![format!("service-{}", (random >> 20) % 20)],
            position: Some(wire::Position {
                latitude: location.latitude_deg(),
                longitude: location.longitude_deg(),
                coordinate_system: wire::CoordinateSystem::Wgs84.into(),
                accuracy_m: None,
            }),
            address: Some(wire::PostalAddress {
                region_code: "FI".to_owned(),
                locality: "Helsinki".to_owned(),
                address_lines: vec![format!("Mannerheimintie {}", (random >> 30) % 200)],
                ..Default::default()
            }),
            opening_hours: Some(wire::OpeningHours {
                time_zone: "Europe/Helsinki".to_owned(),
                weekly_periods: (1..=5).map(day).collect(),
                ..Default::default()
            }),
            visibility: wire::Visibility::Visible.into(),
            ..Default::default()
        };
        // The field takes two bytes of tag and one of length.
        let length = PROFILE_BYTES.saturating_sub(merchant.encoded_len() + 3);
        merchant.website_uri =
            format!("https://s.example/{random:016x}{random:016x}{random:016x}{random:016x}");
        merchant.website_uri.truncate(length);
        merchant
    }

    /// Generates a merchant with its name.
    pub(crate) fn merchant(&self, number: usize, version: usize) -> wire::Merchant {
        let name = format!("merchants/{}", id(number));
        wire::Merchant { name, ..self.profile(number, version) }
    }

    /// Writes merchants to an NDJSON file.
    pub(crate) async fn write(&self, path: &Path, numbers: Range<usize>, version: usize) -> Result<()> {
        let (merchants, file) = (self.clone(), path.to_owned());
        let operation = format!("cannot write {}", path.display());
        let work = spawn_blocking(move || -> std::io::Result<()> {
            let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
            for number in numbers {
                serde_json::to_writer(&mut out, &merchants.merchant(number, version))?;
                out.write_all(b"\n")?;
            }
            // Synced, so that write-back does not slow what is timed next.
            out.into_inner().map_err(|error| error.into_error())?.sync_all()
        });
        work.await.map_err(context(&operation))?.map_err(context(&operation))
    }
}

/// Returns an id in no order, like clients' ids: file order and id order are independent.
pub(crate) fn id(number: usize) -> String {
    format!("{:016x}", scattered(number))
}

/// Maps each number to a different, pseudo-random one (splitmix64).
fn scattered(number: usize) -> u64 {
    let mut mixed = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
