//! `MerchantFilter.text`: folding, words and limits, in all methods that have a filter.

use super::*;

fn named(id: &str, display_name: &str, brand: &str) -> wire::Merchant {
    wire::Merchant { display_name: display_name.to_owned(), brand: brand.to_owned(), ..north(id, 10.0) }
}

fn shops() -> [wire::Merchant; 9] {
    [
        named("barnes", "Barnes & Noble", ""),
        named("hm", "H&M", ""),
        named("isik", "Işık Lokantası", ""),
        named("lodz", "Piekarnia ŁÓDŹ", ""),
        named("mcd", "McDonald’s Kamppi", "McDonald's"),
        named("seven", "7-Eleven", ""),
        named("star", "星巴克（国贸店）", "Starbucks"),
        named("stara", "スターバックス 渋谷", "Starbucks"),
        named("station", "강남역 Bakery", ""),
    ]
}

/// Texts and the merchants that they find.
const CASES: [(&str, &[&str]); 24] = [
    ("mcdonalds", &["mcd"]),
    ("MCDONALD'S", &["mcd"]),
    ("mcdonald s", &["mcd"]),
    ("McDonald`s kam", &["mcd"]),
    ("donalds", &[]),
    ("7eleven", &["seven"]),
    ("7-el", &["seven"]),
    ("7 eleven", &["seven"]),
    ("h&m", &["hm"]),
    ("hm", &["hm"]),
    ("barnes-noble", &["barnes"]),
    ("barn-noble", &[]),
    ("ışık", &["isik"]),
    ("ISIK lok", &["isik"]),
    ("lodz", &["lodz"]),
    ("ハス", &[]),
    ("バックス", &["stara"]),
    ("すたー", &["stara"]),
    ("ｽﾀｰ 渋谷", &["stara"]),
    ("강남", &["station"]),
    ("星巴克国贸店", &["star"]),
    ("国贸", &["star"]),
    // Each word finds its own name.
    ("starb 国贸", &["star"]),
    ("starbucks", &["star", "stara"]),
];

fn filter(text: &str) -> Option<wire::MerchantFilter> {
    Some(wire::MerchantFilter { text: text.to_owned(), ..Default::default() })
}

#[tokio::test]
async fn searches_by_text_return_merchants_whose_names_match() {
    let (_server, mut client, _) = server_with(shops()).await;
    for (text, expected) in CASES {
        let request = wire::SearchNearbyRequest { filter: filter(text), page_size: 1, ..at_home() };
        assert_eq!(ids(&page_through(&mut client, request).await), expected, "{text}");
        let counted = wire::SearchNearbyRequest { filter: filter(text), include_total: true, ..at_home() };
        let found = found(&mut client, counted).await;
        assert_eq!(found.total_size, Some(i32::try_from(expected.len()).unwrap()), "{text}");
    }
}

#[tokio::test]
async fn lists_exports_and_densities_by_text_have_the_same_merchants() {
    let (_server, mut searches, mut client) = server_with(shops()).await;
    for (text, expected) in CASES {
        let filter = filter(text);
        let list = wire::ListMerchantsRequest { filter: filter.clone(), ..Default::default() };
        let listed = client.list_merchants(list).await.unwrap().into_inner().merchants;
        assert_eq!(ids_of(&listed), expected, "list, {text}");
        let export = wire::ExportMerchantsRequest { filter: filter.clone(), view: 0 };
        let message =
            client.export_merchants(export).await.unwrap().into_inner().message().await.unwrap().unwrap();
        assert_eq!(ids_of(&message.merchants), expected, "export, {text}");
        let circle = wire::Circle { center: Some(position(HOME.0, HOME.1)), radius_m: 100.0 };
        let area = Some(wire::get_density_request::Area::Circle(circle));
        let density = wire::GetDensityRequest { area, resolution: 9, filter, ..Default::default() };
        let density = searches.get_density(density).await.unwrap().into_inner();
        assert_eq!(density.total_size, i32::try_from(expected.len()).unwrap(), "density, {text}");
    }
}

