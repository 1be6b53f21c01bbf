//! State of a listing: business status, validity and review.

use super::*;
use std::time::Duration;

/// A point in time some seconds from now.
fn after(seconds: i64) -> Timestamp {
    let now = nearby_server::clock::system()();
    Timestamp { seconds: now.0.div_euclid(1_000_000) + seconds, nanos: 0 }
}

fn valid(id: &str, from: Option<Timestamp>, until: Option<Timestamp>) -> wire::Merchant {
    wire::Merchant { valid_from: from, valid_until: until, ..north(id, 10.0) }
}

fn with_status(id: &str, status: wire::BusinessStatus) -> wire::Merchant {
    wire::Merchant { business_status: status.into(), ..north(id, 10.0) }
}

fn in_scope(scope: wire::VisibilityScope) -> wire::SearchNearbyRequest {
    let filter = wire::MerchantFilter { visibility_scope: scope.into(), ..Default::default() };
    wire::SearchNearbyRequest { filter: Some(filter), page_size: 1, include_total: true, ..at_home() }
}

/// Returns the ids of all pages, whose totals agree.
async fn found(client: &mut NearbyServiceClient<Channel>, request: wire::SearchNearbyRequest) -> Vec<String> {
    let first = client.search_nearby(request.clone()).await.unwrap().into_inner();
    let all = ids(&page_through(client, request).await);
    assert_eq!(first.total_size, Some(i32::try_from(all.len()).unwrap()));
    all
}

#[tokio::test]
async fn merchants_are_found_while_they_are_valid_and_in_the_hidden_scope_otherwise() {
    let day = 86_400;
    let (_server, mut client, mut merchants) = server_with([
        valid("always", None, None),
        valid("ended", None, Some(after(-day))),
        valid("ends", None, Some(after(day))),
        valid("not-yet", Some(after(day)), Some(after(3 * day))),
        valid("started", Some(after(-day)), None),
    ])
    .await;
    use wire::VisibilityScope::{All, Hidden, Unspecified, Visible};
    for scope in [Unspecified, Visible] {
        assert_eq!(found(&mut client, in_scope(scope)).await, ["always", "ends", "started"]);
    }
    assert_eq!(found(&mut client, in_scope(Hidden)).await, ["ended", "not-yet"]);
    assert_eq!(found(&mut client, in_scope(All)).await, ["always", "ended", "ends", "not-yet", "started"]);
    // A moment restricts further: it shows nothing of what is to come.
    for (days, expected) in [(2, &["always", "started"][..]), (-2, &["always", "ends"])] {
        let opening = wire::OpeningFilter {
            moment: Some(wire::opening_filter::Moment::OpenAt(after(days * day))),
            policy: wire::OpeningPolicy::ShowAll.into(),
        };
        let request = wire::SearchNearbyRequest { opening: Some(opening), ..in_scope(Visible) };
        assert_eq!(found(&mut client, request).await, expected, "{days} days from now");
    }
    let circle = wire::Circle { center: Some(position(HOME.0, HOME.1)), radius_m: 100.0 };
    let area = Some(wire::get_density_request::Area::Circle(circle));
    let density = wire::GetDensityRequest { area, resolution: 9, ..Default::default() };
    assert_eq!(client.get_density(density).await.unwrap().into_inner().total_size, 3);
    for (scope, expected) in [(Unspecified, 5), (Visible, 3), (Hidden, 2)] {
        let filter = Some(wire::MerchantFilter { visibility_scope: scope.into(), ..Default::default() });
        let list = wire::ListMerchantsRequest { filter, ..Default::default() };
        assert_eq!(merchants.list_merchants(list).await.unwrap().into_inner().merchants.len(), expected);
    }
}

#[tokio::test]
async fn a_watch_follows_the_validity_of_merchants_without_a_new_revision() {
    let (_server, mut client, _) = server_with([
        valid("comes", Some(after(3)), None),
        valid("goes", None, Some(after(3))),
        valid("stays", None, Some(after(86_400))),
    ])
    .await;
    let start = wire::WatchNearbyStart { origin: Some(position(HOME.0, HOME.1)), ..Default::default() };
    let mut responses = client.watch_nearby_from(start).await.unwrap().into_inner();
    let first = responses.message().await.unwrap().unwrap();
    assert_eq!(ids(&first.entered), ["goes", "stays"]);
    let next = tokio::time::timeout(Duration::from_secs(60), responses.message()).await.unwrap();
    let next = next.unwrap().unwrap();
    assert_eq!((ids(&next.entered), next.left), (vec!["comes".to_owned()], vec![name("goes")]));
    assert_eq!(next.revision, first.revision);
}

