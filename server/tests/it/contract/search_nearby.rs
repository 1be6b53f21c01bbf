//! `SearchNearby`: single searches and their pages.

use super::*;

#[tokio::test]
async fn invalid_searches_name_the_field_and_never_the_position() {
    type Break = fn(&mut wire::SearchNearbyRequest);
    let cases: [(&str, &str, Break); 20] = [
        ("origin", "REQUIRED", |r| r.origin = None),
        ("origin.latitude", "NOT_FINITE", |r| origin(r).latitude = f64::NAN),
        ("origin.latitude", "NOT_FINITE", |r| origin(r).latitude = f64::INFINITY),
        ("origin.longitude", "NOT_FINITE", |r| origin(r).longitude = f64::NEG_INFINITY),
        ("origin.latitude", "LATITUDE_OUT_OF_RANGE", |r| origin(r).latitude = 90.000_1),
        ("origin.longitude", "LONGITUDE_OUT_OF_RANGE", |r| origin(r).longitude = -180.1),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED", |r| origin(r).coordinate_system = 0),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNKNOWN", |r| origin(r).coordinate_system = 4),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNKNOWN", |r| origin(r).coordinate_system = -1),
        ("origin.accuracy_m", "OUT_OF_RANGE", |r| origin(r).accuracy_m = Some(-1.0)),
        ("origin.accuracy_m", "OUT_OF_RANGE", |r| origin(r).accuracy_m = Some(f64::NAN)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(0.0)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(-5.0)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(5_000.000_1)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(1e300)),
        ("radius_m", "NOT_FINITE", |r| r.radius_m = Some(f64::NAN)),
        ("radius_m", "NOT_FINITE", |r| r.radius_m = Some(f64::INFINITY)),
        ("page_size", "OUT_OF_RANGE", |r| r.page_size = -1),
        ("page_token", "INVALID_PAGE_TOKEN", |r| r.page_token = "made up".to_owned()),
        ("page_token", "INVALID_PAGE_TOKEN", |r| r.page_token = "AQID".to_owned()),
    ];
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &["--log-cells"]).await;
    let mut client = server.searches().await;
    for (field, reason, break_it) in cases {
        let mut request = search(51.123_456_789, -0.987_654_321);
        break_it(&mut request);
        let status = client.search_nearby(request).await.unwrap_err();
        assert_eq!(violations(&status), [(field.to_owned(), reason.to_owned())]);
        let text = format!("{status:?}");
        assert!(!text.contains("51.123") && !text.contains("0.987"), "{text}");
    }
    let found = client.search_nearby(search(51.123_456_789, -0.987_654_321)).await.unwrap().into_inner();
    assert_eq!(found.results, []);
    let log = std::fs::read_to_string(&server.log).unwrap();
    assert!(log.contains("\"method\":\"SearchNearby\""), "the search is not in the log");
    assert!(log.contains("\"h3_cell\":\"85"), "its coarse cell is not in the log");
    assert!(!log.contains("51.123") && !log.contains("0.987"), "the log contains a coordinate");
}

