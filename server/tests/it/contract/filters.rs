//! Filters, which are the same in all methods that have them.

use super::*;

fn shop(id: &str, brand: &str, categories: &[&str], services: &[&str]) -> wire::Merchant {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    wire::Merchant {
        brand: brand.to_owned(),
        categories: owned(categories),
        services: owned(services),
        ..north(id, 10.0)
    }
}

fn shops() -> [wire::Merchant; 4] {
    [
        shop("bare", "", &[], &[]),
        shop("cafe", "Bean", &["food", "food/cafe"], &["wifi", "delivery"]),
        shop("diner", "Pan", &["food"], &["delivery"]),
        wire::Merchant { source: "osm".to_owned(), ..shop("kiosk", "Bean", &["kiosk"], &["wifi"]) },
    ]
}

type Set = fn(&mut wire::MerchantFilter);

fn text(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Filters and the merchants that match.
const CASES: [(Set, &[&str]); 16] = [
    (|_| (), &["bare", "cafe", "diner", "kiosk"]),
    (|f| f.any_categories = text(&["food"]), &["cafe", "diner"]),
    (|f| f.any_categories = text(&["food/cafe", "kiosk"]), &["cafe", "kiosk"]),
    (|f| f.none_categories = text(&["food"]), &["bare", "kiosk"]),
    (|f| f.any_brands = text(&["Bean", "Unknown"]), &["cafe", "kiosk"]),
    (|f| f.none_brands = text(&["Bean"]), &["bare", "diner"]),
    (|f| f.any_services = text(&["wifi", "delivery"]), &["cafe", "diner", "kiosk"]),
    (|f| f.all_services = text(&["wifi", "delivery"]), &["cafe"]),
    (|f| f.none_services = text(&["wifi"]), &["bare", "diner"]),
    (|f| f.any_categories = text(&["Food"]), &[]),
    (|f| f.any_category_prefixes = text(&["food"]), &["cafe", "diner"]),
    (|f| f.any_category_prefixes = text(&["food/cafe", "kiosk"]), &["cafe", "kiosk"]),
    (|f| f.any_category_prefixes = text(&["foo", "food/caf"]), &[]),
    (
        |f| {
            f.any_category_prefixes = text(&["food"]);
            f.any_categories = text(&["food/cafe", "kiosk"]);
        },
        &["cafe"],
    ),
    (|f| f.any_sources = text(&["osm", "other"]), &["kiosk"]),
    (
        |f| {
            f.any_categories = text(&["food", "kiosk"]);
            f.any_brands = text(&["Bean"]);
            f.none_categories = text(&["food/cafe"]);
        },
        &["kiosk"],
    ),
];

#[tokio::test]
async fn searches_return_merchants_that_match_all_conditions() {
    let (_server, mut client, _) = server_with(shops()).await;
    for (number, (set, expected)) in CASES.into_iter().enumerate() {
        let mut filter = wire::MerchantFilter::default();
        set(&mut filter);
        // Filters apply before paging: the page size does not matter.
        let request = wire::SearchNearbyRequest { filter: Some(filter), page_size: 1, ..at_home() };
        assert_eq!(ids(&page_through(&mut client, request).await), expected, "case {number}");
    }
}

#[tokio::test]
async fn lists_exports_and_densities_have_merchants_that_match_all_conditions() {
    let (_server, mut searches, mut client) = server_with(shops()).await;
    for (number, (set, expected)) in CASES.into_iter().enumerate() {
        let mut filter = wire::MerchantFilter::default();
        set(&mut filter);
        let filter = Some(filter);
        let list = wire::ListMerchantsRequest { filter: filter.clone(), ..Default::default() };
        let listed = client.list_merchants(list).await.unwrap().into_inner().merchants;
        assert_eq!(ids_of(&listed), expected, "list, case {number}");
        let export = wire::ExportMerchantsRequest { filter: filter.clone(), view: 0 };
        let message =
            client.export_merchants(export).await.unwrap().into_inner().message().await.unwrap().unwrap();
        assert_eq!(ids_of(&message.merchants), expected, "export, case {number}");
        let circle = wire::Circle { center: Some(position(HOME.0, HOME.1)), radius_m: 100.0 };
        let area = Some(wire::get_density_request::Area::Circle(circle));
        let density = wire::GetDensityRequest { area, resolution: 9, filter, ..Default::default() };
        let density = searches.get_density(density).await.unwrap().into_inner();
        assert_eq!(density.total_size, i32::try_from(expected.len()).unwrap(), "density, case {number}");
    }
}

#[tokio::test]
async fn invalid_filters_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    let cases: [(Set, &str, &str); 6] = [
        (|f| f.any_categories = text(&["ok", " "]), "filter.any_categories[1]", "REQUIRED"),
        (|f| f.none_brands = vec!["x".repeat(129)], "filter.none_brands[0]", "TOO_LONG"),
        (|f| f.all_services = vec!["x".to_owned(); 101], "filter.all_services", "TOO_MANY"),
        (|f| f.any_category_prefixes = text(&["a", ""]), "filter.any_category_prefixes[1]", "REQUIRED"),
        (|f| f.any_category_prefixes = text(&["food/"]), "filter.any_category_prefixes[0]", "OUT_OF_RANGE"),
        (|f| f.visibility_scope = 9, "filter.visibility_scope", "OUT_OF_RANGE"),
    ];
    for (set, path, reason) in cases {
        let mut filter = wire::MerchantFilter::default();
        set(&mut filter);
        let request = wire::SearchNearbyRequest { filter: Some(filter), ..at_home() };
        assert_eq!(violation(&client.search_nearby(request).await.unwrap_err()), field(path, reason));
    }
}
