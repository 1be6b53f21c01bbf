//! `Merchant.service_area` and `reach`: merchants that serve the origin.

use super::*;
use wire::service_area::Shape;

const METRES_NORTH: f64 = 1.0 / 111_412.0;
const METRES_EAST: f64 = 1.0 / 55_800.0;

fn circle(radius_m: f64) -> Option<wire::ServiceArea> {
    Some(wire::ServiceArea { shape: Some(Shape::RadiusM(radius_m)) })
}

fn ring(corners: &[(f64, f64)]) -> wire::Ring {
    let (latitudes, longitudes) = corners.iter().copied().unzip();
    wire::Ring { latitudes, longitudes }
}

fn polygons(datum: wire::CoordinateSystem, polygons: Vec<wire::Polygon>) -> Option<wire::ServiceArea> {
    let set = wire::PolygonSet { coordinate_system: datum.into(), polygons };
    Some(wire::ServiceArea { shape: Some(Shape::Polygons(set)) })
}

fn polygon(shell: wire::Ring, holes: Vec<wire::Ring>) -> wire::Polygon {
    wire::Polygon { shell: Some(shell), holes }
}

/// A square around a point at an offset from [`HOME`], in metres.
fn square(north_m: f64, east_m: f64, half_m: f64) -> wire::Ring {
    let corner = |north: f64, east: f64| {
        (HOME.0 + (north_m + north) * METRES_NORTH, HOME.1 + (east_m + east) * METRES_EAST)
    };
    ring(&[
        corner(-half_m, -half_m),
        corner(-half_m, half_m),
        corner(half_m, half_m),
        corner(half_m, -half_m),
    ])
}

fn wgs84(shapes: Vec<wire::Polygon>) -> Option<wire::ServiceArea> {
    polygons(wire::CoordinateSystem::Wgs84, shapes)
}

fn with_area(id: &str, metres: f64, service_area: Option<wire::ServiceArea>) -> wire::Merchant {
    wire::Merchant { service_area, ..north(id, metres) }
}

fn reach(reach: wire::Reach) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { reach: reach.into(), include_total: true, ..at_home() }
}

/// `near-…` lie within 5 km, `far-…` beyond; `…-serving` serve home.
fn shops() -> Vec<wire::Merchant> {
    vec![
        with_area("near-none", 100.0, None),
        with_area("near-other", 200.0, circle(150.0)),
        with_area("near-serving", 300.0, circle(400.0)),
        with_area(
            "near-hole",
            400.0,
            wgs84(vec![polygon(square(0.0, 0.0, 1_000.0), vec![square(0.0, 0.0, 50.0)])]),
        ),
        with_area("far-other", 7_000.0, circle(6_000.0)),
        with_area(
            "far-serving",
            8_000.0,
            wgs84(vec![
                polygon(square(9_000.0, 0.0, 500.0), vec![]),
                polygon(square(0.0, 0.0, 500.0), vec![]),
            ]),
        ),
        with_area("farther-serving", 30_000.0, circle(40_000.0)),
    ]
}

#[tokio::test]
async fn a_search_by_reach_finds_the_merchants_that_serve_the_origin_nearest_first() {
    let (_server, mut client, _) = server_with(shops()).await;
    let near = ["near-none", "near-other", "near-serving", "near-hole"];
    let serving = ["near-serving", "far-serving", "farther-serving"];
    let union = ["near-none", "near-other", "near-serving", "near-hole", "far-serving", "farther-serving"];
    for (kind, expected) in [
        (wire::Reach::Unspecified, &near[..]),
        (wire::Reach::Near, &near),
        (wire::Reach::Serving, &serving),
        (wire::Reach::NearOrServing, &union),
    ] {
        let page = found(&mut client, reach(kind)).await;
        assert_eq!(ids(&page.results), expected, "{kind:?}");
        assert_eq!(page.total_size, Some(i32::try_from(expected.len()).unwrap()), "{kind:?}");
        assert!(page.results.is_sorted_by(|a, b| a.distance_m <= b.distance_m));
        for result in &page.results {
            let id = &result.merchant.as_ref().unwrap().name;
            assert_eq!(result.serves_origin, id.ends_with("-serving"), "{id}");
            assert_eq!(
                result.beyond_radius,
                kind == wire::Reach::NearOrServing && id.contains("/far"),
                "{id}"
            );
        }
        for page_size in 1..=4 {
            let paged =
                page_through(&mut client, wire::SearchNearbyRequest { page_size, ..reach(kind) }).await;
            assert_eq!(ids(&paged), expected, "{kind:?} in pages of {page_size}");
        }
        let grouped = wire::SearchNearbyRequest { group_by_position: true, page_size: 2, ..reach(kind) };
        assert_eq!(ids(&page_through(&mut client, grouped).await), expected, "{kind:?}, grouped");
    }
    let ring = wire::SearchNearbyRequest { min_distance_m: 350.0, ..reach(wire::Reach::NearOrServing) };
    assert_eq!(ids(&found(&mut client, ring).await.results), ["near-hole", "far-serving", "farther-serving"]);
    let radius = wire::SearchNearbyRequest { radius_m: Some(10_000.0), ..reach(wire::Reach::Serving) };
    assert_eq!(ids(&found(&mut client, radius).await.results), ["near-serving", "far-serving"]);
}

