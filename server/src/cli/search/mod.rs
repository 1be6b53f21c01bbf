//! `nearby search`: lists the merchants near a point.

mod area;
mod args;
mod table;

use std::io;

use nearby_proto::v1::{self as wire, opening_filter::Moment};

pub(super) use self::{
    area::ReachArg,
    args::{LatLon, SearchArgs, around, flag_of},
    table::distance,
};
use super::{
    exit_code::CliError,
    target::{IfMissing, Target},
    terminal,
};

/// The results of a search.
#[derive(Debug, Default)]
pub(super) struct Found {
    results: Vec<wire::NearbyResult>,
    /// Merchants that may belong in the results but are missing, given the accuracy of the point.
    possible_omissions: i32,
    /// Part of the area lies beyond the radius.
    area_truncated: bool,
    /// The moment of the opening filter, or else the current time, in seconds since 1970.
    moment_s: i64,
}

pub(super) async fn run(args: SearchArgs) -> Result<(), CliError> {
    let request = args.request();
    let is_unfiltered = request.filter.is_none()
        && request.opening.is_none()
        && request.min_distance_m == 0.0
        && request.area.is_none()
        && request.reach() != wire::Reach::Serving;
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let each_page = |results: &[_]| if args.json { print_json(results) } else { Ok(()) };
    let found = page_through(&target, request, args.max_results(), each_page).await;
    target.close().await?;
    let found = found?;
    if args.json {
        // On standard error: standard output contains only results.
        terminal::err(table::notes(found.possible_omissions, found.area_truncated));
    } else if found.results.is_empty() && !is_unfiltered {
        terminal::out("No merchant within the radius matches the filters.\n")?;
        terminal::out(table::notes(found.possible_omissions, found.area_truncated))?;
    } else {
        show(&found)?;
    }
    Ok(())
}

/// Requests pages until there are `max_results` results or no more pages. Calls `each_page` with the results of each.
pub(super) async fn page_through(
    target: &Target,
    request: wire::SearchNearbyRequest,
    max_results: usize,
    mut each_page: impl FnMut(&[wire::NearbyResult]) -> Result<(), CliError>,
) -> Result<Found, CliError> {
    let moment_s = match request.opening.as_ref().and_then(|opening| opening.moment) {
        Some(Moment::OpenAt(moment)) => moment.seconds,
        _ => jiff::Timestamp::now().as_second(),
    };
    let mut found = Found { moment_s, ..Found::default() };
    let mut pages = target.client().search_pages(request, max_results);
    while let Some(page) = pages.next_page().await.map_err(|error| CliError::of_call(&error, flag_of))? {
        each_page(&page.results)?;
        found.results.extend(page.results);
        // Only the first page contains it.
        found.possible_omissions += page.possible_omissions;
        found.area_truncated |= page.area_truncated;
    }
    Ok(found)
}

pub(super) fn print_json(results: &[wire::NearbyResult]) -> Result<(), CliError> {
    let mut lines = String::new();
    for result in results {
        lines.push_str(&serde_json::to_string(result).map_err(io::Error::from)?);
        lines.push('\n');
    }
    Ok(terminal::out(lines)?)
}

/// Prints the results as a table.
pub(super) fn show(found: &Found) -> Result<(), CliError> {
    if found.results.is_empty() {
        terminal::out("No merchant within the radius.\n")?;
    } else {
        terminal::out(table::format(&found.results, found.moment_s))?;
    }
    Ok(terminal::out(table::notes(found.possible_omissions, found.area_truncated))?)
}
