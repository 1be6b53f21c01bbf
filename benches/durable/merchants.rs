//! Merchants of 250 bytes in 400 cities, made one by one as they are needed: of ten million only the places are held.

use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
    path::Path,
    sync::Arc,
};

use nearby_benches::World;
use nearby_index::{Position, Wgs84};
use nearby_proto::v1 as wire;
use prost::Message;
use tokio::task::spawn_blocking;

use crate::error::{Failed, Result, failed};

const SEED: u64 = 20_240_229;

/// Bytes of a merchant without its name, as the store keeps it.
pub(crate) const PROFILE_BYTES: usize = 250;

/// Where merchants are. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Merchants {
    places: Arc<[Position<Wgs84>]>,
}

impl Merchants {
    pub(crate) fn new(count: usize) -> Result<Self> {
        let Some([places, _]) = World::Cities.places(count, 0, SEED) else {
            return Err(Failed::new("there are no places for merchants"));
        };
        let merchants = Self { places: places.into() };
        match (0..count.min(1_000))
            .map(|number| merchants.profile(number, 0).encoded_len())
            .find(|bytes| *bytes != PROFILE_BYTES)
        {
            Some(bytes) => Err(Failed::new(format!("a merchant has {bytes} bytes and not {PROFILE_BYTES}"))),
            None => Ok(merchants),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// Where a merchant is; numbers beyond the last begin anew.
    pub(crate) fn place(&self, number: usize) -> Position<Wgs84> {
        self.places[number % self.places.len()]
    }

    /// A merchant without its name: always [`PROFILE_BYTES`] long when encoded. Another version differs in a few bytes.
    pub(crate) fn profile(&self, number: usize, version: usize) -> wire::Merchant {
        let place = self.place(number);
        let random = scattered(number ^ (version << 40));
        let day = |weekday| wire::WeeklyPeriod { weekday, start_minute: 600, length_minutes: 480 };
        let mut merchant = wire::Merchant {
            display_name: format!("Corner shop {number}"),
            brand: if random.is_multiple_of(3) { format!("brand-{}", random % 1_000) } else { String::new() },
            categories: vec![format!("category-{}", (random >> 10) % 300)],
            services: vec![format!("service-{}", (random >> 20) % 20)],
            position: Some(wire::Position {
                latitude: place.latitude_deg(),
                longitude: place.longitude_deg(),
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
        // Two bytes of tag and one of length come before it.
        let room = PROFILE_BYTES.saturating_sub(merchant.encoded_len() + 3);
        merchant.website_uri =
            format!("https://s.example/{random:016x}{random:016x}{random:016x}{random:016x}");
        merchant.website_uri.truncate(room);
        merchant
    }

    /// A merchant with its name.
    pub(crate) fn merchant(&self, number: usize, version: usize) -> wire::Merchant {
        let name = format!("merchants/{}", id(number));
        wire::Merchant { name, ..self.profile(number, version) }
    }

    /// Writes some of them to a file, a line of JSON each.
    pub(crate) async fn write(&self, path: &Path, numbers: Range<usize>, version: usize) -> Result<()> {
        let (merchants, file) = (self.clone(), path.to_owned());
        let what = format!("cannot write {}", path.display());
        let work = spawn_blocking(move || -> std::io::Result<()> {
            let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
            for number in numbers {
                serde_json::to_writer(&mut out, &merchants.merchant(number, version))?;
                out.write_all(b"\n")?;
            }
            // On disk, so that nobody else pays for it.
            out.into_inner().map_err(|error| error.into_error())?.sync_all()
        });
        work.await.map_err(failed(&what))?.map_err(failed(&what))
    }
}

/// Ids in no order, as callers' are: a merchant's place in the file says nothing of its place among the ids.
pub(crate) fn id(number: usize) -> String {
    format!("{:016x}", scattered(number))
}

/// A different number for each number (splitmix64).
fn scattered(number: usize) -> u64 {
    let mut mixed = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
