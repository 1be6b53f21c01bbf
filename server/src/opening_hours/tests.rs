//! States over time: time zones, changes of daylight saving, and when a state changes.

use std::sync::Arc;

use jiff::Timestamp;
use nearby_index::{
    AnyPosition, Details, ExpressionHours, Hours, Merchant, MerchantId, OpenStatus, Period, Position,
    Profile, Revision, StoredMerchant, Terms, UnixMicros, Visibility, WeeklyHours,
};
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 6] = [
    "Europe/Helsinki",
    "America/New_York",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
];
const EXPRESSIONS: [&str; 10] = [
    "24/7",
    "off",
    "Mo-Fr 09:00-12:00,13:00-17:00; Sa 10:00-14:00",
    "Mo-Su 20:00-02:30",
    "Fr-Sa 22:00-05:00; Su 12:00-15:00 \"lunch\"; PH off",
    "sunrise-sunset",
    "Mo-Fr 18:00+ || \"call\"",
    "02:15-02:45",
    "Jan-Mar Mo[1] 10:00-12:00; Apr-Dec 00:00-24:00",
    "week 1-53/2 Mo-Fr 08:00-16:00; easter off",
];

fn stored(hours: Hours) -> StoredMerchant {
    let position = AnyPosition::Wgs84(Position::new(60.17, 24.94).unwrap());
    let merchant = Merchant {
        id: MerchantId::parse("cafe").unwrap(),
        position,
        visibility: Visibility::Visible,
        terms: Terms::default(),
        details: Details { hours: Some(Arc::new(hours)), ..Details::default() }.shared(),
        profile: Profile::new(&[]).unwrap(),
    };
    let time = UnixMicros(0);
    StoredMerchant {
        merchant,
        revision: Revision(1),
        position_revision: Revision(1),
        create_time: time,
        update_time: time,
    }
}

fn expression(zone: &str, text: &str) -> Hours {
    let position = Position::new(60.17, 24.94).unwrap();
    Hours::Expression(ExpressionHours::new(zone, text, Some(*b"FI"), Some(position)))
}

fn micros(at_s: i64) -> UnixMicros {
    UnixMicros(at_s * 1_000_000)
}

/// Returns the state at a second by the text alone, without a schedule.
fn oracle(hours: &Hours, calendar: &HolidayCalendar, at_s: i64) -> OpenStatus {
    let evaluator = schedule::Evaluator::new(hours, calendar).unwrap();
    evaluator.status_at(Timestamp::from_second(at_s).unwrap())
}

#[test]
fn the_hour_that_daylight_saving_repeats_is_open_twice() {
    let calendar = HolidayCalendar::built_in();
    // Helsinki, 25 October 2026: 4:00 becomes 3:00 at 1:00 UTC.
    let first = "2026-10-25T00:30:00Z".parse::<Timestamp>().unwrap().as_second();
    for (text, at_s, expected) in [
        ("24/7", first + 1_799, OpenStatus::Open),
        ("03:15-03:45", first, OpenStatus::Open),
        ("03:15-03:45", first + 900, OpenStatus::Closed),
        ("03:15-03:45", first + 3_600, OpenStatus::Open),
        ("03:15-03:45", first + 4_500, OpenStatus::Closed),
    ] {
        let hours = expression("Europe/Helsinki", text);
        assert_eq!(oracle(&hours, &calendar, at_s), expected, "{text}");
        let clocks = Clocks::at(Moment::Now(micros(at_s)), &calendar).unwrap();
        assert_eq!(clocks.status(&stored(hours)), expected, "{text}");
    }
}

#[test]
fn results_say_until_when_and_why() {
    let calendar = HolidayCalendar::built_in();
    // A Friday, 10:00 in Helsinki.
    let at = "2026-03-13T08:00:00Z".parse::<Timestamp>().unwrap();
    let until = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    for moment in [Moment::Now, Moment::At] {
        for (text, status, until_s, comment) in [
            ("Mo-Fr 09:00-17:00", OpenStatus::Open, Some(until("2026-03-13T15:00:00Z")), None),
            ("Mo-Fr 11:00-17:00", OpenStatus::Closed, Some(until("2026-03-13T09:00:00Z")), None),
            ("Mo 11:00-17:00", OpenStatus::Closed, Some(until("2026-03-16T09:00:00Z")), None),
            ("24/7", OpenStatus::Open, None, None),
            ("Apr 09:00-17:00", OpenStatus::Closed, None, None),
            // The next change is exactly seven days ahead, which is no longer within them.
            ("Mar 20 10:00-12:00", OpenStatus::Closed, None, None),
            ("Mar 20 09:59-12:00", OpenStatus::Closed, Some(until("2026-03-20T07:59:00Z")), None),
            (
                "Fr 09:00-17:00 \"call\"",
                OpenStatus::Unknown,
                Some(until("2026-03-13T15:00:00Z")),
                Some("call"),
            ),
            (
                "Fr 09:00-17:00 open \"a\", Fr 17:00-18:00 open \"b\"",
                OpenStatus::Open,
                Some(until("2026-03-13T16:00:00Z")),
                Some("a"),
            ),
        ] {
            let clocks = Clocks::at(moment(micros(at.as_second())), &calendar).unwrap();
            let merchant = stored(expression("Europe/Helsinki", text));
            assert_eq!(clocks.status(&merchant), status, "{text}");
            let state = clocks.state(&merchant);
            assert_eq!(
                (state.status, state.until_s, state.comment.as_deref()),
                (status, until_s, comment),
                "{text}"
            );
        }
    }
}

