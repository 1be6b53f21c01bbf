//! Expressions and their states. Expected values follow the specification on the OpenStreetMap wiki.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, date};
use nearby_index::OpenStatus::{self, Closed, Open, Unknown};
use proptest::prelude::*;

use super::*;
use crate::opening_hours::DAY_MINUTES;

/// A place with one public holiday, Thursday 1 January 2026, and school holidays in July. The sun rises at 5:00 and sets at 20:00;
/// on 21 June it does neither.
struct TestPlace;

impl Place for TestPlace {
    fn is_holiday(&self, day: Date, kind: HolidayKind) -> bool {
        match kind {
            HolidayKind::Public => day == date(2026, 1, 1),
            HolidayKind::School => day.month() == 7,
        }
    }

    fn sun_minutes(&self, day: Date, event: SunEvent) -> Option<i32> {
        let minutes = match event {
            SunEvent::Dawn => 270,
            SunEvent::Sunrise => 300,
            SunEvent::Sunset => 1_200,
            SunEvent::Dusk => 1_230,
        };
        (day != date(2026, 6, 21)).then_some(minutes)
    }
}

fn status(text: &str, at: &str) -> (OpenStatus, Option<String>) {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let at: DateTime = at.parse().unwrap();
    let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
    let stretches = stretches_of_day(&expression, at.date(), &TestPlace);
    let found = stretches.iter().find(|stretch| (stretch.from..stretch.to).contains(&minute)).unwrap();
    (found.status, found.comment.map(str::to_owned))
}

/// Monday 9 March 2026 and the days after it.
const MO: &str = "2026-03-09T";
const TU: &str = "2026-03-10T";
const WE: &str = "2026-03-11T";
const TH: &str = "2026-03-12T";
const FR: &str = "2026-03-13T";
const SA: &str = "2026-03-14T";
const SU: &str = "2026-03-15T";

fn assert_states(cases: &[(&str, &str, &str, OpenStatus)]) {
    for (text, day, time, expected) in cases {
        assert_eq!(status(text, &format!("{day}{time}")).0, *expected, "{text} at {day}{time}");
    }
}

#[test]
fn lists_of_days_continue_after_comma_and_space() {
    assert_states(&[
        ("Mo, Tu, Th 09:00-11:00", MO, "03:00", Closed),
        ("Mo, Tu, Th 09:00-11:00", TU, "10:00", Open),
        ("Mo, Tu, Th 09:00-11:00", WE, "10:00", Closed),
        ("Mo-Fr 09:00-12:00, 13:00-17:00", MO, "12:30", Closed),
        ("Mo-Fr 09:00-12:00, 13:00-17:00", MO, "13:00", Open),
        ("Mo-Fr 09:00-17:00, Sa 10:00-14:00", SA, "13:59", Open),
        ("Mo-Fr 09:00-17:00,Sa 10:00-14:00", MO, "16:59", Open),
        ("Mo-Fr 09:00-17:00, Fr 18:00-20:00", FR, "10:00", Open),
        ("Mo-Fr 09:00-17:00; Fr 18:00-20:00", FR, "10:00", Closed),
        ("Tu, Th 09:00-11:00, 14:00-16:00 || \"by appointment\"", TH, "15:00", Open),
        ("Tu, Th 09:00-11:00, 14:00-16:00 || \"by appointment\"", TH, "12:00", Unknown),
        ("Tu, Th 09:00-11:00, 14:00-16:00 || \"by appointment\"", WE, "12:00", Unknown),
    ]);
}

