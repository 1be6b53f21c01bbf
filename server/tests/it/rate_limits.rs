//! Rate limits count the work of calls, and calls return their cost.

use std::time::Duration;

use nearby_proto::v1::{
    self as wire, merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
    watch_nearby_request::Step,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Request, Response, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
    transport::Channel,
};
use tonic_types::StatusExt;

use crate::{
    admin,
    auth::{Keys, reason, with},
    support::*,
};

/// Merchants of the tests, all within a few metres of [`AT`].
const MERCHANTS: usize = 600;
const AT: (f64, f64) = (60.0, 25.0);

/// Stores the merchants.
async fn store(merchants: &mut MerchantServiceClient<Channel>, key: &str) {
    let row = |number: usize| wire::ImportRow {
        row_number: i64::try_from(number).unwrap(),
        merchant: Some(merchant(&format!("m{number}"), AT.0 + number as f64 * 1e-7, AT.1)),
        ..Default::default()
    };
    let message =
        wire::ImportMerchantsRequest { rows: (0..MERCHANTS).map(row).collect(), ..Default::default() };
    merchants.import_merchants(with(key, tokio_stream::once(message))).await.unwrap();
}

/// A request that asks for its cost.
fn costed<T>(key: &str, message: T) -> Request<T> {
    let mut request = with(key, message);
    request.metadata_mut().insert("nearby-return-cost", MetadataValue::from_static("true"));
    request
}

fn cost(metadata: &MetadataMap) -> &str {
    metadata.get("nearby-cost").unwrap().to_str().unwrap()
}

fn cost_of<T>(response: &Result<Response<T>, Status>) -> &str {
    match response {
        Ok(response) => cost(response.metadata()),
        Err(status) => cost(status.metadata()),
    }
}

/// Reads a stream to its end. Returns its messages and its cost.
async fn read<T>(mut stream: Streaming<T>) -> (Vec<T>, String) {
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    let trailers = stream.trailers().await.unwrap().unwrap();
    (messages, cost(&trailers).to_owned())
}

fn view(page_size: i32, view: wire::MerchantView) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { page_size, view: view.into(), ..search(AT.0, AT.1) }
}

fn density() -> wire::GetDensityRequest {
    let circle = wire::Circle { center: Some(position(AT.0, AT.1)), radius_m: 1_000.0 };
    wire::GetDensityRequest {
        area: Some(wire::get_density_request::Area::Circle(circle)),
        resolution: 15,
        filter: None,
        ..Default::default()
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("merchants/m{number}")).collect()
}