#[tokio::test]
async fn page_tokens_survive_a_restart_and_are_bound_to_their_query() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut merchants = server.merchants().await;
    for n in 0..10 {
        let shop = merchant(&format!("m{n}"), 60.0 + f64::from(n) * 1e-3, 25.0);
        let request = wire::CreateMerchantRequest { merchant: Some(shop), ..Default::default() };
        merchants.create_merchant(request).await.unwrap();
    }
    let mut request = wire::SearchNearbyRequest { page_size: 4, ..search(60.0, 25.0) };
    let first = server.searches().await.search_nearby(request.clone()).await.unwrap().into_inner();
    assert!(!first.next_page_token.is_empty());
    assert_eq!(server.terminate().await.code(), Some(0));

    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.searches().await;
    request.page_token = first.next_page_token.clone();
    let rest = page_through(&mut client, request.clone()).await;
    let ids: Vec<_> = ranking(&first.results).into_iter().chain(ranking(&rest)).map(|(_, id)| id).collect();
    assert_eq!(ids, (0..10).map(|n| format!("m{n}")).collect::<Vec<_>>());

    for other in [
        wire::SearchNearbyRequest { radius_m: Some(4_000.0), ..request.clone() },
        wire::SearchNearbyRequest { origin: Some(position(60.0, 25.000_001)), ..request.clone() },
    ] {
        let rejected = client.search_nearby(other).await.unwrap_err();
        assert_eq!(violations(&rejected), [("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned())]);
    }
    let list = wire::ListMerchantsRequest { page_token: first.next_page_token, ..Default::default() };
    let rejected = server.merchants().await.list_merchants(list).await.unwrap_err();
    assert_eq!(violations(&rejected), [("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned())]);
}

#[tokio::test]
async fn the_maximum_radius_is_configurable() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &["--max-radius-m", "50000"]).await;
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant("far", 60.4, 25.0)), ..Default::default() };
    server.merchants().await.create_merchant(request).await.unwrap();
    let mut client = server.searches().await;
    assert_eq!(page_through(&mut client, search(60.0, 25.0)).await, []);
    let far = wire::SearchNearbyRequest { radius_m: Some(50_000.0), ..search(60.0, 25.0) };
    let found = page_through(&mut client, far).await;
    assert!((found[0].distance_m - geodesic_m((60.0, 25.0), (60.4, 25.0))).abs() < 2e-3);
}

#[tokio::test]
async fn all_violations_are_reported_together() {
    let (_server, mut client, _) = server_with([]).await;
    let nowhere =
        wire::Position { latitude: 91.0, longitude: 181.0, coordinate_system: 0, accuracy_m: Some(-1.0) };
    let request = wire::SearchNearbyRequest {
        origin: Some(nowhere),
        radius_m: Some(0.0),
        page_size: -1,
        view: 9,
        opening: Some(wire::OpeningFilter::default()),
        ..Default::default()
    };
    let mut fields: Vec<String> = violations(&client.search_nearby(request).await.unwrap_err())
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    fields.sort();
    let expected = [
        "opening",
        "origin.accuracy_m",
        "origin.coordinate_system",
        "origin.latitude",
        "origin.longitude",
        "page_size",
        "radius_m",
        "view",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn results_are_ranked_by_distance_then_id_regardless_of_brand() {
    let chain = wire::Merchant { brand: "Chain".to_owned(), ..north("a-chain", 20.0) };
    let (_server, mut client, _) =
        server_with([chain, north("z-corner-shop", 10.0), north("b", 30.0), north("a", 30.0)]).await;
    assert_eq!(ids(&found(&mut client, at_home()).await.results), ["z-corner-shop", "a-chain", "a", "b"]);
}

#[tokio::test]
async fn the_edge_of_a_circle_and_both_edges_of_a_ring_are_inclusive() {
    let (_server, mut client, _) = server_with([north("near", 100.0), north("far", 200.0)]).await;
    let all = found(&mut client, at_home()).await.results;
    let (near_m, far_m) = (all[0].distance_m, all[1].distance_m);
    let ring = |min_distance_m, radius_m| wire::SearchNearbyRequest {
        min_distance_m,
        radius_m: Some(radius_m),
        ..at_home()
    };
    for (request, expected) in [
        (ring(0.0, far_m), &["near", "far"][..]),
        (ring(0.0, far_m.next_down()), &["near"]),
        (ring(near_m, far_m), &["near", "far"]),
        (ring(near_m.next_up(), far_m), &["far"]),
        (ring(far_m, far_m), &["far"]),
        (ring(far_m.next_up(), 5_000.0), &[]),
    ] {
        assert_eq!(ids(&found(&mut client, request).await.results), expected);
    }
}

#[tokio::test]
async fn invalid_rings_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    for min_distance_m in [-1.0, f64::NAN, f64::INFINITY, 100.1] {
        let request = wire::SearchNearbyRequest { min_distance_m, radius_m: Some(100.0), ..at_home() };
        let rejected = client.search_nearby(request).await.unwrap_err();
        assert_eq!(violation(&rejected), field("min_distance_m", "OUT_OF_RANGE"));
    }
}

#[tokio::test]
async fn pages_have_20_results_by_default_and_at_most_500() {
    let (_server, mut client, _) =
        server_with((0..30).map(|n| north(&format!("m{n:02}"), f64::from(n)))).await;
    for (page_size, expected) in [(0, 20), (7, 7), (500, 30), (100_000, 30)] {
        let page = found(&mut client, wire::SearchNearbyRequest { page_size, ..at_home() }).await;
        assert_eq!((page.results.len(), page.next_page_token.is_empty()), (expected, expected == 30));
    }
}

#[tokio::test]
async fn page_tokens_are_url_safe_and_bound_to_the_parameters_of_the_search() {
    let (_server, mut client, _) = server_with((0..9).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let first = wire::SearchNearbyRequest { page_size: 3, ..at_home() };
    let token = found(&mut client, first.clone()).await.next_page_token;
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    let next = wire::SearchNearbyRequest { page_token: token, ..first };
    // Parameters of the presentation may change between pages.
    let presentation = wire::SearchNearbyRequest {
        page_size: 2,
        view: wire::MerchantView::IdOnly.into(),
        include_total: true,
        output_coordinate_system: wire::CoordinateSystem::Bd09.into(),
        ..next.clone()
    };
    assert_eq!(ids(&found(&mut client, presentation).await.results), ["m3", "m4"]);
    type Change = fn(&mut wire::SearchNearbyRequest);
    let changes: [Change; 7] = [
        |r| r.radius_m = Some(4_000.0),
        |r| r.min_distance_m = 1.0,
        |r| r.filter = Some(wire::MerchantFilter { any_brands: vec!["x".to_owned()], ..Default::default() }),
        |r| r.opening = Some(opening_hours::open_at(0)),
        |r| r.expansion = Some(wire::Expansion { min_results: 5, max_radius_m: None }),
        |r| r.group_by_position = true,
        |r| origin(r).latitude += 1e-9,
    ];
    for change in changes {
        let mut other = next.clone();
        change(&mut other);
        let rejected = client.search_nearby(other).await.unwrap_err();
        assert_eq!(violation(&rejected), field("page_token", "INVALID_PAGE_TOKEN"));
    }
}

#[tokio::test]
async fn views_contain_their_documented_fields() {
    let shop = wire::Merchant {
        brand: "Brand".to_owned(),
        categories: vec!["shop/tea".to_owned()],
        phone: "+1".to_owned(),
        mini_program: Some(wire::MiniProgramLink { app_id: "wx1".to_owned(), path: "p".to_owned() }),
        ..north("a", 10.0)
    };
    let (_server, mut client, mut merchants) = server_with([shop]).await;
    let full =
        merchants.get_merchant(wire::GetMerchantRequest { name: name("a") }).await.unwrap().into_inner();
    let id_only = wire::Merchant { name: name("a"), ..Default::default() };
    let basic = wire::Merchant {
        name: full.name.clone(),
        display_name: full.display_name.clone(),
        brand: full.brand.clone(),
        categories: full.categories.clone(),
        position: full.position,
        mini_program: full.mini_program.clone(),
        ..Default::default()
    };
    use wire::MerchantView::{Basic, Full, IdOnly, Unspecified};
    for (view, expected) in [(IdOnly, id_only), (Basic, basic.clone()), (Unspecified, basic), (Full, full)] {
        let request = wire::SearchNearbyRequest { view: view.into(), ..at_home() };
        assert_eq!(found(&mut client, request).await.results[0].merchant, Some(expected), "{view:?}");
    }
    let rejected =
        client.search_nearby(wire::SearchNearbyRequest { view: 9, ..at_home() }).await.unwrap_err();
    assert_eq!(violation(&rejected), field("view", "OUT_OF_RANGE"));
}

#[tokio::test]
async fn total_size_counts_the_results_of_all_pages() {
    let (_server, mut client, _) =
        server_with((0..30).map(|n| north(&format!("m{n:02}"), f64::from(n)))).await;
    let request = wire::SearchNearbyRequest { page_size: 4, ..at_home() };
    assert_eq!(found(&mut client, request.clone()).await.total_size, None, "not requested");
    let mut request = wire::SearchNearbyRequest { include_total: true, ..request };
    let page = found(&mut client, request.clone()).await;
    assert_eq!((page.results.len(), page.total_size), (4, Some(30)));
    request.page_token = page.next_page_token;
    assert_eq!(found(&mut client, request).await.total_size, Some(30), "on every page");
}

#[tokio::test]
async fn results_have_positions_in_the_output_datum() {
    let (_server, mut client, _) = server_with([merchant("wgs84", 39.9, 116.4)]).await;
    let request = |output| wire::SearchNearbyRequest {
        output_coordinate_system: wire::CoordinateSystem::into(output),
        ..search(39.9, 116.4)
    };
    let result = found(&mut client, request(wire::CoordinateSystem::Unspecified)).await.results.remove(0);
    assert_eq!(result.position, None);
    let result = found(&mut client, request(wire::CoordinateSystem::Wgs84)).await.results.remove(0);
    assert_eq!(result.position, Some(position(39.9, 116.4)));
    for datum in [wire::CoordinateSystem::Gcj02, wire::CoordinateSystem::Bd09] {
        let result = found(&mut client, request(datum)).await.results.remove(0);
        let there = result.position.unwrap();
        assert_eq!(there.coordinate_system(), datum);
        let moved_m = geodesic_m((39.9, 116.4), (there.latitude, there.longitude));
        assert!((300.0..1_500.0).contains(&moved_m), "{datum:?} lies {moved_m} m off in Beijing");
        assert_eq!(
            result.merchant.unwrap().position,
            Some(position(39.9, 116.4)),
            "the stored position is unchanged"
        );
    }
    let request = wire::SearchNearbyRequest { output_coordinate_system: 7, ..at_home() };
    let rejected = client.search_nearby(request).await.unwrap_err();
    assert_eq!(violation(&rejected), field("output_coordinate_system", "COORDINATE_SYSTEM_UNKNOWN"));
}

#[tokio::test]
async fn an_expansion_adds_the_nearest_results_beyond_the_radius() {
    let shops = [("a", 100.0), ("b", 900.0), ("c", 2_000.0), ("d", 3_000.0), ("e", 4_000.0)];
    let (_server, mut client, _) = server_with(shops.map(|(id, metres)| north(id, metres))).await;
    let expanded = |min_results, max_radius_m| wire::SearchNearbyRequest {
        radius_m: Some(1_000.0),
        include_total: true,
        expansion: Some(wire::Expansion { min_results, max_radius_m }),
        ..at_home()
    };
    for (request, expected) in [
        (expanded(1, None), &["a", "b"][..]),
        (expanded(2, None), &["a", "b"]),
        (expanded(3, None), &["a", "b", "c"]),
        (expanded(4, None), &["a", "b", "c", "d"]),
        (expanded(500, None), &["a", "b", "c", "d", "e"]),
        (expanded(500, Some(3_500.0)), &["a", "b", "c", "d"]),
    ] {
        let page = found(&mut client, request.clone()).await;
        assert_eq!(ids(&page.results), expected);
        assert_eq!(page.total_size, Some(i32::try_from(expected.len()).unwrap()));
        assert!(page.results.iter().all(|result| result.beyond_radius == (result.distance_m > 1_000.0)));
        // The same for every page size.
        for page_size in 1..=3 {
            let request = wire::SearchNearbyRequest { page_size, ..request.clone() };
            assert_eq!(ids(&page_through(&mut client, request).await), expected, "in pages of {page_size}");
        }
    }
    // Nothing is within the radius.
    let request = wire::SearchNearbyRequest { radius_m: Some(10.0), ..expanded(1, None) };
    assert_eq!(ids(&found(&mut client, request).await.results), ["a"]);
}

#[tokio::test]
async fn invalid_expansions_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    for (min_results, max_radius_m, path, reason) in [
        (0, None, "expansion.min_results", "OUT_OF_RANGE"),
        (501, None, "expansion.min_results", "OUT_OF_RANGE"),
        (1, Some(999.0), "expansion.max_radius_m", "OUT_OF_RANGE"),
        (1, Some(5_001.0), "expansion.max_radius_m", "OUT_OF_RANGE"),
        (1, Some(f64::NAN), "expansion.max_radius_m", "NOT_FINITE"),
    ] {
        let expansion = Some(wire::Expansion { min_results, max_radius_m });
        let request = wire::SearchNearbyRequest { radius_m: Some(1_000.0), expansion, ..at_home() };
        assert_eq!(violation(&client.search_nearby(request).await.unwrap_err()), field(path, reason));
    }
}

#[tokio::test]
async fn an_accuracy_marks_uncertain_results_and_counts_possible_omissions() {
    let shops = [("in", 500.0), ("just-in", 950.0), ("just-out", 1_050.0), ("out", 2_000.0)];
    let (_server, mut client, _) = server_with(shops.map(|(id, metres)| north(id, metres))).await;
    let mut request = wire::SearchNearbyRequest { radius_m: Some(1_000.0), ..at_home() };
    let page = found(&mut client, request.clone()).await;
    assert!(page.results.iter().all(|result| !result.uncertain) && page.possible_omissions == 0);
    origin(&mut request).accuracy_m = Some(100.0);
    let page = found(&mut client, request.clone()).await;
    let uncertain: Vec<bool> = page.results.iter().map(|result| result.uncertain).collect();
    assert_eq!((uncertain, page.possible_omissions), (vec![false, true], 1));
    // This applies to the inner edge of a ring too.
    request.min_distance_m = 550.0;
    let page = found(&mut client, request.clone()).await;
    assert_eq!((ids(&page.results), page.possible_omissions), (vec!["just-in".to_owned()], 2));
    // Results that an expansion adds are no omissions.
    request.min_distance_m = 0.0;
    request.expansion = Some(wire::Expansion { min_results: 3, max_radius_m: None });
    let page = found(&mut client, request.clone()).await;
    assert_eq!((page.results.len(), page.possible_omissions), (3, 0));
    assert!(page.results[2].beyond_radius && page.results[2].uncertain);
}

#[tokio::test]
async fn grouping_by_position_returns_one_result_with_a_count() {
    let mall = (0..40).map(|n| north(&format!("mall-{n:02}"), 300.0));
    let shops = mall.chain([north("before", 100.0), north("after", 400.0)]);
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..north("mall-xx", 300.0) };
    let (_server, mut client, _) = server_with(shops.chain([hidden])).await;
    let request = wire::SearchNearbyRequest { group_by_position: true, include_total: true, ..at_home() };
    for page_size in [1, 2, 3, 20] {
        let mut request = wire::SearchNearbyRequest { page_size, ..request.clone() };
        assert_eq!(found(&mut client, request.clone()).await.total_size, Some(3));
        request.include_total = false;
        let rows = page_through(&mut client, request).await;
        let groups: Vec<_> =
            ids(&rows).into_iter().zip(rows.iter().map(|row| row.merchants_at_position)).collect();
        let expected = [("before", 1), ("mall-00", 40), ("after", 1)];
        assert_eq!(groups, expected.map(|(id, count)| (id.to_owned(), count)), "in pages of {page_size}");
    }
    // A search at the position returns all of the group.
    let there = north("", 300.0).position;
    let request =
        wire::SearchNearbyRequest { origin: there, radius_m: Some(0.001), page_size: 500, ..at_home() };
    assert_eq!(found(&mut client, request).await.results.len(), 40);
}

#[tokio::test]
async fn responses_have_the_revision_of_the_last_change() {
    let (_server, mut client, mut merchants) = server_with([]).await;
    assert_eq!(found(&mut client, at_home()).await.revision, 0);
    create(&mut merchants, north("a", 1.0)).await;
    create(&mut merchants, north("b", 1.0)).await;
    assert_eq!(found(&mut client, at_home()).await.revision, 2);
}

#[tokio::test]
async fn hidden_merchants_are_returned_only_on_request() {
    let server = TestServer::start().await;
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..north("hidden", 1.0) };
    create(&mut server.merchants().await, hidden).await;
    create(&mut server.merchants().await, north("visible", 2.0)).await;
    let request = |scope: wire::VisibilityScope| wire::SearchNearbyRequest {
        filter: Some(wire::MerchantFilter { visibility_scope: scope.into(), ..Default::default() }),
        ..at_home()
    };
    use wire::VisibilityScope::{All, Hidden, Unspecified, Visible};
    let mut client = server.searches().await;
    for scope in [Unspecified, Visible] {
        assert_eq!(ids(&found(&mut client, request(scope)).await.results), ["visible"]);
    }
    assert_eq!(ids(&found(&mut client, request(Hidden)).await.results), ["hidden"]);
    assert_eq!(ids(&found(&mut client, request(All)).await.results), ["hidden", "visible"]);
    assert_eq!(ids(&found(&mut client, at_home()).await.results), ["visible"]);
}

