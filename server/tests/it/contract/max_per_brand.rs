//! `max_per_brand` in `SearchNearby` and batches: the nearest of each brand, over all pages.

use super::*;

fn of_brand(id: &str, brand: &str, metres: f64) -> wire::Merchant {
    wire::Merchant { brand: brand.to_owned(), ..north(id, metres) }
}

fn shops() -> [wire::Merchant; 9] {
    [
        of_brand("a", "McDonald's", 10.0),
        of_brand("b", "", 20.0),
        of_brand("c", "Żabka", 30.0),
        of_brand("d", "MCDONALD’S", 40.0),
        of_brand("e", "", 50.0),
        of_brand("f", "Mc Donalds", 60.0),
        of_brand("g", "zabka", 70.0),
        of_brand("h", "&", 80.0),
        of_brand("i", "&", 90.0),
    ]
}

fn request(max_per_brand: i32) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { max_per_brand, ..at_home() }
}

#[tokio::test]
async fn each_brand_is_listed_as_often_as_the_limit_allows_over_all_pages() {
    let (_server, mut client, _) = server_with(shops()).await;
    for (max, expected) in
        [(0, "abcdefghi"), (1, "abcehi"), (2, "abcdeghi"), (3, "abcdefghi"), (i32::MAX, "abcdefghi")]
    {
        let expected: Vec<String> = expected.chars().map(String::from).collect();
        for page_size in [1, 2, 3, 20] {
            let paged = wire::SearchNearbyRequest { page_size, include_total: true, ..request(max) };
            let total = found(&mut client, paged.clone()).await.total_size;
            assert_eq!(total, Some(i32::try_from(expected.len()).unwrap()), "{max} per brand");
            let found = page_through(&mut client, paged).await;
            assert_eq!(ids(&found), expected, "{max} per brand in pages of {page_size}");
        }
    }
}

#[tokio::test]
async fn brands_are_counted_after_all_filters_and_from_the_inner_edge_of_a_ring() {
    let (_server, mut client, _) = server_with(shops()).await;
    let without_first = wire::SearchNearbyRequest { min_distance_m: 15.0, ..request(1) };
    assert_eq!(ids(&found(&mut client, without_first).await.results), ["b", "c", "d", "e", "h", "i"]);
    let filter = wire::MerchantFilter { none_brands: vec!["McDonald's".to_owned()], ..Default::default() };
    let filtered = wire::SearchNearbyRequest { filter: Some(filter), ..request(1) };
    assert_eq!(ids(&found(&mut client, filtered).await.results), ["b", "c", "d", "e", "h", "i"]);
}

#[tokio::test]
async fn expansion_grouping_and_omissions_see_the_limited_list() {
    let (_server, mut client, _) = server_with(shops()).await;
    let expansion = Some(wire::Expansion { min_results: 5, max_radius_m: None });
    for page_size in [1, 2, 20] {
        let expanded = wire::SearchNearbyRequest {
            radius_m: Some(45.0),
            expansion,
            page_size,
            include_total: true,
            ..request(1)
        };
        assert_eq!(found(&mut client, expanded.clone()).await.total_size, Some(5));
        assert_eq!(ids(&page_through(&mut client, expanded).await), ["a", "b", "c", "e", "h"]);
    }
    let mut omitted = wire::SearchNearbyRequest { radius_m: Some(45.0), ..request(1) };
    origin(&mut omitted).accuracy_m = Some(1_000.0);
    // e, h and i: the brands of the others are in the list already.
    assert_eq!(found(&mut client, omitted).await.possible_omissions, 3);

    let mall = (0..6).map(|n| of_brand(&format!("mall-{n}"), ["X", "Y"][n % 2], 300.0));
    let (_server, mut client, _) = server_with(mall).await;
    let grouped = wire::SearchNearbyRequest { group_by_position: true, ..request(2) };
    let rows = found(&mut client, grouped).await.results;
    assert_eq!((ids(&rows), rows[0].merchants_at_position), (vec!["mall-0".to_owned()], 4));
}

#[tokio::test]
async fn a_brand_moves_up_when_its_nearest_merchant_goes_and_density_is_not_limited() {
    let (_server, mut client, mut merchants) = server_with(shops()).await;
    let first = found(&mut client, wire::SearchNearbyRequest { page_size: 2, ..request(1) }).await;
    assert_eq!(ids(&first.results), ["a", "b"]);
    delete(&mut merchants, "a").await;
    let token = first.next_page_token;
    let rest = wire::SearchNearbyRequest { page_token: token.clone(), ..request(1) };
    assert_eq!(ids(&found(&mut client, rest).await.results), ["c", "d", "e", "h", "i"]);
    let other = wire::SearchNearbyRequest { page_token: token, ..request(2) };
    let error = client.search_nearby(other).await.unwrap_err();
    assert_eq!(violation(&error), field("page_token", "INVALID_PAGE_TOKEN"));
    let circle = wire::Circle { center: Some(position(HOME.0, HOME.1)), radius_m: 1_000.0 };
    let area = Some(wire::get_density_request::Area::Circle(circle));
    let density = wire::GetDensityRequest { area, resolution: 9, ..Default::default() };
    assert_eq!(client.get_density(density).await.unwrap().into_inner().total_size, 8);
}

#[tokio::test]
async fn negative_limits_per_brand_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    let error = client.search_nearby(request(-1)).await.unwrap_err();
    assert_eq!(violation(&error), field("max_per_brand", "OUT_OF_RANGE"));
}

/// Merchants that serve the origin from beyond the radius count for their brand, and so do those that the expansion adds before.
#[tokio::test]
async fn an_expansion_of_a_union_adds_merchants_until_the_limited_list_is_long_enough() {
    let serving = |id: &str, brand: &str, metres: f64| wire::Merchant {
        service_area: Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(5_000.0)) }),
        ..of_brand(id, brand, metres)
    };
    let (_server, mut client, _) = server_with([
        of_brand("a1", "A", 500.0),
        of_brand("a2", "A", 1_100.0),
        of_brand("b", "B", 1_200.0),
        of_brand("c1", "C", 1_300.0),
        serving("c2", "C", 1_500.0),
        of_brand("d", "D", 1_600.0),
    ])
    .await;
    for (min_results, expected) in
        [(1, &["a1", "c2"][..]), (2, &["a1", "c2"]), (3, &["a1", "b", "c2"]), (4, &["a1", "b", "c1", "d"])]
    {
        for page_size in [1, 2, 20] {
            let request = wire::SearchNearbyRequest {
                radius_m: Some(1_000.0),
                reach: wire::Reach::NearOrServing.into(),
                expansion: Some(wire::Expansion { min_results, max_radius_m: None }),
                include_total: true,
                page_size,
                ..request(1)
            };
            let total = found(&mut client, request.clone()).await.total_size;
            assert_eq!(total, Some(i32::try_from(expected.len()).unwrap()), "at least {min_results}");
            let found = page_through(&mut client, request).await;
            assert_eq!(ids(&found), expected, "at least {min_results}, in pages of {page_size}");
        }
    }
}