#[tokio::test]
async fn a_large_response_is_a_debt_that_later_calls_wait_for() {
    let keys = Keys::new();
    let (manage, other) = (keys.add("office", "manage"), keys.add("other", "search"));
    let key = keys.run(&["add", "app", "--role", "search", "--rate-per-s", "1", "--burst", "2"]);
    let server = keys.server(&[]).await;
    store(&mut server.merchants().await, &manage).await;
    let mut searches = server.searches().await;

    let large = view(500, wire::MerchantView::Full);
    let response = searches.search_nearby(costed(&key, large.clone())).await;
    assert_eq!(cost_of(&response), "10.8");
    assert_eq!(response.unwrap().into_inner().results.len(), 500, "the debt is not rejected");
    let rejected = searches.search_nearby(costed(&key, search(AT.0, AT.1))).await.unwrap_err();
    assert_eq!((rejected.code(), reason(&rejected).as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
    assert_eq!(cost(rejected.metadata()), "0");
    // 2 − 10.8 units, and one for the next call.
    let wait = rejected.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_secs(1) && wait <= Duration::from_millis(9_800), "{wait:?}");

    for _ in 0..20 {
        searches.search_nearby(with(&other, large.clone())).await.unwrap();
    }
}

#[tokio::test]
async fn a_rate_admits_as_many_plain_searches_as_units() {
    let keys = Keys::new();
    let manage = keys.add("office", "manage");
    let key = keys.run(&["add", "app", "--role", "search", "--rate-per-s", "1", "--burst", "40"]);
    let server = keys.server(&[]).await;
    store(&mut server.merchants().await, &manage).await;
    let mut searches = server.searches().await;
    let before = std::time::Instant::now();
    let mut admitted = 0;
    let rejected = loop {
        match searches.search_nearby(costed(&key, search(AT.0, AT.1))).await {
            Ok(response) => assert_eq!(cost(response.metadata()), "1"),
            Err(rejected) => break rejected,
        }
        admitted += 1;
    };
    assert_eq!(reason(&rejected), "QUOTA_EXCEEDED");
    let yielded = before.elapsed().as_secs() + 1;
    assert!((40..=40 + yielded).contains(&admitted), "{admitted} in {yielded} s");
}

#[tokio::test]
async fn searches_return_their_cost() {
    let keys = Keys::new();
    let (manage, key) = (keys.add("office", "manage"), keys.add("app", "search"));
    let server = keys.server(&[flags::ADMIN_LISTEN, "127.0.0.1:0"]).await;
    store(&mut server.merchants().await, &manage).await;
    let mut searches = server.searches().await;

    for (page_size, view_of, expected) in [
        (0, wire::MerchantView::Basic, "1"),
        (20, wire::MerchantView::IdOnly, "1"),
        (20, wire::MerchantView::Full, "1.2"),
        (500, wire::MerchantView::Basic, "5.8"),
        (500, wire::MerchantView::Full, "10.8"),
    ] {
        let response = searches.search_nearby(costed(&key, view(page_size, view_of))).await;
        assert_eq!(cost_of(&response), expected, "{page_size} {view_of:?}");
    }
    let grouped = wire::SearchNearbyRequest {
        group_by_position: true,
        include_total: true,
        ..view(500, wire::MerchantView::IdOnly)
    };
    let response = searches.search_nearby(costed(&key, grouped)).await;
    let (grouped, results) = (cost_of(&response).parse::<f64>().unwrap(), 5.8);
    assert!(grouped > results + 2.2 && grouped < results + 3.2, "{grouped}");

    let plain = searches.search_nearby(with(&key, search(AT.0, AT.1))).await.unwrap();
    assert!(plain.metadata().get("nearby-cost").is_none(), "the caller did not ask");

    let requests =
        vec![search(AT.0, AT.1), view(20, wire::MerchantView::Full), view(500, wire::MerchantView::Basic)];
    let batch = wire::BatchSearchNearbyRequest { requests: requests.clone() };
    assert_eq!(cost_of(&searches.batch_search_nearby(costed(&key, batch)).await), "8");

    let streamed: Vec<_> = requests
        .into_iter()
        .map(|request| wire::StreamSearchNearbyRequest { tag: 1, request: Some(request) })
        .collect();
    let stream = searches.stream_search_nearby(costed(&key, tokio_stream::iter(streamed))).await.unwrap();
    let (responses, total) = read(stream.into_inner()).await;
    assert_eq!((responses.len(), total.as_str()), (3, "8"));

    let response = searches.get_density(costed(&key, density())).await;
    let total = cost_of(&response).to_owned();
    let counted = response.unwrap().into_inner();
    assert_eq!(usize::try_from(counted.total_size).unwrap(), MERCHANTS);
    let expected = 1_000 + 25 * MERCHANTS + 10 * counted.cells.len();
    assert_eq!(total.parse::<f64>().unwrap(), expected as f64 / 1_000.0);

    let (_, metrics) = admin::get(format!("{}/metrics", admin::admin_url(&server))).await;
    let units: f64 = admin::value_of(&metrics, r#"nearby_principal_units_total{principal="app"}"#);
    // All of the above, and one plain search that did not ask.
    let costs = [1.0, 1.0, 1.2, 5.8, 10.8, grouped, 1.0, 8.0, 8.0, expected as f64 / 1_000.0];
    assert!((units - costs.iter().sum::<f64>()).abs() < 1e-6, "{units}, {costs:?}");
}

#[tokio::test]
async fn reads_and_writes_return_their_cost() {
    let keys = Keys::new();
    let key = keys.add("office", "manage,operate");
    let server = keys.server(&[]).await;
    let mut merchants = server.merchants().await;
    store(&mut merchants, &key).await;

    let rows = (0..10)
        .map(|row_number| wire::ImportRow { row_number, merchant: None, ..Default::default() })
        .collect();
    let message = wire::ImportMerchantsRequest { rows, ..Default::default() };
    let imported = merchants.import_merchants(costed(&key, tokio_stream::once(message))).await;
    assert_eq!(cost_of(&imported), "11");

    let get = |name: &str| costed(&key, wire::GetMerchantRequest { name: name.to_owned() });
    assert_eq!(cost_of(&merchants.get_merchant(get("merchants/m1")).await), "1");
    let missing = merchants.get_merchant(get("merchants/missing")).await;
    assert_eq!((missing.as_ref().unwrap_err().code(), cost_of(&missing)), (Code::NotFound, "1"));
    let batch = wire::BatchGetMerchantsRequest { names: names(100), ..Default::default() };
    assert_eq!(cost_of(&merchants.batch_get_merchants(costed(&key, batch)).await), "3.8");
    let list = wire::ListMerchantsRequest { page_size: 100, ..Default::default() };
    assert_eq!(cost_of(&merchants.list_merchants(costed(&key, list)).await), "2.8");
    let none = wire::MerchantFilter { any_brands: vec!["none".to_owned()], ..Default::default() };
    let list = wire::ListMerchantsRequest { filter: Some(none), ..Default::default() };
    assert_eq!(cost_of(&merchants.list_merchants(costed(&key, list)).await), "2.2");

    let create = |id: &str, validate_only| wire::CreateMerchantRequest {
        merchant: Some(merchant(id, 1.0, 2.0)),
        validate_only,
        ..Default::default()
    };
    assert_eq!(cost_of(&merchants.create_merchant(costed(&key, create("c1", false))).await), "3");
    assert_eq!(cost_of(&merchants.create_merchant(costed(&key, create("c2", true))).await), "1");
    let requests = ["c3", "c4", "c5"].map(|id| create(id, false)).to_vec();
    let batch = wire::BatchCreateMerchantsRequest { requests, ..Default::default() };
    assert_eq!(cost_of(&merchants.batch_create_merchants(costed(&key, batch)).await), "5");

    let export =
        merchants.export_merchants(costed(&key, wire::ExportMerchantsRequest::default())).await.unwrap();
    let (messages, total) = read(export.into_inner()).await;
    let exported: usize = messages.iter().map(|message| message.merchants.len()).sum();
    assert_eq!(exported, MERCHANTS + 4);
    assert_eq!(total.parse::<f64>().unwrap(), (1_000 + 20 * exported) as f64 / 1_000.0);

    let backup = merchants.back_up_merchants(costed(&key, wire::BackUpMerchantsRequest {})).await.unwrap();
    let (messages, total) = read(backup.into_inner()).await;
    let kib: usize = messages.iter().map(|message| message.data.len().div_ceil(1_024)).sum();
    assert_eq!(total.parse::<f64>().unwrap(), (1_000 + 80 * kib) as f64 / 1_000.0);
}

/// A watch, and the sender of its steps.
async fn watch(
    searches: &mut NearbyServiceClient<Channel>,
    key: &str,
    max_results: i32,
) -> (mpsc::Sender<wire::WatchNearbyRequest>, Streaming<wire::WatchNearbyResponse>) {
    let (steps, received) = mpsc::channel(64);
    let start =
        wire::WatchNearbyStart { origin: Some(position(AT.0, AT.1)), max_results, ..Default::default() };
    steps.send(wire::WatchNearbyRequest { step: Some(Step::Start(start)) }).await.unwrap();
    let watch = searches.watch_nearby(costed(key, ReceiverStream::new(received))).await.unwrap();
    (steps, watch.into_inner())
}

fn step(latitude: f64) -> wire::WatchNearbyRequest {
    wire::WatchNearbyRequest { step: Some(Step::Origin(position(latitude, AT.1))) }
}

#[tokio::test]
async fn a_watch_returns_the_cost_of_all_its_responses() {
    let keys = Keys::new();
    let (manage, key) = (keys.add("office", "manage"), keys.add("app", "search"));
    let server = keys.server(&[]).await;
    store(&mut server.merchants().await, &manage).await;
    let mut searches = server.searches().await;
    let (steps, mut responses) = watch(&mut searches, &key, 100).await;
    assert_eq!(responses.message().await.unwrap().unwrap().entered.len(), 100);
    steps.send(step(AT.0)).await.unwrap();
    assert!(responses.message().await.unwrap().unwrap().moved.is_empty());
    steps.send(step(AT.0 - 1e-6)).await.unwrap();
    assert_eq!(responses.message().await.unwrap().unwrap().moved.len(), 100);
    steps.send(wire::WatchNearbyRequest { step: None }).await.unwrap();
    let ended = responses.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::InvalidArgument);
    // 1.8 + 0.3 for the first response, 1.3 for the second and 1.8 + 0.3 for the third.
    assert_eq!(cost(ended.metadata()), "5.5");
}

#[tokio::test]
async fn a_watch_beyond_its_rate_waits_and_merges_steps() {
    let keys = Keys::new();
    let key = keys.run(&["add", "app", "--role", "search", "--rate-per-s", "20", "--burst", "1"]);
    let server = keys.server(&[]).await;
    let mut searches = server.searches().await;
    let (steps, mut responses) = watch(&mut searches, &key, 1).await;
    for number in 1..=40 {
        steps.send(step(AT.0 + f64::from(number) * 1e-6)).await.unwrap();
    }
    let mut count = 0;
    loop {
        let response = responses.message().await.unwrap().unwrap();
        count += 1;
        if response.steps == 41 {
            break;
        }
    }
    assert!(count <= 41, "{count} responses");
}

#[tokio::test]
async fn a_stream_ends_at_the_rate_limit() {
    let keys = Keys::new();
    let key = keys.run(&["add", "app", "--role", "search", "--rate-per-s", "1", "--burst", "3"]);
    let server = keys.server(&[]).await;
    let mut searches = server.searches().await;
    let request = wire::StreamSearchNearbyRequest { tag: 1, request: Some(search(AT.0, AT.1)) };
    let requests = tokio_stream::iter(vec![request; 100]);
    let mut stream = searches.stream_search_nearby(costed(&key, requests)).await.unwrap().into_inner();
    let mut answered = 0;
    let ended = loop {
        match stream.message().await {
            Ok(message) => answered += usize::from(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&ended), "QUOTA_EXCEEDED");
    assert!((3..100).contains(&answered), "{answered}");
    assert_eq!(cost(ended.metadata()), answered.to_string());
}

#[tokio::test]
async fn the_header_must_be_true_or_false() {
    let server = TestServer::start().await;
    let mut searches = server.searches().await;
    for value in ["1", "TRUE", ""] {
        let mut request = Request::new(search(AT.0, AT.1));
        request.metadata_mut().insert("nearby-return-cost", value.parse().unwrap());
        let rejected = searches.search_nearby(request).await.unwrap_err();
        let violation = &rejected.get_details_bad_request().unwrap().field_violations[0];
        assert_eq!(rejected.code(), Code::InvalidArgument);
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str()),
            ("nearby-return-cost", "HEADER_INVALID")
        );
    }
    let mut request = Request::new(search(AT.0, AT.1));
    request.metadata_mut().insert("nearby-return-cost", MetadataValue::from_static("false"));
    assert!(searches.search_nearby(request).await.unwrap().metadata().get("nearby-cost").is_none());
}

