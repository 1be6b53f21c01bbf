//! Names in several languages.

use super::*;

fn named(id: &str, names: &[(&str, &str)]) -> wire::Merchant {
    let localized_names = names.iter().map(|(tag, name)| ((*tag).to_owned(), (*name).to_owned())).collect();
    wire::Merchant { localized_names, display_name: "Tiimari".to_owned(), ..north(id, 10.0) }
}

fn in_language(language_code: &str) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { language_code: language_code.to_owned(), ..at_home() }
}

fn localized(text: &str, language_code: &str) -> Option<wire::LocalizedName> {
    Some(wire::LocalizedName { text: text.to_owned(), language_code: language_code.to_owned() })
}

const NAMES: [(&str, &str); 4] =
    [("en", "Hourglass"), ("sv_FI", "Timglaset"), ("zh-Hans", "沙漏"), ("zh-TW", "沙漏店")];

#[tokio::test]
async fn results_have_the_name_in_the_language_of_the_request() {
    let (_server, mut client, _) = server_with([named("m", &NAMES)]).await;
    for (asked, expected) in [
        ("", None),
        ("en", localized("Hourglass", "en")),
        ("EN-au", localized("Hourglass", "en")),
        ("sv-fi", localized("Timglaset", "sv_FI")),
        ("sv", localized("Timglaset", "sv_FI")),
        ("zh_CN", localized("沙漏", "zh-Hans")),
        ("zh-Hant-HK", localized("沙漏店", "zh-TW")),
        ("fi", localized("Tiimari", "")),
    ] {
        let found = client.search_nearby(in_language(asked)).await.unwrap().into_inner().results;
        assert_eq!(found[0].localized_name, expected, "{asked}");
        assert_eq!(found[0].merchant.as_ref().unwrap().display_name, "Tiimari", "stored fields stay");
    }
    let ids_only = wire::SearchNearbyRequest { view: wire::MerchantView::IdOnly.into(), ..in_language("en") };
    let found = client.search_nearby(ids_only).await.unwrap().into_inner().results;
    assert_eq!(found[0].localized_name, None);
}

#[tokio::test]
async fn watches_have_localized_names_and_resume_in_another_language() {
    let (_server, mut client, mut merchants) = server_with([named("m", &NAMES)]).await;
    let start = |language_code: &str, resume_token: String| wire::WatchNearbyStart {
        origin: Some(position(HOME.0, HOME.1)),
        language_code: language_code.to_owned(),
        resume_token,
        ..Default::default()
    };
    let mut responses = client.watch_nearby_from(start("en", String::new())).await.unwrap().into_inner();
    let first = responses.message().await.unwrap().unwrap();
    assert_eq!(first.entered[0].localized_name, localized("Hourglass", "en"));
    create(&mut merchants, named("n", &NAMES[..1])).await;
    let second = responses.message().await.unwrap().unwrap();
    assert_eq!(second.entered[0].localized_name, localized("Hourglass", "en"));
    let mut responses =
        client.watch_nearby_from(start("sv", second.resume_token)).await.unwrap().into_inner();
    assert!(!responses.message().await.unwrap().unwrap().reset);
}

#[tokio::test]
async fn a_page_token_continues_in_another_language() {
    let (_server, mut client, _) = server_with([named("a", &NAMES), named("b", &NAMES)]).await;
    let request = wire::SearchNearbyRequest { page_size: 1, ..in_language("en") };
    let page_token = client.search_nearby(request.clone()).await.unwrap().into_inner().next_page_token;
    let next = wire::SearchNearbyRequest { page_token, language_code: "zh".to_owned(), ..request };
    let page = client.search_nearby(next).await.unwrap().into_inner();
    assert_eq!(ids(&page.results), ["b"]);
}

#[tokio::test]
async fn a_language_that_is_not_one_tag_is_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    for code in ["en,fr", "english language", "*", &"a-x".repeat(22)] {
        let status = client.search_nearby(in_language(code)).await.unwrap_err();
        assert_eq!(violation(&status), field("language_code", "LANGUAGE_CODE_INVALID"), "{code}");
    }
    let start = wire::WatchNearbyStart {
        origin: Some(position(HOME.0, HOME.1)),
        language_code: "e".to_owned(),
        ..Default::default()
    };
    let mut responses = client.watch_nearby_from(start).await.unwrap().into_inner();
    let status = responses.message().await.unwrap_err();
    assert_eq!(violation(&status), field("language_code", "LANGUAGE_CODE_INVALID"));
}

#[tokio::test]
async fn invalid_localized_names_are_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let many: Vec<String> = (0..33).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|tag| (tag.as_str(), "n")).collect();
    let long = "n".repeat(257);
    for (names, path, reason) in [
        (&[("english!", "n")][..], "merchant.localized_names[english!]", "LANGUAGE_CODE_INVALID"),
        (&[("en", " ")], "merchant.localized_names[en]", "REQUIRED"),
        (&[("en", long.as_str())], "merchant.localized_names[en]", "TOO_LONG"),
        (&[("en_GB", "a"), ("en-gb", "b")], "merchant.localized_names[en_GB]", "REPEATED"),
        (&many, "merchant.localized_names", "TOO_MANY"),
    ] {
        let request = wire::CreateMerchantRequest { merchant: Some(named("m", names)), ..Default::default() };
        assert_eq!(violation(&client.create_merchant(request).await.unwrap_err()), field(path, reason));
    }
}
