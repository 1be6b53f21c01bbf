//! Public and school holidays by country.
//!
//! `public.txt` holds the public holidays of 247 countries and territories for two years; `generate.py` writes it and names its
//! source. A file of the operator adds days, or replaces those of a country, and is the only source of school holidays:
//!
//! ```toml
//! [CN]
//! replace = true                                  # drops the days below that are built in
//! public = ["2027-01-01", "2027-10-01/2027-10-07"]
//! school = ["2027-07-10/2027-08-31"]
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::Path,
};

use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use thiserror::Error;

use super::{country::region_code, osm::HolidayKind};

/// Longest range of days in a file, against mistyped years.
const MAX_RANGE_DAYS: i32 = 366;

/// The holidays of all countries.
#[derive(Debug)]
pub struct HolidayCalendar {
    countries: HashMap<[u8; 2], Holidays>,
    /// The last year of the built-in public holidays.
    last_year: i16,
}

#[derive(Debug, Default)]
struct Holidays {
    public: BTreeSet<Date>,
    school: BTreeSet<Date>,
}

/// The reason why a file of holidays cannot be used.
#[derive(Debug, Error)]
pub enum HolidayError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Unreadable(#[from] io::Error),
    /// The file is not TOML of the expected form.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// The name of a table is not the code of a country.
    #[error("[{0}] is not an ISO 3166-1 alpha-2 code in capitals, such as [CN]")]
    Country(String),
    /// An entry of a list is neither a date nor a range of dates.
    #[error(
        "{0:?} of [{1}] must be a date such as 2027-10-01, or a range such as 2027-10-01/2027-10-07 of at most 366 days"
    )]
    Days(String, String),
}

/// The holidays of a country in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountryTable {
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    public: Vec<String>,
    #[serde(default)]
    school: Vec<String>,
}

impl HolidayCalendar {
    /// Creates the calendar that is built in.
    #[must_use]
    pub fn built_in() -> Self {
        let lines = include_str!("public.txt").lines().filter(|line| !line.starts_with('#'));
        let countries: HashMap<[u8; 2], Holidays> = lines.filter_map(country).collect();
        let last = countries.values().filter_map(|holidays| holidays.public.last()).max();
        let last_year = last.map_or(0, |day| day.year());
        Self { countries, last_year }
    }

    /// Creates the calendar that is built in, with the holidays of a file, if any.
    ///
    /// # Errors
    /// If the file cannot be read or is not valid.
    pub fn load(file: Option<&Path>) -> Result<Self, HolidayError> {
        let mut calendar = Self::built_in();
        if let Some(path) = file {
            calendar.add(&fs::read_to_string(path)?)?;
        }
        Ok(calendar)
    }

    /// Adds the holidays of a file, in TOML.
    ///
    /// # Errors
    /// If the file is not valid. Nothing is added then.
    pub(super) fn add(&mut self, file: &str) -> Result<(), HolidayError> {
        let tables: BTreeMap<String, CountryTable> = toml::from_str(file)?;
        let mut parsed = Vec::new();
        for (name, table) in tables {
            let code = region_code(&name).ok_or_else(|| HolidayError::Country(name.clone()))?;
            let days = |list: Vec<String>| {
                let ranges = list
                    .into_iter()
                    .map(|text| days_of(&text).ok_or_else(|| HolidayError::Days(text, name.clone())));
                Ok::<_, HolidayError>(
                    ranges.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<Vec<_>>(),
                )
            };
            parsed.push((code, table.replace, days(table.public)?, days(table.school)?));
        }
        for (code, replace, public, school) in parsed {
            let holidays = self.countries.entry(code).or_default();
            if replace {
                *holidays = Holidays::default();
            }
            holidays.public.extend(public);
            holidays.school.extend(school);
        }
        Ok(())
    }

    /// Returns the last year whose public holidays are built in. Later, rules for holidays apply only on the days of a file.
    pub(crate) fn last_year(&self) -> i16 {
        self.last_year
    }

    /// Returns whether the calendar has holidays of the kind in the country. Without them, rules for holidays never apply.
    pub(crate) fn has(&self, region: Option<[u8; 2]>, kind: HolidayKind) -> bool {
        self.days(region, kind).is_some_and(|days| !days.is_empty())
    }

    pub(crate) fn is_holiday(&self, region: Option<[u8; 2]>, day: Date, kind: HolidayKind) -> bool {
        self.days(region, kind).is_some_and(|days| days.contains(&day))
    }