#[tokio::test]
async fn a_merchant_that_is_closed_permanently_is_not_found_and_one_that_is_closed_temporarily_is() {
    use wire::BusinessStatus::{ClosedPermanently, ClosedTemporarily, Operational};
    let (_server, mut client, _) = server_with([
        with_status("gone", ClosedPermanently),
        with_status("open", Operational),
        with_status("pause", ClosedTemporarily),
    ])
    .await;
    let found = client.search_nearby(at_home()).await.unwrap().into_inner().results;
    assert_eq!(ids(&found), ["open", "pause"]);
    assert!(found.iter().all(|result| result.open_state() == wire::OpenState::Unspecified));
    let status = found[1].merchant.as_ref().unwrap().business_status();
    assert_eq!(status, ClosedTemporarily, "the BASIC view has it");
    assert_eq!(ids(&page_through(&mut client, in_scope(wire::VisibilityScope::Hidden)).await), ["gone"]);
}

#[tokio::test]
async fn a_merchant_is_closed_until_its_reopening_date_and_then_its_hours_decide() {
    use wire::opening_filter::Moment;
    let closed = |id: &str, date: Option<(i32, i32, i32)>, zone: &str, expression: &str| wire::Merchant {
        reopening_date: date.map(|(year, month, day)| wire::CalendarDate { year, month, day }),
        opening_hours: Some(wire::OpeningHours {
            time_zone: zone.to_owned(),
            osm_expression: expression.to_owned(),
            ..Default::default()
        }),
        ..with_status(id, wire::BusinessStatus::ClosedTemporarily)
    };
    let date = Some((2031, 6, 2));
    let (_server, mut client, _) = server_with([
        closed("a-tokyo", date, "Asia/Tokyo", "24/7"),
        closed("b-mornings", date, "Asia/Tokyo", "08:00-10:00"),
        closed("c-unknown", None, "Asia/Tokyo", "24/7"),
        wire::Merchant { opening_hours: None, ..closed("d-utc", date, "", "") },
    ])
    .await;
    // 15:00 UTC on 1 June is the midnight in Tokyo at which 2 June begins.
    let midnight_s = 1_938_092_400;
    for (seconds, expected) in [
        (
            -1,
            [
                ("CLOSED", Some(midnight_s)),
                ("CLOSED", Some(midnight_s + 8 * 3_600)),
                ("CLOSED", None),
                ("CLOSED", Some(midnight_s + 9 * 3_600)),
            ],
        ),
        (
            0,
            [
                ("OPEN", None),
                ("CLOSED", Some(midnight_s + 8 * 3_600)),
                ("CLOSED", None),
                ("CLOSED", Some(midnight_s + 9 * 3_600)),
            ],
        ),
        (
            9 * 3_600,
            [("OPEN", None), ("OPEN", Some(midnight_s + 10 * 3_600)), ("CLOSED", None), ("UNKNOWN", None)],
        ),
    ] {
        let moment = Moment::OpenAt(Timestamp { seconds: midnight_s + seconds, nanos: 0 });
        let opening =
            wire::OpeningFilter { moment: Some(moment), policy: wire::OpeningPolicy::ShowAll.into() };
        let request = wire::SearchNearbyRequest { opening: Some(opening), ..at_home() };
        let results = client.search_nearby(request.clone()).await.unwrap().into_inner().results;
        let states: Vec<(&str, Option<i64>)> = results
            .iter()
            .map(|result| {
                let state = result.open_state().as_str_name().trim_start_matches("OPEN_STATE_");
                (state, result.open_state_until.map(|until| until.seconds))
            })
            .collect();
        assert_eq!(states, expected, "{seconds} s after midnight");
        let only = wire::OpeningFilter { policy: wire::OpeningPolicy::OpenOnly.into(), ..opening };
        let open = wire::SearchNearbyRequest { opening: Some(only), ..request };
        let open = client.search_nearby(open).await.unwrap().into_inner().results.len();
        assert_eq!(open, states.iter().filter(|(state, _)| *state == "OPEN").count());
    }
}

