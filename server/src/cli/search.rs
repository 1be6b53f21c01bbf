//! `nearby search`.

use std::{num::NonZeroUsize, str::FromStr};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit::CliError,
    target::{Missing, Target, TargetArgs},
    terminal,
};
use crate::files::DatumArg;

#[derive(Args, Debug)]
pub(super) struct SearchArgs {
    /// Point to search around, in decimal degrees
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    at: LatLon,

    /// Datum of the point
    #[arg(long, default_value = "wgs84", ignore_case = true)]
    datum: DatumArg,

    /// Radius in metres [default: 5000]
    #[arg(long, value_name = "METRES", allow_hyphen_values = true)]
    radius: Option<f64>,

    /// Most merchants to list
    #[arg(long, default_value = "20", value_name = "NUMBER", conflicts_with = "all")]
    limit: NonZeroUsize,

    /// List every merchant within the radius
    #[arg(long)]
    all: bool,

    /// Print each result as one line of JSON (nearby.v1.NearbyResult), with the exact distance; as always in
    /// protobuf's JSON, fields that are 0 or empty are left out
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: TargetArgs,
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

pub(super) async fn run(args: SearchArgs) -> Result<(), CliError> {
    let request = wire::SearchNearbyRequest {
        radius_m: args.radius,
        ..around(args.at.latitude, args.at.longitude, args.datum)
    };
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let most = if args.all { usize::MAX } else { args.limit.get() };
    let found =
        page_through(&target, request, most, |results| if args.json { print_json(results) } else { Ok(()) });
    let results = found.await;
    target.close().await?;
    let results = results?;
    if !args.json {
        show(&results)?;
    }
    Ok(())
}

/// A search around a point, with everything else as it is by default.
pub(super) fn around(latitude: f64, longitude: f64, datum: DatumArg) -> wire::SearchNearbyRequest {
    let coordinate_system = wire::CoordinateSystem::from(datum).into();
    let origin = wire::Position { latitude, longitude, coordinate_system, accuracy_m: None };
    wire::SearchNearbyRequest { origin: Some(origin), ..Default::default() }
}

/// Asks page after page until there are enough results or no more; `each_page` sees them as they come.
pub(super) async fn page_through(
    target: &Target,
    mut request: wire::SearchNearbyRequest,
    most: usize,
    mut each_page: impl FnMut(&[wire::NearbyResult]) -> Result<(), CliError>,
) -> Result<Vec<wire::NearbyResult>, CliError> {
    let mut results = Vec::new();
    let mut client = target.searches();
    while results.len() < most {
        request.page_size = i32::try_from((most - results.len()).min(500)).unwrap_or(500);
        let page = client.search_nearby(request.clone()).await?.into_inner();
        each_page(&page.results)?;
        results.extend(page.results);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(results)
}

pub(super) fn print_json(results: &[wire::NearbyResult]) -> Result<(), CliError> {
    let mut lines = String::new();
    for result in results {
        lines.push_str(&serde_json::to_string(result).map_err(std::io::Error::from)?);
        lines.push('\n');
    }
    Ok(terminal::out(lines)?)
}

/// Shows results as a table.
pub(super) fn show(results: &[wire::NearbyResult]) -> Result<(), CliError> {
    if results.is_empty() {
        return Ok(terminal::out("No merchant lies within the radius of that point.\n")?);
    }
    Ok(terminal::out(terminal::results_table(results))?)
}
