//! `nearby watch --at`: prints the merchants that enter, leave and change around a point.

use std::io;

use clap::Args;
use nearby_proto::v1 as wire;

use super::super::{
    escape,
    exit_code::CliError,
    filter::FilterArgs,
    search::{LatLon, ReachArg, around, distance, flag_of},
    target::ServerAddress,
    terminal,
};
use crate::formats::DatumArg;

/// Options that require a point.
#[derive(Args, Debug)]
pub(super) struct SurroundingsArgs {
    /// Datum of the point
    #[arg(long, default_value = "wgs84", ignore_case = true)]
    datum: DatumArg,

    /// Radius in metres [default: 5000; with --reach serving the limit of the server for service areas]
    #[arg(long, value_name = "METRES", allow_hyphen_values = true, requires = "at")]
    radius: Option<f64>,

    /// Relation of the merchants to the point: within the radius, with a service area that contains the point, or either
    #[arg(long, default_value = "near", value_name = "REACH")]
    reach: ReachArg,

    /// Maximum number of merchants to watch, the nearest ones [default: 100]
    #[arg(long, value_name = "NUMBER", requires = "at", allow_hyphen_values = true)]
    limit: Option<i32>,

    #[command(flatten)]
    filter: FilterArgs,
}

impl SurroundingsArgs {
    /// Returns a violation if options are given that have no meaning without a point.
    pub(super) fn check_unused(&self) -> Result<(), CliError> {
        if !matches!(self.reach, ReachArg::Near) || self.filter.to_wire().is_some() {
            return Err(CliError::usage(
                "--reach and filters select merchants around a point: name it with --at LAT,LON",
            ));
        }
        Ok(())
    }

    fn start(&self, at: LatLon, view: wire::MerchantView) -> wire::WatchNearbyStart {
        wire::WatchNearbyStart {
            origin: around(at.latitude, at.longitude, self.datum).origin,
            radius_m: self.radius,
            max_results: self.limit.unwrap_or_default(),
            filter: self.filter.to_wire(),
            reach: self.reach.to_wire().into(),
            view: view.into(),
            ..Default::default()
        }
    }
}

/// Prints changes until the server ends the watch, which is an error, or the reader of standard output closes the pipe.
pub(super) async fn watch(
    args: &SurroundingsArgs,
    at: LatLon,
    server: &ServerAddress,
    json: bool,
) -> Result<(), CliError> {
    let client = server.connect("start one with `nearby serve`, or name another with --server").await?;
    // Lines show names only; programs that read the JSON may need any field.
    let view = if json { wire::MerchantView::Full } else { wire::MerchantView::Basic };
    let failed = |error| CliError::of_call(&error, watch_flag_of);
    let mut responses = client.watch_nearby_from(args.start(at, view)).await.map_err(failed)?;
    while let Some(response) = responses.message().await.map_err(failed)? {
        let text = if json { json_line(&response)? } else { lines(&response) };
        if !terminal::out_to_reader(text)? {
            return Ok(());
        }
    }
    Err(CliError::unavailable("the server ended the watch"))
}

fn watch_flag_of(field: &str) -> Option<&'static str> {
    let field = field.strip_prefix("start.").unwrap_or(field);
    if field == "max_results" { Some("--limit") } else { flag_of(field) }
}

fn json_line(response: &wire::WatchNearbyResponse) -> Result<String, CliError> {
    Ok(serde_json::to_string(response).map_err(io::Error::from)? + "\n")
}

/// Formats each change as a line: `17  entered    120 m  cafe  Café`.
fn lines(response: &wire::WatchNearbyResponse) -> String {
    let left = response.left.iter().map(|name| ("left", name.as_str(), String::new(), ""));
    let entered = response.entered.iter().map(|result| ("entered", result));
    let updated = response.updated.iter().map(|result| ("updated", result));
    let present = entered.chain(updated).map(|(kind, result)| {
        let merchant = result.merchant.as_ref();
        let [name, display_name] =
            merchant.map_or(["", ""], |merchant| [&*merchant.name, &*merchant.display_name]);
        (kind, name, distance(result.distance_m), display_name)
    });
    let line = |(kind, name, distance, display_name): (&str, &str, String, &str)| {
        let id = name.strip_prefix("merchants/").unwrap_or(name);
        let [id, display_name] = [id, display_name].map(escape::value);
        let line = format!("{}  {kind:7}  {distance:>8}  {id}  {display_name}", response.revision);
        line.trim_end().to_owned() + "\n"
    };
    left.chain(present).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_a_response_is_a_line() {
        let result = |id: &str, display_name: &str, distance_m| wire::NearbyResult {
            merchant: Some(wire::Merchant {
                name: format!("merchants/{id}"),
                display_name: display_name.to_owned(),
                ..Default::default()
            }),
            distance_m,
            ..Default::default()
        };
        let response = wire::WatchNearbyResponse {
            revision: 17,
            left: vec!["merchants/bar".to_owned()],
            entered: vec![result("cafe", "Café\nUrsula", 120.0)],
            updated: vec![result("pub", "", 4_321.0)],
            ..Default::default()
        };
        let expected = [
            "17  left               bar",
            "17  entered     120 m  cafe  Café\\nUrsula",
            "17  updated   4.32 km  pub",
        ];
        assert_eq!(lines(&response).lines().collect::<Vec<_>>(), expected);
        assert_eq!(lines(&wire::WatchNearbyResponse::default()), "");
    }

    #[test]
    fn violations_name_the_flag() {
        assert_eq!(watch_flag_of("max_results"), Some("--limit"));
        assert_eq!(watch_flag_of("start.radius_m"), Some("--radius"));
        assert_eq!(watch_flag_of("origin.latitude"), Some("--at"));
    }
}