#[tokio::test]
async fn an_import_from_a_file_waits_until_the_debt_of_its_key_is_paid() {
    let keys = Keys::new();
    let key = keys.run(&["add", "office", "--role", "manage", "--rate-per-s", "200", "--burst", "1"]);
    let server = keys.server(&[flags::ADMIN_LISTEN, "127.0.0.1:0"]).await;
    let (file, key_file) = (keys.directory.path().join("shops.csv"), keys.directory.path().join("key"));
    std::fs::write(&file, "id,name,latitude,longitude\nshop,Shop,60.1,25.1\n").unwrap();
    std::fs::write(&key_file, &key).unwrap();
    // 600 units, which the rate yields in 3 s.
    store(&mut server.merchants().await, &key).await;
    let mut import = nearby();
    import.args(["import", "--server", &server.url, "--api-key-file"]).arg(&key_file).arg(&file);
    let output = tokio::task::spawn_blocking(move || run(&mut import)).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let series = r#"nearby_principal_requests_rate_limited_total{principal="office"}"#;
    let rejected = admin::metric(&admin::admin_url(&server), series).await;
    assert_ne!(rejected, 0, "the import did not have to wait");
}

/// A ring of vertices around [`AT`], on a square with sides of twice a distance in degrees.
fn ring(vertices: u32, radius_deg: f64) -> wire::PolygonSet {
    let corner = |number: u32| {
        let turns = f64::from(number) / f64::from(vertices) * 4.0;
        let along = turns.fract() * 2.0 - 1.0;
        let (north, east) = match number * 4 / vertices {
            0 => (1.0, along),
            1 => (-along, 1.0),
            2 => (-1.0, -along),
            _ => (along, -1.0),
        };
        (AT.0 + radius_deg * north, AT.1 + radius_deg * east)
    };
    let (latitudes, longitudes) = (0..vertices).map(corner).unzip();
    let polygon = wire::Polygon { shell: Some(wire::Ring { latitudes, longitudes }), holes: Vec::new() };
    wire::PolygonSet { coordinate_system: wire::CoordinateSystem::Wgs84.into(), polygons: vec![polygon] }
}

