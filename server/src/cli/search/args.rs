//! What may be asked of a search, and the request that says so.

use std::{num::NonZeroUsize, str::FromStr};

use clap::Args;
use nearby_proto::{
    v1::{self as wire, opening_filter::Moment},
    well_known::Timestamp,
};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

use crate::{
    cli::{
        filter::{self, FilterArgs},
        target::TargetArgs,
    },
    formats::DatumArg,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SearchArgs {
    /// Point to search around, in decimal degrees
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    at: LatLon,

    /// Datum of the point
    #[arg(long, default_value = "wgs84", ignore_case = true)]
    datum: DatumArg,

    /// How inaccurate the point is, as a radius in metres: results so near to an edge of the search are marked
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    accuracy: Option<f64>,

    /// Radius in metres [default: 5000]
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    radius: Option<f64>,

    /// Only merchants at least this far away, in metres
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    min_distance: Option<f64>,

    /// Where fewer than this many lie within the radius, list the nearest beyond it, too
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    expand: Option<i32>,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    opening: OpeningArgs,

    /// List merchants at one and the same point, such as those of a mall, as one row with their number
    #[arg(long)]
    group: bool,

    /// Most merchants to list
    #[arg(long, default_value = "20", value_name = "NUMBER", conflicts_with = "all")]
    limit: NonZeroUsize,

    /// List every merchant within the radius
    #[arg(long)]
    all: bool,

    /// Print each result as one line of JSON (nearby.v1.NearbyResult), with the exact distance; as always in
    /// protobuf's JSON, fields that are 0 or empty are left out
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(Args, Debug)]
struct OpeningArgs {
    /// Leave out merchants that are closed now; those whose hours nobody knows are listed
    #[arg(long, group = "moment")]
    open_now: bool,

    /// Leave out merchants that are closed at a moment, such as 2026-01-05T18:00:00+02:00
    #[arg(long, group = "moment", value_name = "RFC3339")]
    open_at: Option<OpenAt>,

    /// With --open-now or --open-at: list closed merchants too, and say of each whether it is open
    #[arg(long, requires = "moment")]
    show_closed: bool,
}

impl SearchArgs {
    pub(super) fn request(&self) -> wire::SearchNearbyRequest {
        let expand = |min_results| wire::Expansion { min_results, ..Default::default() };
        let mut request = around(self.at.latitude, self.at.longitude, self.datum);
        if let Some(origin) = &mut request.origin {
            origin.accuracy_m = self.accuracy;
        }
        wire::SearchNearbyRequest {
            radius_m: self.radius,
            min_distance_m: self.min_distance.unwrap_or_default(),
            filter: self.filter.to_wire(),
            opening: self.opening.to_wire(),
            expansion: self.expand.map(expand),
            group_by_position: self.group,
            ..request
        }
    }

    /// Most results to list.
    pub(super) fn most(&self) -> usize {
        if self.all { usize::MAX } else { self.limit.get() }
    }
}

impl OpeningArgs {
    fn to_wire(&self) -> Option<wire::OpeningFilter> {
        let at = self.open_at.map(|OpenAt(moment)| Moment::OpenAt(moment));
        let moment = at.or(self.open_now.then_some(Moment::OpenNow(true)))?;
        let policy =
            if self.show_closed { wire::OpeningPolicy::ShowAll } else { wire::OpeningPolicy::OpenOrUnknown };
        Some(wire::OpeningFilter { moment: Some(moment), policy: policy.into() })
    }
}

/// A search around a point, with everything else as it is by default. Merchants come whole: the table shows addresses,
/// and lines of JSON are for programs.
pub(in crate::cli) fn around(latitude: f64, longitude: f64, datum: DatumArg) -> wire::SearchNearbyRequest {
    let coordinate_system = wire::CoordinateSystem::from(datum).into();
    let origin = wire::Position { latitude, longitude, coordinate_system, accuracy_m: None };
    let view = wire::MerchantView::Full.into();
    wire::SearchNearbyRequest { origin: Some(origin), view, ..Default::default() }
}

/// The flag that a field of the request comes from.
pub(super) fn flag_of(field: &str) -> Option<&'static str> {
    match field {
        "origin.latitude" | "origin.longitude" => Some("--at"),
        "origin.accuracy_m" => Some("--accuracy"),
        "radius_m" => Some("--radius"),
        "min_distance_m" => Some("--min-distance"),
        "expansion.min_results" => Some("--expand"),
        "opening.open_at" => Some("--open-at"),
        other => filter::flag_of(other),
    }
}

/// A point as people write it.
#[derive(Clone, Copy, Debug)]
struct LatLon {
    latitude: f64,
    longitude: f64,
}

impl FromStr for LatLon {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "must be latitude and longitude in degrees with a comma between, such as 60.1699,24.9384";
        let (latitude, longitude) = text.split_once(',').ok_or(WRONG)?;
        let number = |text: &str| text.trim().parse().map_err(|_| WRONG);
        Ok(Self { latitude: number(latitude)?, longitude: number(longitude)? })
    }
}

/// A moment as people write it: the same text as in the contract's JSON.
#[derive(Clone, Copy, Debug)]
struct OpenAt(Timestamp);

impl FromStr for OpenAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = Timestamp::deserialize(IntoDeserializer::<value::Error>::into_deserializer(text));
        let moment = moment.map_err(|_| {
            "must be date, time and offset from UTC as RFC 3339 has them, such as 2026-01-05T18:00:00+02:00"
        });
        Ok(Self(moment?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_their_offset_from_utc() {
        let OpenAt(moment) = "2026-01-05T18:00:00.25+02:00".parse().unwrap();
        assert_eq!(moment, Timestamp { seconds: 1_767_628_800, nanos: 250_000_000 });
        for wrong in ["2026-01-05T18:00:00", "2026-01-05", "18:00", "now"] {
            assert!(wrong.parse::<OpenAt>().unwrap_err().contains("+02:00"), "{wrong}");
        }
    }
}
