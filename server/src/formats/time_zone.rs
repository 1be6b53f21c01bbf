//! Spellings of time zones in real files.

use crate::opening_hours::is_time_zone;

/// Returns the IANA name in a spelling such as `America/New_York`, `GMT-04:00 America/New_York`, `US/Eastern` or `EST5EDT`.
/// `None` if it contains no IANA name, such as a bare offset (`-5`), which does not imply rules of daylight saving.
pub(super) fn time_zone(text: &str) -> Option<String> {
    let name = match text.split_once(' ') {
        Some((offset, name)) if offset.starts_with("GMT") || offset.starts_with("UTC") => name.trim(),
        _ => text.trim(),
    };
    is_time_zone(name).then(|| name.to_owned())
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
            ("US/Eastern", Some("US/Eastern")),
            ("EST5EDT", Some("EST5EDT")),
            ("MST", Some("MST")),
            ("europe/helsinki", None),
            ("Etc/Unknown", None),
            ("-5", None),
            ("0", None),
            ("CST", None),
            ("GMT-04:00 Nowhere/Land", None),
            ("", None),
        ] {
            assert_eq!(time_zone(text).as_deref(), name, "{text}");
        }
    }
}