#[tokio::test]
async fn an_expansion_of_a_union_adds_the_nearest_of_the_others() {
    let (_server, mut client, _) = server_with(shops()).await;
    let request = |min_results| wire::SearchNearbyRequest {
        radius_m: Some(150.0),
        expansion: Some(wire::Expansion { min_results, max_radius_m: None }),
        ..reach(wire::Reach::NearOrServing)
    };
    let all = ["near-none", "near-other", "near-serving", "near-hole", "far-serving", "farther-serving"];
    let without = |left_out: &[&str]| -> Vec<String> {
        all.iter().filter(|id| !left_out.contains(id)).map(|id| (*id).to_owned()).collect()
    };
    for (min_results, expected) in [
        (1, without(&["near-other", "near-hole"])),
        (4, without(&["near-other", "near-hole"])),
        (5, without(&["near-hole"])),
        (6, without(&[])),
        (9, without(&[])),
    ] {
        let page = found(&mut client, request(min_results)).await;
        assert_eq!(ids(&page.results), expected, "{min_results}");
        assert_eq!(page.total_size, Some(i32::try_from(expected.len()).unwrap()));
        for page_size in 1..=3 {
            let paged = wire::SearchNearbyRequest { page_size, ..request(min_results) };
            assert_eq!(
                ids(&page_through(&mut client, paged).await),
                expected,
                "{min_results} by {page_size}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_area_is_updated_and_removed_and_follows_the_merchant() {
    let (_server, mut client, mut merchants) = server_with([with_area("shop", 1_000.0, circle(500.0))]).await;
    let serving = reach(wire::Reach::Serving);
    assert_eq!(ids(&found(&mut client, serving.clone()).await.results), [""; 0]);
    let mut update = async |merchant: wire::Merchant, path: &str| {
        let mask = FieldMask { paths: vec![path.to_owned()] };
        let request = wire::UpdateMerchantRequest {
            merchant: Some(merchant),
            update_mask: Some(mask),
            ..Default::default()
        };
        merchants.update_merchant(request).await.map(tonic::Response::into_inner)
    };
    let area = wgs84(vec![polygon(square(0.0, 0.0, 100.0), vec![])]);
    let updated = update(with_area("shop", 0.0, area.clone()), "service_area").await.unwrap();
    assert_eq!(updated.service_area, area, "an area is returned as given");
    assert_eq!(ids(&found(&mut client, serving.clone()).await.results), ["shop"]);

    let far_away =
        wire::Merchant { name: name("shop"), position: Some(position(61.0, 25.0)), ..Default::default() };
    let rejected = update(far_away, "position").await.unwrap_err();
    let path = "merchant.service_area.polygons.polygons[0].shell";
    assert_eq!(
        violation(&rejected),
        field(path, "OUT_OF_RANGE"),
        "the area is too far from the new position"
    );

    update(wire::Merchant { name: name("shop"), ..Default::default() }, "service_area").await.unwrap();
    assert_eq!(ids(&found(&mut client, serving).await.results), [""; 0]);
}

#[tokio::test]
async fn an_area_in_another_datum_is_converted_and_returned_in_the_output_datum() {
    let gcj02 = wire::CoordinateSystem::Gcj02;
    let at = |latitude, longitude| wire::Position {
        latitude,
        longitude,
        coordinate_system: gcj02.into(),
        accuracy_m: None,
    };
    // 200 m around a point in Beijing, where the datum is 550 m off.
    let corners = [(39.898, 116.398), (39.898, 116.402), (39.902, 116.402), (39.902, 116.398)];
    let shop = wire::Merchant {
        position: Some(at(39.91, 116.4)),
        service_area: polygons(gcj02, vec![polygon(ring(&corners), vec![])]),
        ..merchant("shop", 0.0, 0.0)
    };
    let (_server, mut client, _) = server_with([shop.clone()]).await;
    let request = |output: wire::CoordinateSystem, view: wire::MerchantView| wire::SearchNearbyRequest {
        origin: Some(at(39.9, 116.4)),
        output_coordinate_system: output.into(),
        view: view.into(),
        ..reach(wire::Reach::Serving)
    };
    let full = wire::MerchantView::Full;
    let page = found(&mut client, request(gcj02, full)).await;
    assert_eq!(page.results[0].service_area, shop.service_area, "bit for bit in the datum it was given in");
    let page = found(&mut client, request(wire::CoordinateSystem::Wgs84, full)).await;
    let Some(Shape::Polygons(set)) =
        page.results[0].service_area.as_ref().and_then(|area| area.shape.clone())
    else {
        panic!("polygons are returned as polygons: {page:?}")
    };
    assert_eq!(set.coordinate_system(), wire::CoordinateSystem::Wgs84);
    let shell = set.polygons[0].shell.as_ref().unwrap();
    let moved_m = geodesic_m(corners[0], (shell.latitudes[0], shell.longitudes[0]));
    assert!((400.0..700.0).contains(&moved_m), "{moved_m}");
    for (output, view) in [(gcj02, wire::MerchantView::Basic), (wire::CoordinateSystem::Unspecified, full)] {
        let page = found(&mut client, request(output, view)).await;
        assert!(page.results[0].service_area.is_none() && page.results[0].serves_origin);
    }
    // The same degrees in WGS-84 are 550 m away.
    let beside =
        wire::SearchNearbyRequest { origin: Some(position(39.9, 116.4)), ..reach(wire::Reach::Serving) };
    assert_eq!(found(&mut client, beside).await.results, []);
}

#[tokio::test]
async fn the_edge_of_a_service_area_makes_results_uncertain() {
    let shops = [
        with_area("sure", 1_000.0, circle(2_000.0)),
        with_area("barely", 1_500.0, circle(1_550.0)),
        with_area("barely-not", 1_600.0, circle(1_550.0)),
        with_area("barely-not-either", 1_700.0, wgs84(vec![polygon(square(1_200.0, 0.0, 1_150.0), vec![])])),
        with_area("not", 1_800.0, circle(500.0)),
    ];
    let (_server, mut client, _) = server_with(shops).await;
    let mut request = reach(wire::Reach::Serving);
    let page = found(&mut client, request.clone()).await;
    assert!(page.results.iter().all(|result| !result.uncertain) && page.possible_omissions == 0);
    origin(&mut request).accuracy_m = Some(100.0);
    let page = found(&mut client, request.clone()).await;
    let marked: Vec<_> =
        ids(&page.results).into_iter().zip(page.results.iter().map(|r| r.uncertain)).collect();
    assert_eq!(marked, [("sure".to_owned(), false), ("barely".to_owned(), true)]);
    assert_eq!(page.possible_omissions, 2);
    // Those within the radius are results whether they serve the origin or not.
    let near = wire::SearchNearbyRequest {
        radius_m: Some(1_650.0),
        reach: wire::Reach::NearOrServing.into(),
        ..request
    };
    let page = found(&mut client, near).await;
    let marked: Vec<bool> = page.results.iter().map(|result| result.uncertain).collect();
    assert_eq!(ids(&page.results), ["sure", "barely", "barely-not"]);
    assert_eq!(marked, [false, false, true], "the last one may be beyond the radius");
    assert_eq!(page.possible_omissions, 1, "the one at 1,700 m is within 100 m of both");
}

#[tokio::test]
async fn invalid_service_areas_are_named_by_polygon_and_ring() {
    let (_server, mut client, mut merchants) = server_with([]).await;
    let good = || square(0.0, 0.0, 1_000.0);
    let bow_tie = ring(&[(60.0, 25.0), (60.1, 25.2), (60.1, 25.0), (60.0, 25.1)]);
    let no_datum = polygons(wire::CoordinateSystem::Unspecified, vec![polygon(good(), vec![])]);
    let mut short = good();
    short.longitudes.pop();
    let mut far_north = good();
    far_north.latitudes[2] = 91.0;
    let many = (0..1_001).map(|n| {
        // A parabola, which its closing edge cuts off.
        let at = f64::from(n) / 500.0 - 1.0;
        (60.0 + 0.01 * at * at, 25.0 + 0.01 * at)
    });
    let many = ring(&many.collect::<Vec<_>>());
    let at =
        |polygon: usize, ring: &str| format!("merchant.service_area.polygons.polygons[{polygon}].{ring}");
    let of = |path: &str| format!("merchant.service_area.{path}");
    for (area, path, reason) in [
        (Some(wire::ServiceArea::default()), "merchant.service_area".to_owned(), "REQUIRED"),
        (circle(0.0), of("radius_m"), "OUT_OF_RANGE"),
        (circle(50_000.1), of("radius_m"), "OUT_OF_RANGE"),
        (circle(f64::NAN), of("radius_m"), "NOT_FINITE"),
        (no_datum, of("polygons.coordinate_system"), "COORDINATE_SYSTEM_UNSPECIFIED"),
        (wgs84(vec![]), of("polygons.polygons"), "REQUIRED"),
        (wgs84(vec![polygon(good(), vec![]); 17]), of("polygons.polygons"), "TOO_MANY"),
        (wgs84(vec![polygon(good(), vec![good(); 65])]), of("polygons.polygons"), "TOO_MANY"),
        (wgs84(vec![polygon(many, vec![])]), of("polygons.polygons"), "TOO_MANY"),
        (wgs84(vec![wire::Polygon::default()]), at(0, "shell"), "REQUIRED"),
        (wgs84(vec![polygon(short, vec![])]), at(0, "shell"), "AREA_INVALID"),
        (wgs84(vec![polygon(far_north, vec![])]), at(0, "shell.latitudes[2]"), "LATITUDE_OUT_OF_RANGE"),
        (
            wgs84(vec![polygon(good(), vec![]), polygon(bow_tie.clone(), vec![])]),
            at(1, "shell"),
            "AREA_INVALID",
        ),
        (wgs84(vec![polygon(good(), vec![bow_tie])]), at(0, "holes[0]"), "AREA_INVALID"),
        (
            wgs84(vec![polygon(good(), vec![square(0.0, 0.0, 10.0), square(9_000.0, 0.0, 10.0)])]),
            at(0, "holes[1]"),
            "AREA_INVALID",
        ),
        (wgs84(vec![polygon(square(60_000.0, 0.0, 10.0), vec![])]), at(0, "shell"), "OUT_OF_RANGE"),
    ] {
        let request =
            wire::CreateMerchantRequest { merchant: Some(with_area("x", 0.0, area)), ..Default::default() };
        let rejected = merchants.create_merchant(request).await.unwrap_err();
        assert_eq!(violation(&rejected), field(&path, reason));
    }
    let rejected =
        client.search_nearby(wire::SearchNearbyRequest { reach: 9, ..at_home() }).await.unwrap_err();
    assert_eq!(violation(&rejected), field("reach", "OUT_OF_RANGE"));
    let too_far = wire::SearchNearbyRequest { radius_m: Some(50_000.1), ..reach(wire::Reach::Serving) };
    let rejected = client.search_nearby(too_far).await.unwrap_err();
    assert_eq!(violation(&rejected), field("radius_m", "OUT_OF_RANGE"));
}

#[tokio::test]
async fn the_operator_limits_the_distance_of_merchants_that_serve() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &["--max-service-radius-m", "10000"]).await;
    let (mut client, mut merchants) = (server.searches().await, server.merchants().await);
    for shop in shops() {
        create(&mut merchants, shop).await;
    }
    let serving = found(&mut client, reach(wire::Reach::Serving)).await;
    assert_eq!(ids(&serving.results), ["near-serving", "far-serving"]);
    let union = found(&mut client, reach(wire::Reach::NearOrServing)).await;
    assert_eq!(ids(&union.results)[3..], ["near-hole", "far-serving"]);
    let request = wire::SearchNearbyRequest { radius_m: Some(10_001.0), ..reach(wire::Reach::Serving) };
    let rejected = client.search_nearby(request).await.unwrap_err();
    assert_eq!(violation(&rejected), field("radius_m", "OUT_OF_RANGE"));
    // Areas survive a restart.
    assert_eq!(server.terminate().await.code(), Some(0));
    let server = TestServer::start_on(&data_dir, &[]).await;
    let serving = found(&mut server.searches().await, reach(wire::Reach::Serving)).await;
    assert_eq!(ids(&serving.results), ["near-serving", "far-serving", "farther-serving"]);
}

#[tokio::test]
async fn a_batch_and_a_stream_search_by_reach() {
    let (_server, mut client, _) = server_with(shops()).await;
    let request = reach(wire::Reach::Serving);
    let alone = found(&mut client, request.clone()).await.results;
    let batch = wire::BatchSearchNearbyRequest { requests: vec![request.clone(), at_home()] };
    let batch = client.batch_search_nearby(batch).await.unwrap().into_inner();
    let Some(wire::batch_search_nearby_result::Outcome::Response(response)) = &batch.results[0].outcome
    else {
        panic!("{batch:?}")
    };
    assert_eq!(response.results, alone);
    let one = wire::StreamSearchNearbyRequest { tag: 7, request: Some(request) };
    let mut responses = client.stream_search_nearby(tokio_stream::iter([one])).await.unwrap().into_inner();
    let response = responses.message().await.unwrap().unwrap();
    let Some(wire::stream_search_nearby_response::Outcome::Response(response)) = response.outcome else {
        panic!("{response:?}")
    };
    assert_eq!(response.results, alone);
}