#[test]
fn a_past_moment_is_not_looked_up_in_the_schedule_of_now() {
    let calendar = HolidayCalendar::built_in();
    let merchant = stored(expression("UTC", "24/7"));
    let now = 1_800_000_000;
    assert_eq!(Clocks::at(Moment::Now(micros(now)), &calendar).unwrap().status(&merchant), OpenStatus::Open);
    for at_s in [now - 3 * 86_400, now, now + 5 * 86_400, now + 300 * 86_400, 253_402_200_000] {
        let clocks = Clocks::at(Moment::At(micros(at_s)), &calendar).unwrap();
        assert_eq!(
            (clocks.status(&merchant), clocks.state(&merchant).status),
            (OpenStatus::Open, OpenStatus::Open)
        );
    }
}

#[test]
fn the_end_of_weekly_hours_is_known_in_the_hour_that_is_repeated() {
    let calendar = HolidayCalendar::built_in();
    // The second 3:30 of the night in Helsinki.
    let at = "2026-10-25T01:30:00Z".parse::<Timestamp>().unwrap().as_second();
    let week =
        WeeklyHours::new("Europe/Helsinki", [(6, Period { start_minute: 0, length_minutes: 225 })], []);
    let merchant = stored(Hours::Weekly(week.unwrap()));
    let state = Clocks::at(Moment::At(micros(at)), &calendar).unwrap().state(&merchant);
    assert_eq!((state.status, state.until_s), (OpenStatus::Open, Some(at + 900)));
}

#[test]
fn hours_in_an_unknown_zone_are_unknown() {
    let calendar = HolidayCalendar::built_in();
    let clocks = Clocks::at(Moment::Now(micros(0)), &calendar).unwrap();
    let merchant = stored(expression("Mars/Olympus", "24/7"));
    assert_eq!(clocks.status(&merchant), OpenStatus::Unknown);
    assert_eq!(clocks.state(&merchant).until_s, None);
}

#[test]
fn a_refresh_replaces_schedules_that_end_soon() {
    let calendar = HolidayCalendar::built_in();
    let hours = expression("UTC", "Mo-Fr 09:00-17:00");
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    assert!(clocks::is_due(&hours, now));
    clocks::refresh(&hours, &calendar, now);
    assert!(!clocks::is_due(&hours, now));
    let next_day = Timestamp::from_second(1_800_000_000 + 90_000).unwrap();
    assert!(clocks::is_due(&hours, next_day));
    clocks::refresh(&hours, &calendar, next_day);
    assert!(!clocks::is_due(&hours, next_day));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// At the moment itself, at the change that is reported, and between the two, the states are those of the text.
    #[test]
    fn states_and_their_ends_are_those_of_the_text(
        zone in proptest::sample::select(&ZONES[..]), text in proptest::sample::select(&EXPRESSIONS[..]),
        at_s in 1_767_225_600..1_830_297_600i64, is_now: bool, share in 0.0..1.0f64,
    ) {
        let calendar = HolidayCalendar::built_in();
        let hours = expression(zone, text);
        let merchant = stored(expression(zone, text));
        let moment = if is_now { Moment::Now(micros(at_s)) } else { Moment::At(micros(at_s)) };
        let clocks = Clocks::at(moment, &calendar).unwrap();
        let expected = oracle(&hours, &calendar, at_s);
        let state = clocks.state(&merchant);
        prop_assert_eq!(clocks.status(&merchant), expected);
        prop_assert_eq!(state.status, expected);
        let end_s = state.until_s.unwrap_or(at_s + 7 * 86_400);
        if let Some(until_s) = state.until_s {
            prop_assert_ne!(oracle(&hours, &calendar, until_s), expected);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "below 2^53")]
        let between = at_s + (share * (end_s - at_s) as f64) as i64;
        prop_assert_eq!(oracle(&hours, &calendar, between), expected);
        prop_assert_eq!(oracle(&hours, &calendar, end_s - 1), expected);
    }

    /// Weekly periods are looked up in another way for a result than for a filter.
    #[test]
    fn weekly_states_end_where_the_schedule_says(
        zone in proptest::sample::select(&ZONES[..]),
        periods in proptest::collection::vec((0..7u8, 0..1_440u16, 1..3_000u16), 1..6),
        at_s in 1_767_225_600..1_830_297_600i64,
    ) {
        let calendar = HolidayCalendar::built_in();
        let weekly = periods
            .iter()
            .map(|(day, start_minute, length_minutes)| (*day, Period { start_minute: *start_minute, length_minutes: *length_minutes }));
        let hours = Hours::Weekly(WeeklyHours::new(zone, weekly, []).unwrap());
        let at = Timestamp::from_second(at_s).unwrap();
        let until = Timestamp::from_second(at_s + 7 * 86_400).unwrap();
        let schedule = schedule::Evaluator::new(&hours, &calendar).unwrap().schedule(at, until).unwrap();
        let expected = schedule.stretch_at(at_s).unwrap();
        let (status, until_s) = (expected.status, expected.until_s);
        let state = Clocks::at(Moment::At(micros(at_s)), &calendar).unwrap().state(&stored(hours));
        prop_assert_eq!((state.status, state.until_s), (status, until_s));
    }
}