#[tokio::test]
async fn batches_and_streams_filter_by_text() {
    let (_server, mut client, _) = server_with(shops()).await;
    let requests: Vec<wire::SearchNearbyRequest> = CASES
        .iter()
        .map(|(text, _)| wire::SearchNearbyRequest { filter: filter(text), ..at_home() })
        .collect();
    let batch = wire::BatchSearchNearbyRequest { requests: requests.clone() };
    let results = client.batch_search_nearby(batch).await.unwrap().into_inner().results;
    for (result, (text, expected)) in results.into_iter().zip(CASES) {
        let Some(wire::batch_search_nearby_result::Outcome::Response(page)) = result.outcome else {
            panic!("{text}: {result:?}")
        };
        assert_eq!(ids(&page.results), expected, "{text}");
    }
    let steps = requests
        .into_iter()
        .map(|request| wire::StreamSearchNearbyRequest { tag: 1, request: Some(request) });
    let mut pages = client
        .stream_search_nearby(tokio_stream::iter(steps.collect::<Vec<_>>()))
        .await
        .unwrap()
        .into_inner();
    for (text, expected) in CASES {
        let response = pages.message().await.unwrap().unwrap();
        let Some(wire::stream_search_nearby_response::Outcome::Response(page)) = response.outcome else {
            panic!("{text}: {response:?}")
        };
        assert_eq!(ids(&page.results), expected, "{text}");
    }
}

#[tokio::test]
async fn localized_names_are_searched_and_each_word_finds_its_own() {
    let names = [("zh-Hans", "星巴克"), ("ja", "スターバックス")];
    let localized_names = names.map(|(tag, name)| (tag.to_owned(), name.to_owned())).into();
    let cafe = wire::Merchant { localized_names, ..named("star", "Starbucks", "Coffee Company") };
    let (_server, mut client, _) = server_with([cafe, named("other", "Bar", "")]).await;
    for text in ["星巴", "ばっくす", "starb", "company 星", "バックス 巴克 coff"] {
        let request = wire::SearchNearbyRequest { filter: filter(text), ..at_home() };
        assert_eq!(ids(&found(&mut client, request).await.results), ["star"], "{text}");
    }
    let request = wire::SearchNearbyRequest { filter: filter("zh"), ..at_home() };
    assert_eq!(ids(&found(&mut client, request).await.results), [""; 0], "tags are no names");
}

#[tokio::test]
async fn changed_names_are_found_at_once() {
    let (_server, mut client, mut merchants) = server_with(shops()).await;
    let renamed =
        wire::UpdateMerchantRequest { merchant: Some(named("hm", "Kiosk Ærø", "")), ..Default::default() };
    merchants.update_merchant(renamed).await.unwrap();
    for (text, expected) in [("h&m", [].as_slice()), ("aero", &["hm"])] {
        let request = wire::SearchNearbyRequest { filter: filter(text), ..at_home() };
        assert_eq!(ids(&found(&mut client, request).await.results), expected, "{text}");
    }
}

#[tokio::test]
async fn texts_without_words_and_long_texts_are_rejected() {
    let (_server, mut client, mut merchants) = server_with([]).await;
    let words = |count: usize| vec!["a"; count].join("&");
    for (text, reasons) in [
        (" ".to_owned(), ["NO_LETTER_OR_DIGIT"].as_slice()),
        ("&-…™".to_owned(), &["NO_LETTER_OR_DIGIT"]),
        ("x".repeat(257), &["TOO_LONG"]),
        ("ä".repeat(129), &["TOO_LONG"]),
        (words(17), &["TOO_MANY"]),
        ("a\u{1}".to_owned(), &["CONTROL_CHARACTER"]),
    ] {
        let request = wire::SearchNearbyRequest { filter: filter(&text), ..at_home() };
        let expected: Vec<_> = reasons.iter().map(|reason| field("filter.text", reason)).collect();
        assert_eq!(violations(&client.search_nearby(request).await.unwrap_err()), expected, "{text:?}");
        let request = wire::ListMerchantsRequest { filter: filter(&text), ..Default::default() };
        assert_eq!(violations(&merchants.list_merchants(request).await.unwrap_err()), expected, "{text:?}");
    }
    for text in ["x".repeat(256), words(16), "a\tb\nc".to_owned()] {
        let request = wire::SearchNearbyRequest { filter: filter(&text), ..at_home() };
        found(&mut client, request).await;
    }
}

#[tokio::test]
async fn a_page_token_is_bound_to_the_text() {
    let (_server, mut client, _) = server_with(shops()).await;
    let request = |text: &str| wire::SearchNearbyRequest { filter: filter(text), page_size: 1, ..at_home() };
    let first = found(&mut client, request("starbucks")).await;
    assert!(!first.next_page_token.is_empty());
    let other = wire::SearchNearbyRequest { page_token: first.next_page_token.clone(), ..request("star") };
    let error = client.search_nearby(other).await.unwrap_err();
    assert_eq!(violation(&error), field("page_token", "INVALID_PAGE_TOKEN"));
    let next = wire::SearchNearbyRequest { page_token: first.next_page_token, ..request("starbucks") };
    assert_eq!(ids(&found(&mut client, next).await.results), ["stara"]);
}
