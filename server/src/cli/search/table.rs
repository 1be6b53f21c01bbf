//! Formats search results as a table.

use std::io::{self, IsTerminal};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};
use nearby_proto::v1 as wire;

use crate::cli::{escape, terminal::count};

/// Mark before a distance beyond the radius.
const BEYOND: &str = ">";
/// Mark before a distance of a result that may not belong here.
const UNCERTAIN: &str = "?";

/// Formats results as a table with rounded distances. Columns that were not requested are omitted, and a legend below the table
/// explains its marks.
///
/// `moment_s` is the moment of the opening filter, in seconds since 1970.
pub(super) fn format(results: &[wire::NearbyResult], moment_s: i64) -> String {
    // The server sets these fields only if the request asks for them.
    let has_open = results.iter().any(|result| result.open_state() != wire::OpenState::Unspecified);
    let has_count = results.iter().any(|result| result.merchants_at_position > 0);
    let has_serving = results.iter().any(|result| result.serves_origin);
    let mut table = Table::new();
    let style = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_width(120);
    }
    let open = has_open.then_some("open");
    let merchants = has_count.then_some("merchants");
    let serves = has_serving.then_some("serves");
    let head = ["", "distance"].into_iter().chain(open).chain(merchants).chain(serves);
    table.set_header(head.chain(["name", "category", "address", "id"]));
    for (rank, result) in (1..).zip(results) {
        let merchant = result.merchant.clone().unwrap_or_default();
        let address = merchant.address.unwrap_or_default();
        let id = merchant.name.strip_prefix("merchants/").unwrap_or(&merchant.name);
        let open = has_open.then(|| open_cell(result, moment_s));
        let merchants = has_count.then(|| result.merchants_at_position.to_string());
        let serves = has_serving.then(|| if result.serves_origin { "yes" } else { "" }.to_owned());
        let row = [rank.to_string(), marked_distance(result)]
            .into_iter()
            .chain(open)
            .chain(merchants)
            .chain(serves);
        table.add_row(row.chain([
            escape::value(&merchant.display_name).into_owned(),
            escape::value(&merchant.categories.join(", ")).into_owned(),
            escape::value(&address.address_lines.join(", ")).into_owned(),
            escape::value(id).into_owned(),
        ]));
    }
    let count_column = has_count.then_some(2 + usize::from(has_open));
    for column in [0, 1].into_iter().chain(count_column) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n{}", legend(results))
}

/// Reports how many merchants may be missing, and whether part of the area was not searched; empty if neither applies.
pub(super) fn notes(possible_omissions: i32, area_truncated: bool) -> String {
    let mut notes = omissions(possible_omissions);
    if area_truncated {
        notes.push_str("Part of the area lies beyond the radius and was not searched.\n");
    }
    notes
}

fn omissions(possible: i32) -> String {
    match u64::try_from(possible) {
        Ok(possible @ 1..) => format!(
            "{} so close outside an edge of the search that, given --accuracy, they may belong here.\n",
            count(possible, "merchant lies", "merchants lie")
        ),
        _ => String::new(),
    }
}

/// Explains the marks that the results have.
fn legend(results: &[wire::NearbyResult]) -> String {
    let mut lines = String::new();
    if results.iter().any(|result| result.beyond_radius) {
        lines.push_str(&format!("{BEYOND} lies beyond the radius\n"));
    }
    if results.iter().any(|result| result.uncertain) {
        lines.push_str(&format!(
            "{UNCERTAIN} lies so close to an edge of the search that, given --accuracy, it may not belong here\n"
        ));
    }
    lines
}

/// Formats a distance with its marks: `> 5.20 km`, `? 4.99 km`, `89 m`.
fn marked_distance(result: &wire::NearbyResult) -> String {
    let flags = [(result.beyond_radius, BEYOND), (result.uncertain, UNCERTAIN)];
    let flags: String = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| *mark).collect();
    let distance = distance(result.distance_m);
    if flags.is_empty() { distance } else { format!("{flags} {distance}") }
}

