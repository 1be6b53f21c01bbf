//! Spellings of time zones in real files.

use std::{collections::HashMap, sync::LazyLock};

use crate::opening_hours::iana_name;

/// Names of Windows, one a line, and the IANA zone of each for its whole territory; see `server/data/README.md`.
const WINDOWS: &str = include_str!("../../data/windows-zones.tsv");

static WINDOWS_ZONES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let zones = WINDOWS.lines().filter_map(|line| line.split_once('\t'));
    zones.map(|(windows, iana)| (windows.to_ascii_lowercase(), iana)).collect()
});

/// Returns the IANA name in a spelling such as `America/New_York`, `america/new_york`, `GMT-04:00 America/New_York`, `US/Eastern` or
/// `Eastern Standard Time`. `None` if it contains no name; [`problem`] says why.
pub(super) fn time_zone(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(zone) = WINDOWS_ZONES.get(&text.to_ascii_lowercase()) {
        return Some((*zone).to_owned());
    }
    let name = match text.split_once(' ') {
        Some((offset, name)) if is_offset(offset) => name.trim(),
        _ => text,
    };
    iana_name(name)
}

/// Returns why a text names no time zone.
pub(super) fn problem(text: &str) -> &'static str {
    if is_offset(text.trim()) {
        "an offset has no rules for daylight saving time: name a zone, such as Europe/Helsinki"
    } else {
        "not a time zone of the IANA database or of Windows"
    }
}

/// Returns true for texts such as `+08:00`, `-5`, `UTC+8`, `(GMT-04:00)` and `Z`.
fn is_offset(text: &str) -> bool {
    let text = text.trim_matches(['(', ')']).to_ascii_uppercase();
    if text == "Z" {
        return true;
    }
    let named = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC"));
    let number = named.unwrap_or(&text);
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b':' | b'.');
    number.bytes().all(is_part) && (named.is_some() || !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_are_converted_to_iana_names() {
        for (text, name) in [
            ("America/New_York", Some("America/New_York")),
            ("GMT-04:00 America/New_York", Some("America/New_York")),
            ("GMT+00:00 America/Mexico_City", Some("America/Mexico_City")),
            ("(GMT+08:00) Asia/Shanghai", Some("Asia/Shanghai")),
            ("GMT+8 Asia/Shanghai", Some("Asia/Shanghai")),
            ("US/Eastern", Some("US/Eastern")),
            ("EST5EDT", Some("EST5EDT")),
            ("MST", Some("MST")),
            ("UTC", Some("UTC")),
            ("GMT", Some("GMT")),
            ("Etc/GMT+5", Some("Etc/GMT+5")),
            ("europe/helsinki", Some("Europe/Helsinki")),
            ("EUROPE/HELSINKI ", Some("Europe/Helsinki")),
            ("Pacific Standard Time", Some("America/Los_Angeles")),
            ("china standard time", Some("Asia/Shanghai")),
            ("GMT Standard Time", Some("Europe/London")),
            ("Etc/Unknown", None),
            ("Asia/Beijing", None),
            ("US/Pacific-New", None),
            ("-5", None),
            ("0", None),
            ("UTC+8", None),
            ("+08:00", None),
            ("Z", None),
            ("CST", None),
            ("GMT-04:00 Nowhere/Land", None),
            ("", None),
        ] {
            assert_eq!(time_zone(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn every_windows_zone_is_one_of_the_iana_database() {
        assert!(WINDOWS.lines().count() > 100);
        for (windows, iana) in &*WINDOWS_ZONES {
            assert!(iana_name(iana).is_some(), "{windows}: {iana}");
        }
    }

    #[test]
    fn an_offset_is_refused_with_the_reason() {
        for offset in ["+08:00", "UTC+8", "-5", "Z", "(GMT+08:00)"] {
            assert!(problem(offset).contains("daylight"), "{offset}");
        }
        assert!(problem("Asia/Beijing").contains("IANA"));
    }
}
