//! Options of `nearby search`, and the request that they describe.

use std::{num::NonZeroUsize, str::FromStr};

use clap::Args;
use nearby_proto::{
    v1::{self as wire, opening_filter::Moment},
    well_known::Timestamp,
};

use super::area::{self, AreaArgs};
use crate::{
    cli::{
        filter::{self, FilterArgs},
        target::TargetArgs,
    },
    formats::{DatumArg, parse_time},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SearchArgs {
    /// Point to search around, in decimal degrees
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    at: LatLon,

    /// Datum of the point
    #[arg(long, default_value = "wgs84", ignore_case = true)]
    datum: DatumArg,

    /// Accuracy of the point as a radius in metres; results that close to an edge of the search are marked
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    accuracy: Option<f64>,

    /// Radius in metres [default: 5000; with --box or --area the limit of the server, with --reach serving its limit for service areas]
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    radius: Option<f64>,

    /// Only merchants at least this far away, in metres
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    min_distance: Option<f64>,

    /// Minimum number of results: if fewer lie within the radius, add the nearest beyond it
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    expand: Option<i32>,

    #[command(flatten)]
    area: AreaArgs,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    opening: OpeningArgs,

    /// Group merchants at exactly the same point, such as those of a mall, into one row with their number
    #[arg(long)]
    group: bool,

    /// Maximum number of merchants of one brand, the nearest first
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    max_per_brand: Option<i32>,

    /// Maximum number of results
    #[arg(long, default_value = "20", value_name = "NUMBER", conflicts_with = "all")]
    limit: NonZeroUsize,

    /// List every merchant within the radius
    #[arg(long)]
    all: bool,

    /// Print each result as one line of JSON (nearby.v1.NearbyResult), with the exact distance; as usual in protobuf JSON, fields
    /// that are 0 or empty are omitted
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(Args, Debug)]
struct OpeningArgs {
    /// Omit merchants that are closed now; those with unknown opening hours are listed
    #[arg(long, group = "moment")]
    open_now: bool,

    /// Omit merchants that are closed at a time, such as 2026-01-05T18:00:00+02:00
    #[arg(long, group = "moment", value_name = "RFC3339")]
    open_at: Option<OpenAt>,

    /// With --open-now or --open-at: omit merchants with unknown opening hours too
    #[arg(long, requires = "moment")]
    open_only: bool,

    /// With --open-now or --open-at: list closed merchants too, with the opening status of each
    #[arg(long, requires = "moment", conflicts_with = "open_only")]
    show_closed: bool,
}

impl SearchArgs {
    pub(super) fn request(&self) -> wire::SearchNearbyRequest {
        let expand = |min_results| wire::Expansion { min_results, ..Default::default() };
        let mut request = around(self.at.latitude, self.at.longitude, self.datum);
        if let Some(origin) = &mut request.origin {
            origin.accuracy_m = self.accuracy;
        }
        self.area.apply(&mut request, self.datum);
        wire::SearchNearbyRequest {
            radius_m: self.radius,
            min_distance_m: self.min_distance.unwrap_or_default(),
            filter: self.filter.to_wire(),
            opening: self.opening.to_wire(),
            expansion: self.expand.map(expand),
            group_by_position: self.group,
            max_per_brand: self.max_per_brand.unwrap_or_default(),
            ..request
        }
    }

    /// Returns the maximum number of results.
    pub(super) fn max_results(&self) -> usize {
        if self.all { usize::MAX } else { self.limit.get() }
    }
}

impl OpeningArgs {
    fn to_wire(&self) -> Option<wire::OpeningFilter> {
        let at = self.open_at.map(|OpenAt(moment)| Moment::OpenAt(moment));
        let moment = at.or(self.open_now.then_some(Moment::OpenNow(true)))?;
        let policy = match (self.show_closed, self.open_only) {
            (true, _) => wire::OpeningPolicy::ShowAll,
            (false, true) => wire::OpeningPolicy::OpenOnly,
            (false, false) => wire::OpeningPolicy::OpenOrUnknown,
        };
        Some(wire::OpeningFilter { moment: Some(moment), policy: policy.into() })
    }
}

/// Returns a request around a point, with defaults otherwise. It requests the FULL view: the table shows addresses, and programs
/// that read the JSON may need any field.
pub(in crate::cli) fn around(latitude: f64, longitude: f64, datum: DatumArg) -> wire::SearchNearbyRequest {
    let coordinate_system = wire::CoordinateSystem::from(datum).into();
    let origin = wire::Position { latitude, longitude, coordinate_system, accuracy_m: None };
    let view = wire::MerchantView::Full.into();
    wire::SearchNearbyRequest { origin: Some(origin), view, ..Default::default() }
}

/// Returns the flag that sets a field of the request.
pub(in crate::cli) fn flag_of(field: &str) -> Option<&'static str> {
    match field {
        "origin" | "origin.latitude" | "origin.longitude" => Some("--at"),
        "origin.accuracy_m" => Some("--accuracy"),
        "radius_m" => Some("--radius"),
        "min_distance_m" => Some("--min-distance"),
        "expansion.min_results" => Some("--expand"),
        "max_per_brand" => Some("--max-per-brand"),
        "opening.open_at" => Some("--open-at"),
        other => area::flag_of(other).or_else(|| filter::flag_of(other)),
    }
}

/// A point given as `LAT,LON`.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct LatLon {
    pub(in crate::cli) latitude: f64,
    pub(in crate::cli) longitude: f64,
}

impl FromStr for LatLon {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const INVALID: &str =
            "must be latitude and longitude in degrees, separated by a comma, such as 60.1699,24.9384";
        let (latitude, longitude) = text.split_once(',').ok_or(INVALID)?;
        let number = |text: &str| text.trim().parse().map_err(|_| INVALID);
        Ok(Self { latitude: number(latitude)?, longitude: number(longitude)? })
    }
}

/// A time in RFC 3339, as in the JSON of the contract.
#[derive(Clone, Copy, Debug)]
struct OpenAt(Timestamp);

impl FromStr for OpenAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_time(text)
            .map(Self)
            .ok_or("must be date, time and UTC offset in RFC 3339, such as 2026-01-05T18:00:00+02:00")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_require_a_utc_offset() {
        let OpenAt(moment) = "2026-01-05T18:00:00.25+02:00".parse().unwrap();
        assert_eq!(moment, Timestamp { seconds: 1_767_628_800, nanos: 250_000_000 });
        for invalid in ["2026-01-05T18:00:00", "2026-01-05", "18:00", "now"] {
            assert!(invalid.parse::<OpenAt>().unwrap_err().contains("+02:00"), "{invalid}");
        }
    }
}