#[test]
fn rules_that_close_apply_on_top_of_earlier_ones() {
    assert_states(&[
        ("Mo-Su 10:00-18:00, We off", WE, "12:00", Closed),
        ("Mo-Su 10:00-18:00; We off", WE, "12:00", Closed),
        ("Mo-Su 10:00-18:00; We off", TH, "12:00", Open),
        ("Mo-Fr 09:00-17:00; Mo-Fr 12:00-13:00 off", MO, "12:30", Closed),
        ("Mo-Fr 09:00-17:00; Mo-Fr 12:00-13:00 off", MO, "13:00", Open),
        ("24/7; Su off", SU, "12:00", Closed),
        ("24/7; Su off", SA, "23:59", Open),
        ("off", MO, "12:00", Closed),
        ("closed", MO, "12:00", Closed),
        ("Mo-Su closed", MO, "12:00", Closed),
        ("Mo-Fr 10:00-12:00 off", MO, "11:00", Closed),
        ("Mo-Sa 08:00-13:00; 15:00-18:00", MO, "10:00", Open),
        ("Mo-Sa 08:00-13:00; 15:00-18:00", SU, "16:00", Open),
        ("09:00-12:00; 13:00-17:00", MO, "10:00", Closed),
        ("Mo-Fr 08:00-17:00 Sa 09:00-12:00", SA, "13:00", Closed),
        ("Mo-Fr 09:00-17:00; closed Sa-Su", MO, "10:00", Open),
        ("Mo-Fr 09:00-17:00; closed Sa-Su", SA, "03:00", Closed),
        ("09:00-17:00 Mo-Fr", MO, "03:00", Closed),
        ("09:00-17:00 Mo-Fr", MO, "10:00", Open),
        ("09:00-17:00 Mo-Fr", SA, "10:00", Closed),
        ("open Mo-Fr 09:00-17:00", SA, "03:00", Closed),
        ("Mo-Su 09:00-17:00; closed Mo", MO, "10:00", Closed),
        ("24/7 Mo-Fr", SA, "10:00", Closed),
        ("Mo 08:00-10:00; 12:00-14:00; 16:00-18:00", MO, "09:00", Open),
        ("Mo 08:00-10:00; 12:00-14:00; 16:00-18:00", MO, "13:00", Closed),
        ("Mo 10:00-12:00,18+", TU, "19:00", Closed),
        ("Mo 10:00-12:00,18+", MO, "19:00", Unknown),
    ]);
}