#[tokio::test]
async fn names_and_vertices_that_are_compared_cost_as_much_as_they_take() {
    let keys = Keys::new();
    let key = keys.add("office", "manage,search");
    let server = keys.server(&[]).await;
    let (mut merchants, mut searches) = (server.merchants().await, server.searches().await);
    // The vertices of service areas that are written, whether or not they are stored.
    let area = |vertices| wire::ServiceArea {
        shape: Some(wire::service_area::Shape::Polygons(ring(vertices, 0.1))),
    };
    let serving = wire::Merchant { service_area: Some(area(100)), ..merchant("serving", AT.0, AT.1) };
    let create = wire::CreateMerchantRequest { merchant: Some(serving.clone()), ..Default::default() };
    assert_eq!(cost_of(&merchants.create_merchant(costed(&key, create)).await), "9");
    let row = wire::ImportRow { merchant: Some(serving), ..Default::default() };
    let message = wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() };
    assert_eq!(cost_of(&merchants.import_merchants(costed(&key, tokio_stream::once(message))).await), "8");

    // 600 merchants in one place. A text that all names match, and a long name in another script.
    store(&mut merchants, &key).await;
    let mut text = async |display_name: &str, text: &str| {
        let rename = |number: usize| wire::ImportRow {
            merchant: Some(wire::Merchant {
                display_name: display_name.to_owned(),
                ..merchant(&format!("m{number}"), AT.0 + number as f64 * 1e-7, AT.1)
            }),
            ..Default::default()
        };
        let rows = (0..MERCHANTS).map(rename).collect();
        let message = wire::ImportMerchantsRequest { rows, ..Default::default() };
        merchants.import_merchants(with(&key, tokio_stream::once(message))).await.unwrap();
        let filter = |text: &str| Some(wire::MerchantFilter { text: text.to_owned(), ..Default::default() });
        // A list reads all names, and finds none.
        let list = wire::ListMerchantsRequest { filter: filter("nothing"), ..Default::default() };
        let list = cost_of(&merchants.list_merchants(costed(&key, list)).await).parse::<f64>().unwrap();
        let search = wire::SearchNearbyRequest {
            filter: filter(text),
            include_total: true,
            page_size: 1,
            ..search(AT.0, AT.1)
        };
        let search = cost_of(&searches.search_nearby(costed(&key, search)).await).parse::<f64>().unwrap();
        // Without what a list charges for each merchant that it skips.
        (list - 0.002 * MERCHANTS as f64, search)
    };
    let short = text("cafe", "cafe").await;
    let long = text(&"☕ 星巴克 ".repeat(14), "星巴克").await;
    // 0.16 µs a name of 4 bytes, 4 to 5 µs one of 200; the total reads all of them.
    let read_us = |cost: f64| (cost - 1.0) / 0.03 / MERCHANTS as f64;
    for (short, long) in [(short.0, long.0), (short.1, long.1)] {
        assert!((0.05..0.5).contains(&read_us(short)), "{short}");
        assert!((2.0..20.0).contains(&read_us(long)), "{long}");
    }

    let mut within = async |vertices| {
        let shape = Some(wire::search_area::Shape::Polygons(ring(vertices, 0.01)));
        let area = Some(wire::SearchArea { shape });
        let search =
            wire::SearchNearbyRequest { area, include_total: true, page_size: 1, ..search(AT.0, AT.1) };
        cost_of(&searches.search_nearby(costed(&key, search)).await).parse::<f64>().unwrap()
    };
    let (small, large) = (within(10).await, within(1_000).await);
    // The outline, and 4 ns for each vertex and each of 600 merchants.
    assert!((1.6..5.0).contains(&small), "{small}");
    assert!((61.0 + 72.0..61.0 + 300.0).contains(&large), "{large}");
}
