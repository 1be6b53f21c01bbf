//! Opening hours in searches: time zones, midnight, special days, and unknown hours with each policy.

use super::*;
use wire::opening_filter::Moment;

/// Returns a filter for a time in Unix seconds.
pub(super) fn open_at(seconds: i64) -> wire::OpeningFilter {
    let moment = Some(Moment::OpenAt(Timestamp { seconds, nanos: 0 }));
    wire::OpeningFilter { moment, policy: wire::OpeningPolicy::OpenOrUnknown.into() }
}

/// Parses a time in RFC 3339 into Unix seconds.
fn seconds(moment: &str) -> i64 {
    moment.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Returns a merchant with weekly periods (weekday, start minute, length in minutes) and special days.
fn shop(id: &str, zone: &str, weekly: &[(i32, i32, i32)], special: Vec<wire::SpecialDay>) -> wire::Merchant {
    let period = |(weekday, start_minute, length_minutes): &(i32, i32, i32)| wire::WeeklyPeriod {
        weekday: *weekday,
        start_minute: *start_minute,
        length_minutes: *length_minutes,
    };
    let hours = wire::OpeningHours {
        time_zone: zone.to_owned(),
        weekly_periods: weekly.iter().map(period).collect(),
        special_days: special,
        ..Default::default()
    };
    wire::Merchant { opening_hours: Some(hours), ..north(id, 1.0) }
}

fn every_day(start: i32, length: i32) -> Vec<(i32, i32, i32)> {
    (1..=7).map(|weekday| (weekday, start, length)).collect()
}

fn special(year: i32, month: i32, day: i32, periods: &[(i32, i32)]) -> wire::SpecialDay {
    let period = |(start_minute, length_minutes): &(i32, i32)| wire::DayPeriod {
        start_minute: *start_minute,
        length_minutes: *length_minutes,
    };
    wire::SpecialDay {
        date: Some(wire::CalendarDate { year, month, day }),
        periods: periods.iter().map(period).collect(),
    }
}

async fn state_at(client: &mut NearbyServiceClient<Channel>, moment: &str) -> wire::OpenState {
    let opening =
        wire::OpeningFilter { policy: wire::OpeningPolicy::ShowAll.into(), ..open_at(seconds(moment)) };
    let request = wire::SearchNearbyRequest { opening: Some(opening), ..at_home() };
    found(client, request).await.results[0].open_state()
}

/// Asserts that a merchant is open (`true`) or closed at the given times.
async fn assert_states(merchant: wire::Merchant, expected: &[(&str, bool)]) {
    let (_server, mut client, _) = server_with([merchant]).await;
    for (moment, open) in expected {
        let state = if *open { wire::OpenState::Open } else { wire::OpenState::Closed };
        assert_eq!(state_at(&mut client, moment).await, state, "{moment}");
    }
}

#[tokio::test]
async fn daylight_saving_time_begins() {
    // Helsinki, 29 March 2026: after 2:59 comes 4:00.
    let bar = shop("bar", "Europe/Helsinki", &[(6, 22 * 60, 6 * 60)], Vec::new());
    assert_states(
        bar,
        &[
            ("2026-03-28T19:59:00Z", false),
            ("2026-03-28T20:00:00Z", true),
            ("2026-03-29T00:59:00Z", true),
            // Local time is 4:00, five hours after opening: it closes.
            ("2026-03-29T01:00:00Z", false),
        ],
    )
    .await;
    // Opens at a local time that does not exist in that night.
    let bakery = shop("bakery", "Europe/Helsinki", &every_day(3 * 60 + 30, 60), Vec::new());
    assert_states(
        bakery,
        &[
            ("2026-03-28T01:29:00Z", false),
            ("2026-03-28T01:30:00Z", true),
            ("2026-03-29T00:59:00Z", false),
            ("2026-03-29T01:00:00Z", true),
            ("2026-03-29T01:30:00Z", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn daylight_saving_time_ends() {
    // New York, 1 November 2026: 1:00 to 1:59 comes twice.
    let bar = shop("bar", "America/New_York", &[(6, 20 * 60, 6 * 60)], Vec::new());
    assert_states(
        bar,
        &[
            ("2026-10-31T23:59:00Z", false),
            ("2026-11-01T00:00:00Z", true),
            ("2026-11-01T05:30:00Z", true),
            // The second 1:30, six and a half hours after opening and before 2:00.
            ("2026-11-01T06:30:00Z", true),
            ("2026-11-01T07:00:00Z", false),
        ],
    )
    .await;
    // Always open: that Sunday has 25 hours.
    let always = shop("always", "America/New_York", &[(1, 0, 7 * 24 * 60)], Vec::new());
    let hours: Vec<String> = (0..50)
        .map(|hour| {
            format!(
                "2026-{:02}-{:02}T{:02}:30:00Z",
                if hour < 24 { 10 } else { 11 },
                if hour < 24 { 31 } else { hour / 24 },
                hour % 24
            )
        })
        .collect();
    let moments: Vec<(&str, bool)> = hours.iter().map(|moment| (moment.as_str(), true)).collect();
    assert_states(always, &moments).await;
}

#[tokio::test]
async fn periods_extend_past_midnight_and_past_the_end_of_the_week() {
    let bar = shop("bar", "Asia/Shanghai", &[(7, 22 * 60, 6 * 60)], Vec::new());
    assert_states(
        bar,
        &[
            // Sunday 21:59, 22:00, 23:59, Monday 0:00, 3:59, 4:00 in Shanghai.
            ("2026-11-22T13:59:00Z", false),
            ("2026-11-22T14:00:00Z", true),
            ("2026-11-22T15:59:00Z", true),
            ("2026-11-22T16:00:00Z", true),
            ("2026-11-22T19:59:00Z", true),
            ("2026-11-22T20:00:00Z", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn special_days_replace_weekly_periods() {
    let days = vec![special(2026, 12, 25, &[]), special(2026, 12, 31, &[(20 * 60, 8 * 60)])];
    let shop = shop("shop", "Europe/Helsinki", &every_day(9 * 60, 8 * 60), days);
    assert_states(
        shop,
        &[
            ("2026-12-24T10:00:00Z", true),
            ("2026-12-25T10:00:00Z", false),
            ("2026-12-26T10:00:00Z", true),
            ("2026-12-31T10:00:00Z", false),
            ("2026-12-31T18:00:00Z", true),
            // Open until 4:00 local time on 1 January; the weekly period then begins at 9:00.
            ("2027-01-01T01:59:00Z", true),
            ("2027-01-01T02:00:00Z", false),
            ("2027-01-01T07:00:00Z", true),
        ],
    )
    .await;
}

#[tokio::test]
async fn time_zones_may_have_half_hour_offsets() {
    let shop = shop("shop", "Asia/Kolkata", &every_day(9 * 60, 60), Vec::new());
    let moments =
        [("2026-11-22T03:29:00Z", false), ("2026-11-22T03:30:00Z", true), ("2026-11-22T04:30:00Z", false)];
    assert_states(shop, &moments).await;
}

#[tokio::test]
async fn leap_days_are_weekdays_and_special_days() {
    let weekly = shop("weekly", "UTC", &[(2, 600, 60)], Vec::new());
    let moments =
        [("2028-02-28T10:30:00Z", false), ("2028-02-29T10:30:00Z", true), ("2028-03-01T10:30:00Z", false)];
    assert_states(weekly, &moments).await;
    let once = shop("once", "UTC", &[], vec![special(2028, 2, 29, &[(23 * 60, 120)])]);
    let moments = [
        ("2028-02-29T22:59:00Z", false),
        ("2028-02-29T23:00:00Z", true),
        ("2028-03-01T00:59:00Z", true),
        ("2028-03-01T01:00:00Z", false),
    ];
    assert_states(once, &moments).await;
}

#[tokio::test]
async fn each_policy_selects_its_opening_states() {
    let open = shop("open", "UTC", &[(1, 0, 7 * 24 * 60)], Vec::new());
    let closed = wire::Merchant { name: name("closed"), ..shop("closed", "UTC", &[(1, 0, 1)], Vec::new()) };
    let text_only = wire::OpeningHours { display_text: "after lunch".to_owned(), ..Default::default() };
    let text_only = wire::Merchant { opening_hours: Some(text_only), ..north("text", 1.0) };
    let (_server, mut client, _) = server_with([open, closed, text_only, north("unknown", 1.0)]).await;
    use wire::OpenState::{Closed, Open, Unknown};
    use wire::OpeningPolicy::{OpenOnly, OpenOrUnknown, ShowAll, Unspecified};
    let unless_closed = [("open", Open), ("text", Unknown), ("unknown", Unknown)];
    for (policy, expected) in [
        (Unspecified, &unless_closed[..]),
        (OpenOrUnknown, &unless_closed),
        (OpenOnly, &[("open", Open)]),
        (ShowAll, &[("closed", Closed), ("open", Open), ("text", Unknown), ("unknown", Unknown)]),
    ] {
        let opening =
            wire::OpeningFilter { policy: policy.into(), ..open_at(seconds("2026-11-22T12:00:00Z")) };
        let request = wire::SearchNearbyRequest {
            opening: Some(opening),
            include_total: true,
            page_size: 1,
            ..at_home()
        };
        assert_eq!(found(&mut client, request.clone()).await.total_size, i32::try_from(expected.len()).ok());
        let results = page_through(&mut client, request).await;
        let states: Vec<_> =
            ids(&results).into_iter().zip(results.iter().map(wire::NearbyResult::open_state)).collect();
        let expected: Vec<_> = expected.iter().map(|(id, state)| ((*id).to_owned(), *state)).collect();
        assert_eq!(states, expected, "{policy:?}");
    }
    // Without an opening filter the state is unspecified.
    let all = found(&mut client, at_home()).await.results;
    assert!(all.iter().all(|result| result.open_state() == wire::OpenState::Unspecified) && all.len() == 4);
}

#[tokio::test]
async fn open_now_uses_the_current_time() {
    // One is always open and one has been closed since 1999, so that the result does not depend on the clock.
    let always = shop("always", "UTC", &[(1, 0, 7 * 24 * 60)], Vec::new());
    let never = shop("never", "UTC", &[], vec![special(1999, 1, 1, &[(0, 60)])]);
    let (_server, mut client, _) = server_with([always, never]).await;
    let opening = wire::OpeningFilter { moment: Some(Moment::OpenNow(true)), policy: 0 };
    let request = wire::SearchNearbyRequest { opening: Some(opening), ..at_home() };
    assert_eq!(ids(&found(&mut client, request).await.results), ["always"]);
}

#[tokio::test]
async fn invalid_times_and_policies_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    let at = |seconds, nanos| Some(Moment::OpenAt(Timestamp { seconds, nanos }));
    for (moment, policy, path, reason) in [
        (None, 0, "opening", "REQUIRED"),
        (Some(Moment::OpenNow(false)), 0, "opening.open_now", "OUT_OF_RANGE"),
        (at(i64::MAX, 0), 0, "opening.open_at", "OUT_OF_RANGE"),
        (at(-62_135_596_801, 0), 0, "opening.open_at", "OUT_OF_RANGE"),
        (at(0, -1), 0, "opening.open_at", "OUT_OF_RANGE"),
        (at(0, 0), 9, "opening.policy", "OUT_OF_RANGE"),
    ] {
        let opening = Some(wire::OpeningFilter { moment, policy });
        let rejected =
            client.search_nearby(wire::SearchNearbyRequest { opening, ..at_home() }).await.unwrap_err();
        assert_eq!(violation(&rejected), field(path, reason));
    }
}

/// Returns a merchant whose hours are an expression in Helsinki.
fn by_expression(id: &str, text: &str) -> wire::Merchant {
    let hours = wire::OpeningHours {
        time_zone: "Europe/Helsinki".to_owned(),
        osm_expression: text.to_owned(),
        ..Default::default()
    };
    wire::Merchant { opening_hours: Some(hours), ..north(id, 1.0) }
}

#[tokio::test]
async fn expressions_are_returned_as_given_and_results_say_until_when_they_hold() {
    let text = "Mo-Fr 09:00-17:00; Sa \"by appointment\"; PH off";
    let (_server, mut client, mut merchants) = server_with([by_expression("shop", text)]).await;
    let request = wire::GetMerchantRequest { name: "merchants/shop".to_owned() };
    let stored = merchants.get_merchant(request).await.unwrap().into_inner();
    assert_eq!(stored.opening_hours.unwrap().osm_expression, text);
    for (moment, state, until, comment) in [
        ("2026-03-13T08:00:00Z", wire::OpenState::Open, Some("2026-03-13T15:00:00Z"), ""),
        ("2026-03-13T16:00:00Z", wire::OpenState::Closed, Some("2026-03-13T22:00:00Z"), ""),
        ("2026-03-14T10:00:00Z", wire::OpenState::Unknown, Some("2026-03-14T22:00:00Z"), "by appointment"),
        // Good Friday and Easter Monday: the holidays of the country at the position.
        ("2026-04-03T08:00:00Z", wire::OpenState::Closed, Some("2026-04-03T21:00:00Z"), ""),
        ("2026-04-06T08:00:00Z", wire::OpenState::Closed, Some("2026-04-07T06:00:00Z"), ""),
    ] {
        let opening =
            wire::OpeningFilter { policy: wire::OpeningPolicy::ShowAll.into(), ..open_at(seconds(moment)) };
        let request = wire::SearchNearbyRequest { opening: Some(opening), ..at_home() };
        let result = found(&mut client, request).await.results.remove(0);
        assert_eq!(result.open_state(), state, "{moment}");
        assert_eq!(result.open_state_until.map(|until| until.seconds), until.map(seconds), "{moment}");
        assert_eq!(result.open_state_comment, comment, "{moment}");
    }
    let plain = found(&mut client, at_home()).await.results.remove(0);
    assert_eq!((plain.open_state_until, plain.open_state_comment.as_str()), (None, ""));
}

#[tokio::test]
async fn invalid_expressions_are_rejected_at_their_place() {
    let (_server, _, mut merchants) = server_with([]).await;
    let period = wire::WeeklyPeriod { weekday: 1, start_minute: 0, length_minutes: 60 };
    let mut with_periods = by_expression("shop", "Mo-Fr 09:00-17:00");
    with_periods.opening_hours.as_mut().unwrap().weekly_periods.push(period);
    let mut without_zone = by_expression("shop", "Mo-Fr 09:00-17:00");
    without_zone.opening_hours.as_mut().unwrap().time_zone.clear();
    for (merchant, field, reason, description) in [
        (
            by_expression("shop", "Mo-Fr 09:60-17:00"),
            "osm_expression",
            "HOURS_INVALID",
            "minutes from 00 to 59, at byte 9",
        ),
        (with_periods, "weekly_periods", "UNEXPECTED", "beside osm_expression"),
        (without_zone, "time_zone", "REQUIRED", "IANA time zone"),
    ] {
        let request = wire::CreateMerchantRequest {
            merchant_id: "shop".to_owned(),
            merchant: Some(merchant),
            ..Default::default()
        };
        let status = merchants.create_merchant(request).await.unwrap_err();
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].field, format!("merchant.opening_hours.{field}"));
        assert_eq!(violations[0].reason, reason);
        assert!(violations[0].description.contains(description), "{violations:?}");
    }
}