#[test]
fn a_comment_without_a_state_is_unknown() {
    assert_states(&[
        ("Mo-Fr 09:00-17:00; Sa \"by appointment\"", SA, "03:00", Unknown),
        ("Mo-Fr 09:00-17:00 \"by appointment\"", TU, "10:00", Unknown),
        ("Mo-Fr 09:00-17:00 \"by appointment\"", TU, "18:00", Closed),
        ("Mo-Fr 09:00-17:00 open \"ring the bell\"", TU, "10:00", Open),
        ("Mo-Fr 09:00-17:00 closed \"renovation\"", TU, "10:00", Closed),
        ("24/7 \"ring the bell\"", TU, "10:00", Unknown),
        ("24/7 open \"ring the bell\"", TU, "10:00", Open),
        ("Mo-Fr 09:00-17:00 unknown", TU, "10:00", Unknown),
        ("Mo-Fr 09:00-12:00 || \"call\"", TH, "20:00", Unknown),
        ("Mo-Fr 09:00-12:00 || \"call\"", TH, "10:00", Open),
        ("Mo-Fr 09:00-12:00 || Mo-Fr 14:00-15:00", TH, "14:30", Open),
    ]);
    let comment = |text, at: &str| status(text, at).1;
    assert_eq!(comment("Sa \"by appointment\"", "2026-03-14T10:00").as_deref(), Some("by appointment"));
    assert_eq!(
        comment("Mo-Su 09:00-17:00; Sa closed \"holiday\"", "2026-03-14T10:00").as_deref(),
        Some("holiday")
    );
    assert_eq!(comment("Mo-Fr 09:00-12:00 || \"call\"", "2026-03-12T10:00"), None);
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_starts() {
    assert_states(&[
        ("Su-Tu 10:00-21:00; We-Sa 10:00-05:00", SU, "01:07", Open),
        ("Su-Tu 10:00-21:00; We-Sa 10:00-05:00", SU, "05:00", Closed),
        ("Su-Tu 10:00-21:00; We-Sa 10:00-05:00", WE, "01:00", Closed),
        ("Fr 22:00-06:00; Sa off", SA, "05:59", Open),
        ("Fr 22:00-06:00; Sa 10:00-14:00", SA, "02:00", Open),
        ("Fr 22:00-06:00; Sa 10:00-14:00", SA, "06:00", Closed),
        ("Mo-Su 18:00-02:00; Fr 18:00-24:00", SA, "01:00", Closed),
        ("Fr-Sa 18:00-05:00; Su 03:00-05:00 off", SU, "02:59", Open),
        ("Fr-Sa 18:00-05:00; Su 03:00-05:00 off", SU, "03:00", Closed),
        ("Fr 20:00-04:00; Fr off", SA, "01:00", Closed),
        ("24/7; Fr 22:00-02:00 off", SA, "01:00", Closed),
        ("24/7; Fr 22:00-02:00 off", SA, "02:00", Open),
        ("Sa 02:00-05:00 off; Fr 20:00-04:00", SA, "03:00", Open),
        ("Fr 22:00-02:00 off; Sa 10:00-12:00", SA, "11:00", Open),
        ("Mo-Su 10:00-26:00", TU, "01:59", Open),
        ("Mo-Su 10:00-26:00", TU, "02:00", Closed),
        ("Mo-Fr 22:00-46:00", TU, "21:59", Open),
        ("Mo-Fr 17:00-09:00", SA, "08:59", Open),
        ("10:00-10:00", MO, "03:00", Open),
        ("Fr-Sa 15-02", SU, "01:59", Open),
        ("Su-Th 15-00", MO, "23:59", Open),
        ("00:00-00:00", MO, "03:00", Open),
    ]);
}

#[test]
fn an_open_end_is_unknown_after_the_time_given() {
    assert_states(&[
        ("Mo-Fr 18:00+", MO, "17:59", Closed),
        ("Mo-Fr 18:00+", MO, "20:00", Unknown),
        ("Mo-Fr 18:00+", TU, "03:59", Unknown),
        ("Mo-Fr 18:00+", TU, "04:00", Closed),
        ("Mo-Fr 16:00-22:00+", MO, "21:59", Open),
        ("Mo-Fr 16:00-22:00+", MO, "22:00", Unknown),
        ("Mo-Fr 10:00+", MO, "23:59", Unknown),
        ("Mo-Fr 10:00+", TU, "00:00", Closed),
        ("07:00+,12:00-16:00", MO, "08:00", Unknown),
        ("07:00+,12:00-16:00", MO, "13:00", Open),
        ("07:00+,12:00-16:00", MO, "17:00", Closed),
        ("Mo-Fr 18:00+ off", MO, "20:00", Closed),
    ]);
}

#[test]
fn holidays_restrict_weekdays_without_a_comma_and_join_them_with_one() {
    let holiday = "2026-01-01T";
    assert_states(&[
        ("Mo-Fr 08:00-18:00; PH Mo-Fr 10:00-14:00", TH, "09:00", Open),
        ("Mo-Fr 08:00-18:00; PH Mo-Fr 10:00-14:00", holiday, "09:00", Closed),
        ("Mo-Fr 08:00-18:00; PH Mo-Fr 10:00-14:00", holiday, "10:00", Open),
        ("Mo-Fr 08:00-18:00; PH Sa 10:00-14:00", holiday, "09:00", Open),
        ("PH,Sa 10:00-14:00", holiday, "12:00", Open),
        ("PH,Sa 10:00-14:00", SA, "12:00", Open),
        ("Mo-Su 10:00-22:00; PH off", holiday, "12:00", Closed),
        ("Mo-Su 10:00-22:00; PH off", TH, "12:00", Open),
        ("Mo-Su 10:00-22:00; PH -1 day off", "2025-12-31T", "12:00", Closed),
        ("Mo-Su 10:00-22:00; PH +1 day off", "2026-01-02T", "12:00", Closed),
        ("Mo-Fr 08:00-12:00; SH off", "2026-07-01T", "09:00", Closed),
        ("SH Mo-Fr 10:00-14:00", "2026-07-01T", "12:00", Open),
        ("SH Mo-Fr 10:00-14:00", "2026-07-04T", "12:00", Closed),
        ("SH,PH Mo-Fr 10:00-14:00", "2026-07-04T", "12:00", Closed),
    ]);
}

#[test]
fn dates_weeks_and_years_select_days() {
    assert_states(&[
        ("Apr-Oct Mo-Fr 09:00-17:00", MO, "12:00", Closed),
        ("Nov-Mar Mo-Fr 09:00-17:00", MO, "12:00", Open),
        ("Mo-Su 07:00-23:00; Dec 25 off", "2026-12-25T", "12:00", Closed),
        ("Dec 24-Jan 6 10:00-12:00", "2026-01-06T", "11:00", Open),
        ("Dec 24-Jan 6 10:00-12:00", "2026-01-07T", "11:00", Closed),
        ("Dec 24,26,31 10:00-12:00", "2026-12-26T", "11:00", Open),
        ("Dec 24,26,31 10:00-12:00", "2026-12-25T", "11:00", Closed),
        ("Dec 24-26 10:00-12:00", "2026-12-25T", "11:00", Open),
        ("Jan 1-31/7 10:00-12:00", "2026-01-15T", "11:00", Open),
        ("Jan 1-31/7 10:00-12:00", "2026-01-16T", "11:00", Closed),
        ("easter 10:00-12:00", "2026-04-05T", "11:00", Open),
        ("Easter -2 days 10:00-12:00", "2026-04-03T", "11:00", Open),
        ("easter +1 day-May 1 10:00-12:00", "2026-04-06T", "11:00", Open),
        ("easter +1 day-May 1 10:00-12:00", "2026-05-02T", "11:00", Closed),
        ("week 11 10:00-12:00", MO, "11:00", Open),
        ("week 1-53/2 Mo 09:00-12:00", MO, "11:00", Open),
        ("week 2-53/2 Mo 09:00-12:00", MO, "11:00", Closed),
        ("2025 Mo-Fr 09:00-17:00", MO, "11:00", Closed),
        ("2025-2026 Mo-Fr 09:00-17:00", MO, "11:00", Open),
        ("2024+ Mo-Fr 09:00-17:00", MO, "11:00", Open),
        ("2024-2030/2 Mo-Fr 09:00-17:00", MO, "11:00", Open),
        ("2026 Mar 9-2026 Mar 10 09:00-17:00", TU, "11:00", Open),
        ("2026 Mar 9-2026 Mar 10 09:00-17:00", WE, "11:00", Closed),
        ("2025 Dec-2026 Feb 09:00-17:00", "2026-02-28T", "11:00", Open),
        ("2025 Dec-2026 Feb 09:00-17:00", MO, "11:00", Closed),
        ("Mo[2] 09:00-17:00", MO, "11:00", Open),
        ("Mo[1,3] 09:00-17:00", MO, "11:00", Closed),
        ("Mo[-4] 09:00-17:00", MO, "11:00", Open),
        ("Mo[2] +1 day 09:00-17:00", TU, "11:00", Open),
        ("Mar Su[-1]-Oct Su[-1] 09:00-17:00", "2026-03-29T", "11:00", Open),
        ("Mar Su[-1]-Oct Su[-1] 09:00-17:00", "2026-03-28T", "11:00", Closed),
        ("Feb 29 10:00-12:00", "2026-03-01T", "11:00", Closed),
        ("Feb 29-Mar 5 10:00-12:00", "2026-03-01T", "11:00", Open),
        ("Feb 29-Mar 5 10:00-12:00", "2026-02-28T", "11:00", Closed),
        ("Jan 1 -1 day 10:00-12:00", "2026-12-31T", "11:00", Open),
        ("Dec 31 +1 day 10:00-12:00", "2026-01-01T", "11:00", Open),
        ("2026 Dec,2027 Jan-Feb 10:00-18:00", "2026-01-05T", "11:00", Closed),
        ("2026 Dec,2027 Jan-Feb 10:00-18:00", "2027-02-28T", "11:00", Open),
        ("2026 Dec,2027 Jan-Feb 10:00-18:00", "2027-12-28T", "11:00", Closed),
        ("2026 Mar,2027 Apr 5 10:00-18:00", "2027-04-05T", "11:00", Open),
        ("2026 Nov-Feb 10:00-18:00", "2027-02-01T", "11:00", Open),
        ("2026 Nov-Feb 10:00-18:00", "2026-02-01T", "11:00", Closed),
        ("2026 Dec 24-2027 Jan 6 10:00-12:00", "2027-01-06T", "11:00", Open),
        ("2026 Dec 24-2027 Jan 6 10:00-12:00", "2026-01-06T", "11:00", Closed),
        ("Feb 29 10:00-12:00", "2028-02-29T", "11:00", Open),
        ("Mar 14+ 10:00-12:00", SA, "11:00", Open),
        ("Mar 15+ 10:00-12:00", SA, "11:00", Closed),
        ("Jan 10:00-12:00", "2026-01-20T", "11:00", Open),
        ("Dec 24: 10:00-12:00", "2026-12-24T", "11:00", Open),
    ]);
}

#[test]
fn the_sun_opens_and_closes() {
    assert_states(&[
        ("sunrise-sunset", MO, "04:59", Closed),
        ("sunrise-sunset", MO, "19:59", Open),
        ("sunset-sunrise", MO, "20:00", Open),
        ("sunset-sunrise", TU, "04:59", Open),
        ("(sunrise+01:30)-(sunset-00:30)", MO, "06:30", Open),
        ("(sunrise+01:30)-(sunset-00:30)", MO, "19:30", Closed),
        ("dawn-10:00,16:00-dusk", MO, "20:29", Open),
        ("18:00-sunset", MO, "19:59", Open),
        ("21:00-sunset", MO, "23:00", Closed),
        ("21:00-sunset", MO, "11:00", Closed),
        ("sunrise-04:00", MO, "09:00", Closed),
        ("sunset-02:00", TU, "01:59", Open),
        ("21:00-sunrise", TU, "04:59", Open),
        ("21:00-sunrise", TU, "05:00", Closed),
        ("sunrise-sunset", "2026-06-21T", "12:00", Unknown),
        ("(sunset+23:59)-(sunrise+23:59)", TU, "12:00", Closed),
    ]);
}

#[test]
fn spellings_with_one_meaning_are_read() {
    for text in [
        "Mo-Fr 09:00-17:00",
        "mo-fr 09:00-17:00",
        "Mo - Fr 9:00 - 17:00",
        "Mo-Fr: 09:00-17:00",
        "Mo-Fr, 09:00-17:00",
        "Mo-Fr 9-17",
        "Mo-Fr 09.00-17.00",
        "Mo-Fr 09:00–17:00",
        "Mo-Fr 09:00~17:00",
        "Mon-Fri 9:00 AM - 5:00 PM",
        "Monday to Friday 9 a.m. to 5 p.m.",
        "Mo-Fr 9-17 Uhr",
        "Montag bis Freitag 9 Uhr - 17 Uhr",
        "Mo-Fr 09:00-17:00;",
        "Mo-Fr 09:00-17:00,",
        "Mo.-Fr. 9h-17h",
    ] {
        assert_states(&[
            (text, MO, "09:00", Open),
            (text, FR, "16:59", Open),
            (text, FR, "17:00", Closed),
            (text, SA, "12:00", Closed),
        ]);
    }
}

#[test]
fn texts_without_one_meaning_are_rejected_at_their_place() {
    for (text, at) in [
        ("", 0),
        (";", 1),
        ("Su-PH off", 3),
        ("Mo-Fr 12:00", 11),
        ("Mo-Fr 09:00-17:00/30", 17),
        ("Mo-Fr 25:00-26:00", 11),
        ("Mo-Fr 24:00-26:00", 11),
        ("Mo-Fr 09:60-17:00", 9),
        ("Mo[6] 10:00-12:00", 3),
        ("Feb 30 10:00-12:00", 4),
        ("week 54 10:00-12:00", 5),
        ("Seasonal, only summer time", 0),
        ("Mo-Fr 10:00-12:00 |", 18),
        ("\"not closed", 0),
        ("周一至周五 09:00-18:00", 0),
        ("2027-2026 10:00-12:00", 5),
        ("(noon-01:00)-18:00", 1),
        ("Mo-Fr 09:00-17:00 5", 18),
        ("Mo-Fr 9-5", 9),
        ("Mo-Fr 09:00-17:00 Sa", 20),
        ("Dec 26-24 10:00-12:00", 10),
        ("2026 Dec 24-2026 Jan 6 10:00-12:00", 23),
        ("2027 Dec-2026 Feb 10:00-12:00", 18),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(
        Expression::parse("Mo-Fr 09:60-17:00").unwrap_err().to_string(),
        "expected minutes from 00 to 59, at byte 9: \"60-17:00\""
    );
}

/// Parts that the generator of expressions joins.
const PARTS: [&str; 40] = [
    "Mo",
    "Tu-Fr",
    "Sa,Su",
    "PH",
    "SH",
    ",",
    ", ",
    ";",
    " || ",
    " ",
    "09:00-12:00",
    "22:00-03:00",
    "18:00+",
    "10:00-26:00",
    "sunrise",
    "sunset",
    "-",
    "+",
    "(",
    ")",
    "[1]",
    "[-1]",
    "Jan",
    "Dec 24",
    "Feb 29",
    "easter",
    "week 5",
    "2026",
    "2026-2028",
    "/2",
    "off",
    "open",
    "unknown",
    "\"x\"",
    "24/7",
    "1 day",
    "9",
    "am",
    ":",
    "Su[-1]",
];

proptest! {
    #[test]
    fn every_text_is_rejected_or_has_states_for_each_minute(
        parts in proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..12), noise in "\\PC{0,6}", days in 0..800i32,
    ) {
        for text in [parts.concat(), format!("{}{noise}", parts.concat())] {
            let Ok(expression) = Expression::parse(&text) else { continue };
            let day = date(2026, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let stretches = stretches_of_day(&expression, day, &TestPlace);
            prop_assert_eq!(stretches.first().map(|stretch| stretch.from), Some(0));
            prop_assert_eq!(stretches.last().map(|stretch| stretch.to), Some(DAY_MINUTES));
            for pair in stretches.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
                prop_assert_ne!((pair[0].status, pair[0].comment), (pair[1].status, pair[1].comment));
            }
        }
    }

    #[test]
    fn a_weekly_expression_is_open_in_its_spans_only(
        spans in proptest::collection::vec((0..7u8, 0..1_440i32, 1..1_440i32), 1..8), weekday in 0..7u8, minute in 0..DAY_MINUTES,
    ) {
        const NAMES: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
        let clock = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let rules: Vec<String> = spans
            .iter()
            .map(|(day, start, length)| format!("{} {}-{}", NAMES[usize::from(*day)], clock(*start), clock(start + length)))
            .collect();
        let minutes: BTreeSet<i32> = spans
            .iter()
            .flat_map(|(day, start, length)| (*start..start + length).map(|of| (i32::from(*day) * DAY_MINUTES + of) % (7 * DAY_MINUTES)))
            .collect();
        let at = format!("2026-03-{:02}T{}", 9 + weekday, clock(minute));
        let expected = if minutes.contains(&(i32::from(weekday) * DAY_MINUTES + minute)) { Open } else { Closed };
        prop_assert_eq!(status(&rules.join(", "), &at).0, expected);
    }
}