/// Positions at exactly the same distance, on both sides of the origin.
#[tokio::test]
async fn groups_at_equal_distance_stay_separate_and_complete_within_and_beyond_the_radius() {
    let shops = [("a", 0.01), ("b", -0.01), ("c", 0.02), ("d", -0.02)];
    let (_server, mut client, _) = server_with(shops.map(|(id, east)| merchant(id, 0.0, east))).await;
    for (radius_m, min_results) in [(1_500.0, 4), (500.0, 10), (500.0, 1), (3_000.0, 4)] {
        for page_size in 1..=5 {
            let request = wire::SearchNearbyRequest {
                radius_m: Some(radius_m),
                group_by_position: true,
                expansion: Some(wire::Expansion { min_results, max_radius_m: None }),
                page_size,
                // Symmetric in longitude, and not at 0,0.
                ..search(1e-9, 0.0)
            };
            let expected: &[&str] = if min_results == 1 { &["a", "b"] } else { &["a", "b", "c", "d"] };
            let rows = ids(&page_through(&mut client, request).await);
            assert_eq!(rows, expected, "{radius_m} m, at least {min_results}, in pages of {page_size}");
        }
    }
}

#[tokio::test]
async fn merchants_that_an_expansion_does_not_reach_are_possible_omissions() {
    let shops = [("in", 400.0), ("a", 900.0), ("b", 1_200.0), ("c", 1_500.0), ("d", 2_000.0)];
    let (_server, mut client, _) = server_with(shops.map(|(id, metres)| north(id, metres))).await;
    let mut request = wire::SearchNearbyRequest {
        radius_m: Some(500.0),
        expansion: Some(wire::Expansion { min_results: 400, max_radius_m: Some(600.0) }),
        ..at_home()
    };
    origin(&mut request).accuracy_m = Some(5_000.0);
    assert_eq!(found(&mut client, request.clone()).await.possible_omissions, 4);
    request.expansion = Some(wire::Expansion { min_results: 400, max_radius_m: Some(1_300.0) });
    assert_eq!(found(&mut client, request).await.possible_omissions, 2);
}