    fn days(&self, region: Option<[u8; 2]>, kind: HolidayKind) -> Option<&BTreeSet<Date>> {
        let holidays = self.countries.get(&region?)?;
        Some(match kind {
            HolidayKind::Public => &holidays.public,
            HolidayKind::School => &holidays.school,
        })
    }
}

/// Parses a line of `public.txt`: the country, and behind each year the months and days of its holidays.
fn country(line: &str) -> Option<([u8; 2], Holidays)> {
    let mut words = line.split(' ');
    let code = region_code(words.next()?)?;
    let mut holidays = Holidays::default();
    let mut year = 0;
    for word in words {
        let number: i16 = word.parse().ok()?;
        if number > 1_231 {
            year = number;
        } else {
            let (month, day) = (i8::try_from(number / 100).ok()?, i8::try_from(number % 100).ok()?);
            holidays.public.insert(Date::new(year, month, day).ok()?);
        }
    }
    Some((code, holidays))
}

/// Parses `2027-10-01` or `2027-10-01/2027-10-07`.
fn days_of(text: &str) -> Option<Vec<Date>> {
    let (first, last) = text.split_once('/').unwrap_or((text, text));
    let (first, last): (Date, Date) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let days = last.since(first).ok()?.get_days();
    if !(0..MAX_RANGE_DAYS).contains(&days) {
        return None;
    }
    Some(first.series(1.day()).take_while(|day| *day <= last).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const PUBLIC: HolidayKind = HolidayKind::Public;

    #[test]
    fn every_line_of_the_built_in_calendar_is_read() {
        let lines = include_str!("public.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(HolidayCalendar::built_in().countries.len(), lines);
    }

    #[test]
    fn golden_week_has_its_weekend_and_worked_saturdays_are_no_holidays() {
        let calendar = HolidayCalendar::built_in();
        let is = |month, day| calendar.is_holiday(Some(*b"CN"), date(2026, month, day), PUBLIC);
        assert!((1..=7).all(|day| is(10, day)) && !is(10, 8) && !is(9, 30));
        assert!((15..=23).all(|day| is(2, day)) && !is(2, 14) && !is(2, 28));
        assert!(!is(10, 10) && !is(9, 20) && !is(1, 4));
        for (code, month, day) in
            [(b"HK", 7, 1), (b"MO", 12, 20), (b"TW", 10, 10), (b"SG", 8, 9), (b"FI", 12, 6)]
        {
            assert!(calendar.is_holiday(Some(*code), date(2026, month, day), PUBLIC), "{code:?}");
        }
        assert!(!calendar.is_holiday(None, date(2026, 1, 1), PUBLIC));
    }

    #[test]
    fn a_file_adds_days_and_replaces_those_of_a_country() {
        let mut calendar = HolidayCalendar::built_in();
        let file =
            "[CN]\npublic = ['2027-10-06/2027-10-07']\n[FI]\nreplace = true\nschool = ['2026-06-01']\n";
        calendar.add(file).unwrap();
        let is = |code: &[u8; 2], day, kind| calendar.is_holiday(Some(*code), day, kind);
        assert!(is(b"CN", date(2027, 10, 7), PUBLIC) && is(b"CN", date(2027, 10, 1), PUBLIC));
        assert!(!is(b"FI", date(2026, 12, 6), PUBLIC) && is(b"FI", date(2026, 6, 1), HolidayKind::School));
        assert!(!calendar.has(Some(*b"FI"), PUBLIC) && calendar.has(Some(*b"FI"), HolidayKind::School));
    }

    #[test]
    fn invalid_files_name_the_entry_and_add_nothing() {
        for (file, named) in [
            ("[CN]\npublic = ['2027-10-40']", "2027-10-40"),
            ("[CN]\npublic = ['2027-10-02/2027-10-01']", "2027-10-02/2027-10-01"),
            ("[CN]\npublic = ['2027-01-01/2037-01-01']", "2037"),
            ("[China]\npublic = []", "[China]"),
            ("[CN]\nholidays = []", "holidays"),
            ("[ZZ]\npublic = ['2027-01-01']\n[CN]\npublic = ['x']", "\"x\""),
        ] {
            let mut calendar = HolidayCalendar::built_in();
            let error = calendar.add(file).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
            assert!(!calendar.is_holiday(Some(*b"ZZ"), date(2027, 1, 1), PUBLIC));
        }
    }
}
