//! Codes and names of countries.

use std::{collections::HashMap, sync::LazyLock};

/// Countries, one a line: alpha-2 code, alpha-3 code, and names in English and Chinese; see `server/data/README.md`.
const COUNTRIES: &str = include_str!("../../data/countries.tsv");

static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let lines = COUNTRIES.lines().filter_map(|line| Some((line.split('\t').next()?, line)));
    lines.flat_map(|(code, line)| line.split('\t').map(move |name| (name.to_lowercase(), code))).collect()
});

/// Returns the ISO 3166-1 alpha-2 code of a country, or `XK` for Kosovo, from a code or a name.
pub(super) fn country_code(text: &str) -> Option<&'static str> {
    CODES.get(&text.trim().to_lowercase()).copied()
}

/// Boxes around countries, one a line: code, and degrees south, west, north and east; west is greater than east across the
/// antimeridian. See `server/data/README.md`.
const BOXES: &str = include_str!("../../data/country-boxes.tsv");

/// South, west, north and east.
static BOX_OF: LazyLock<HashMap<&'static str, [f64; 4]>> = LazyLock::new(|| {
    let parse = |line: &'static str| {
        let mut columns = line.split('\t');
        let code = columns.next()?;
        let degrees: Vec<f64> = columns.filter_map(|column| column.parse().ok()).collect();
        Some((code, degrees.try_into().ok()?))
    };
    BOXES.lines().filter_map(parse).collect()
});

/// Returns true if a position lies more than a degree outside the box around a country: borders are simplified, and positions of
/// another datum are off by a kilometre.
pub(crate) fn is_far_from_country(code: &str, latitude: f64, longitude: f64) -> bool {
    const MARGIN_DEG: f64 = 1.0;
    let Some([south, west, north, east]) = BOX_OF.get(code).copied() else { return false };
    let (west, east) = (west - MARGIN_DEG, east + MARGIN_DEG);
    let is_within =
        if west > east { longitude >= west || longitude <= east } else { (west..=east).contains(&longitude) };
    !is_within || !(south - MARGIN_DEG..=north + MARGIN_DEG).contains(&latitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_english_and_chinese_names_are_known() {
        for (text, code) in [
            ("FI", Some("FI")),
            ("fi", Some("FI")),
            ("USA", Some("US")),
            ("中国", Some("CN")),
            ("中國", Some("CN")),
            ("China", Some("CN")),
            ("united states", Some("US")),
            ("Kosovo", Some("XK")),
            ("XK", Some("XK")),
            ("台湾", Some("TW")),
            ("香港", Some("HK")),
            ("TÜRKIYE", Some("TR")),
            ("Congo", None),
            ("XX", None),
            ("", None),
        ] {
            assert_eq!(country_code(text), code, "{text}");
        }
    }

    #[test]
    fn no_name_is_that_of_two_countries() {
        assert_eq!((COUNTRIES.lines().count(), BOX_OF.len(), BOXES.lines().count()), (250, 238, 238));
        for line in COUNTRIES.lines() {
            let code = line.split('\t').next();
            for name in line.split('\t') {
                assert_eq!(country_code(name), code, "{name}");
            }
        }
    }
}
