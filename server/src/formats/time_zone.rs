//! The spellings of a time zone that real files hold.

use crate::opening_hours::is_time_zone;

/// The IANA name in a spelling such as `America/New_York`, `GMT-04:00 America/New_York`, `US/Eastern` or `EST5EDT`.
/// `None` where there is no IANA name in it, as in a bare offset (`-5`), which says nothing about daylight saving.
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
    fn spellings_of_real_files_become_iana_names() {
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
