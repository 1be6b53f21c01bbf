//! `nearby search`.

mod args;
mod table;

use std::io;

use nearby_proto::v1 as wire;

use self::args::flag_of;
pub(super) use self::args::{SearchArgs, around};
use super::{
    exit_code::CliError,
    target::{IfMissing, Target},
    terminal,
};

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    results: Vec<wire::NearbyResult>,
    /// How many merchants may belong in it that are not, by the accuracy of the point.
    possible_omissions: i32,
}

pub(super) async fn run(args: SearchArgs) -> Result<(), CliError> {
    let request = args.request();
    let is_of_all = request.filter.is_none() && request.opening.is_none() && request.min_distance_m == 0.0;
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let each_page = |results: &[_]| if args.json { print_json(results) } else { Ok(()) };
    let found = page_through(&target, request, args.most(), each_page).await;
    target.close().await?;
    let found = found?;
    if args.json {
        // Beside the lines, which are results and nothing else.
        terminal::err(table::omissions(found.possible_omissions));
    } else if found.results.is_empty() && !is_of_all {
        terminal::out("No merchant such as asked for lies within the radius of that point.\n")?;
        terminal::out(table::omissions(found.possible_omissions))?;
    } else {
        show(&found)?;
    }
    Ok(())
}

/// Asks page after page until there are enough results or no more; `each_page` sees them as they come.
pub(super) async fn page_through(
    target: &Target,
    request: wire::SearchNearbyRequest,
    most: usize,
    mut each_page: impl FnMut(&[wire::NearbyResult]) -> Result<(), CliError>,
) -> Result<Found, CliError> {
    let mut found = Found::default();
    let mut pages = target.client().search_pages(request, most);
    while let Some(page) = pages.next_page().await.map_err(|error| CliError::of_call(&error, flag_of))? {
        each_page(&page.results)?;
        found.results.extend(page.results);
        // Only the first page says it.
        found.possible_omissions += page.possible_omissions;
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

/// Shows what was found as a table.
pub(super) fn show(found: &Found) -> Result<(), CliError> {
    if found.results.is_empty() {
        terminal::out("No merchant lies within the radius of that point.\n")?;
    } else {
        terminal::out(table::of(&found.results))?;
    }
    Ok(terminal::out(table::omissions(found.possible_omissions))?)
}