#[tokio::test]
async fn a_rejected_merchant_is_hidden_with_the_reason_until_it_is_approved() {
    let (_server, mut client, mut merchants) = server_with([north("m", 10.0)]).await;
    let reject = wire::RejectMerchantRequest {
        name: name("m"),
        reason: "the phone number is wrong".to_owned(),
        ..Default::default()
    };
    let rejected = merchants.reject_merchant(reject.clone()).await.unwrap().into_inner();
    let review = rejected.review.clone().unwrap();
    assert_eq!(
        (review.state(), review.reason.as_str()),
        (wire::ReviewState::Rejected, "the phone number is wrong")
    );
    assert_eq!(rejected.visibility(), wire::Visibility::Visible, "the visibility that was given stays");
    assert_eq!(found(&mut client, in_scope(wire::VisibilityScope::Visible)).await, Vec::<String>::new());
    // Changes keep the review, whatever a client sends.
    let approved = wire::Review { state: wire::ReviewState::Approved.into(), reason: String::new() };
    let changed = wire::Merchant { review: Some(approved), phone: "1".to_owned(), ..north("m", 10.0) };
    for paths in [vec!["phone"], vec!["*"]] {
        let request = wire::UpdateMerchantRequest {
            merchant: Some(wire::Merchant { name: name("m"), ..changed.clone() }),
            update_mask: Some(FieldMask { paths: paths.into_iter().map(str::to_owned).collect() }),
            ..Default::default()
        };
        let updated = merchants.update_merchant(request).await.unwrap().into_inner();
        assert_eq!(updated.review, Some(review.clone()));
    }
    let row = wire::ImportRow {
        row_number: 1,
        merchant: Some(wire::Merchant { name: name("m"), ..changed }),
        ..Default::default()
    };
    let message = wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() };
    let imported = merchants.import_merchants(tokio_stream::iter([message])).await.unwrap().into_inner();
    assert_eq!(imported.outcomes[0].state(), wire::ImportState::Unchanged);
    let approve = wire::ApproveMerchantRequest { name: name("m"), ..Default::default() };
    let stale = wire::ApproveMerchantRequest { etag: rejected.etag, ..approve.clone() };
    assert_eq!(reason(&merchants.approve_merchant(stale).await.unwrap_err()).1, "ETAG_MISMATCH");
    let approved = merchants.approve_merchant(approve).await.unwrap().into_inner();
    assert_eq!((approved.review, approved.phone.as_str()), (None, "1"));
    assert_eq!(found(&mut client, in_scope(wire::VisibilityScope::Visible)).await, ["m"]);
    // Errors.
    let missing = wire::RejectMerchantRequest { name: name("x"), ..reject.clone() };
    assert_eq!(merchants.reject_merchant(missing).await.unwrap_err().code(), Code::NotFound);
    for (text, expected) in [(" ".to_owned(), "REQUIRED"), ("x".repeat(257), "TOO_LONG")] {
        let request = wire::RejectMerchantRequest { reason: text, ..reject.clone() };
        assert_eq!(
            violation(&merchants.reject_merchant(request).await.unwrap_err()),
            field("reason", expected)
        );
    }
}

#[tokio::test]
async fn a_review_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut merchants = server.merchants().await;
    create(
        &mut merchants,
        wire::Merchant { attributes: [("rating".to_owned(), 4.0)].into(), ..north("m", 10.0) },
    )
    .await;
    let reject =
        wire::RejectMerchantRequest { name: name("m"), reason: "no".to_owned(), ..Default::default() };
    let rejected = merchants.reject_merchant(reject).await.unwrap().into_inner();
    assert_eq!(server.terminate().await.code(), Some(0));
    let server = TestServer::start_on(&data_dir, &[]).await;
    let get = wire::GetMerchantRequest { name: name("m") };
    let read = server.merchants().await.get_merchant(get).await.unwrap().into_inner();
    assert_eq!(read, rejected);
    let visible = found(&mut server.searches().await, in_scope(wire::VisibilityScope::Visible)).await;
    assert_eq!(visible, Vec::<String>::new());
}

#[tokio::test]
async fn an_inconsistent_state_of_a_listing_is_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let date = |year, month, day| Some(wire::CalendarDate { year, month, day });
    let pause = with_status("m", wire::BusinessStatus::ClosedTemporarily);
    for (merchant, path, reason) in [
        (wire::Merchant { business_status: 9, ..north("m", 10.0) }, "business_status", "OUT_OF_RANGE"),
        (wire::Merchant { reopening_date: date(2026, 2, 29), ..pause }, "reopening_date", "OUT_OF_RANGE"),
        (
            wire::Merchant { reopening_date: date(2026, 2, 1), ..north("m", 10.0) },
            "reopening_date",
            "UNEXPECTED",
        ),
        (valid("m", Some(after(10)), Some(after(10))), "valid_until", "OUT_OF_RANGE"),
        (valid("m", Some(Timestamp { seconds: 1, nanos: -1 }), None), "valid_from", "OUT_OF_RANGE"),
        (valid("m", None, Some(Timestamp { seconds: i64::MAX, nanos: 0 })), "valid_until", "OUT_OF_RANGE"),
    ] {
        let request = wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
        let status = client.create_merchant(request).await.unwrap_err();
        assert_eq!(violation(&status), field(&format!("merchant.{path}"), reason));
    }
    create(&mut client, valid("m", Some(after(10)), None)).await;
    let request = wire::UpdateMerchantRequest {
        merchant: Some(wire::Merchant { name: name("m"), ..valid("m", None, Some(after(0))) }),
        update_mask: Some(FieldMask { paths: vec!["valid_until".to_owned()] }),
        ..Default::default()
    };
    let status = client.update_merchant(request).await.unwrap_err();
    assert_eq!(violation(&status), field("merchant.valid_until", "OUT_OF_RANGE"), "with the stored start");
}