/// Describes the state, its comment and the time to its change: `yes, 3 h 10 min more`, `no, changes in 40 min`,
/// `unknown: by appointment`.
fn open_cell(result: &wire::NearbyResult, moment_s: i64) -> String {
    let mut cell = open_word(result.open_state()).to_owned();
    if !result.open_state_comment.is_empty() {
        cell.push_str(&format!(": {}", escape::value(&result.open_state_comment)));
    }
    let until = result.open_state_until.as_ref().map(|until| until.seconds - moment_s);
    match (result.open_state(), until) {
        (wire::OpenState::Open, Some(seconds)) => cell.push_str(&format!(", {} more", duration(seconds))),
        (wire::OpenState::Closed, Some(seconds)) => {
            cell.push_str(&format!(", changes in {}", duration(seconds)))
        }
        _ => {}
    }
    cell
}

/// Formats a duration, rounded up to minutes: `40 min`, `3 h 10 min`, `2 d 5 h`.
fn duration(seconds: i64) -> String {
    let minutes = (seconds.max(0) + 59) / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn open_word(state: wire::OpenState) -> &'static str {
    match state {
        wire::OpenState::Open => "yes",
        wire::OpenState::Closed => "no",
        wire::OpenState::Unknown => "unknown",
        wire::OpenState::Unspecified => "",
    }
}

/// Formats a distance: `89 m`, `1.23 km`.
pub(in crate::cli) fn distance(distance_m: f64) -> String {
    if distance_m < 999.5 { format!("{distance_m:.0} m") } else { format!("{:.2} km", distance_m / 1_000.0) }
}

#[cfg(test)]
mod tests {
    use nearby_proto::well_known::Timestamp;

    use super::*;

    fn result(distance_m: f64) -> wire::NearbyResult {
        wire::NearbyResult { distance_m, ..Default::default() }
    }

    #[test]
    fn distances_are_rounded_to_metres_or_hundredths_of_a_kilometre() {
        assert_eq!(
            [0.4, 89.5, 999.4, 999.5, 4_999.9].map(distance),
            ["0 m", "90 m", "999 m", "1.00 km", "5.00 km"]
        );
    }

    #[test]
    fn columns_and_marks_that_do_not_apply_are_omitted() {
        let plain = format(&[result(89.0)], 0);
        for text in ["open", "merchants", BEYOND, UNCERTAIN, "--accuracy"] {
            assert!(!plain.contains(text), "{text}: {plain}");
        }
        assert_eq!((omissions(0), omissions(-1)), (String::new(), String::new()));
        assert!(omissions(1).starts_with("1 merchant lies"));
    }

    #[test]
    fn opening_states_say_for_how_long_and_why() {
        let result = |state: wire::OpenState, until: Option<i64>, comment: &str| wire::NearbyResult {
            open_state: state.into(),
            open_state_until: until.map(|seconds| Timestamp { seconds, nanos: 0 }),
            open_state_comment: comment.to_owned(),
            ..result(1.0)
        };
        for (given, expected) in [
            (result(wire::OpenState::Open, Some(1_000 + 11_400), ""), "yes, 3 h 10 min more"),
            (result(wire::OpenState::Open, None, ""), "yes"),
            (result(wire::OpenState::Closed, Some(1_000 + 2_341), "lunch"), "no: lunch, changes in 40 min"),
            (result(wire::OpenState::Closed, Some(1_000 + 190_800), ""), "no, changes in 2 d 5 h"),
            (result(wire::OpenState::Unknown, Some(2_000), "by appointment"), "unknown: by appointment"),
        ] {
            assert_eq!(open_cell(&given, 1_000), expected);
        }
    }

    #[test]
    fn marks_precede_the_distance_and_are_explained() {
        let beyond = wire::NearbyResult { beyond_radius: true, ..result(5_200.0) };
        let both = wire::NearbyResult { uncertain: true, ..beyond.clone() };
        let open = wire::NearbyResult { open_state: wire::OpenState::Closed.into(), ..result(1.0) };
        let table = format(&[open, beyond, both], 0);
        for text in [" > 5.20 km", " >? 5.20 km", " no ", "> lies beyond", "? lies so close"] {
            assert!(table.contains(text), "{text}: {table}");
        }
    }
}
