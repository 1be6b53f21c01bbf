//! Links to pages of services.

use super::*;
use wire::service_link::Target;

fn link(service: &str, target: Option<Target>) -> wire::ServiceLink {
    wire::ServiceLink { service: service.to_owned(), target, description: String::new() }
}

fn web(uri: &str) -> Option<Target> {
    Some(Target::WebUri(uri.to_owned()))
}

fn page(app_id: &str) -> Option<Target> {
    let path = "pages/order?id=1".to_owned();
    Some(Target::MiniProgram(wire::MiniProgramLink { app_id: app_id.to_owned(), path }))
}

fn shop(service_links: Vec<wire::ServiceLink>) -> wire::Merchant {
    let services = ["delivery", "booking"].map(str::to_owned).to_vec();
    wire::Merchant { services, service_links, ..north("shop", 10.0) }
}

fn update(merchant: wire::Merchant, path: &str) -> wire::UpdateMerchantRequest {
    let merchant = Some(wire::Merchant { name: name("shop"), ..merchant });
    let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
    wire::UpdateMerchantRequest { merchant, update_mask, ..Default::default() }
}

#[tokio::test]
async fn links_are_returned_as_given_in_the_full_view() {
    let described = wire::ServiceLink {
        description: "立即下单立即下单立即".to_owned(),
        ..link("delivery", page("wx0123456789abcdef"))
    };
    let links = vec![described, link("booking", web("https://example.test/book"))];
    let (_server, mut client, _) = server_with([shop(links.clone())]).await;
    let request = wire::SearchNearbyRequest { view: wire::MerchantView::Full.into(), ..at_home() };
    let found = client.search_nearby(request).await.unwrap().into_inner().results.remove(0);
    assert_eq!(found.merchant.unwrap().service_links, links);
}

#[tokio::test]
async fn invalid_links_are_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let ok = || link("booking", page("wx1"));
    let long = wire::ServiceLink { description: "12345678901".to_owned(), ..link("delivery", page("wx1")) };
    for (links, path, reason) in [
        (vec![ok(), link("takeaway", page("wx1"))], "service_links[1].service", "NOT_A_SERVICE"),
        (vec![ok(), ok()], "service_links[1].service", "REPEATED"),
        (vec![link("booking", None)], "service_links[0]", "REQUIRED"),
        (vec![link("booking", page(""))], "service_links[0].mini_program.app_id", "REQUIRED"),
        (vec![link("booking", web("javascript:x"))], "service_links[0].web_uri", "NOT_A_WEB_URI"),
        (vec![long], "service_links[0].description", "TOO_LONG"),
        (vec![ok(); 17], "service_links", "TOO_MANY"),
    ] {
        let request = wire::CreateMerchantRequest { merchant: Some(shop(links)), ..Default::default() };
        let found = violations(&client.create_merchant(request).await.unwrap_err());
        assert!(found.contains(&field(&format!("merchant.{path}"), reason)), "{path}: {found:?}");
    }
}

#[tokio::test]
async fn an_update_cannot_take_away_the_service_of_a_link() {
    let (_server, _, mut client) = server_with([shop(vec![link("booking", page("wx1"))])]).await;
    let without = wire::Merchant { services: vec!["delivery".to_owned()], ..shop(Vec::new()) };
    let status = client.update_merchant(update(without.clone(), "services")).await.unwrap_err();
    assert_eq!(violation(&status), field("merchant.service_links[0].service", "NOT_A_SERVICE"));
    let row = wire::ImportRow {
        row_number: 1,
        merchant: Some(wire::Merchant { name: name("shop"), ..without }),
        ..Default::default()
    };
    let message = wire::ImportMerchantsRequest {
        rows: vec![row],
        update_masks: vec![FieldMask { paths: vec!["services".to_owned()] }],
        ..Default::default()
    };
    let outcome =
        client.import_merchants(tokio_stream::iter([message])).await.unwrap().into_inner().outcomes.remove(0);
    assert_eq!(outcome.violations[0].field, "service_links[0].service");
    let foreign = shop(vec![link("parking", page("wx1"))]);
    let status = client.update_merchant(update(foreign, "service_links")).await.unwrap_err();
    assert_eq!(violation(&status), field("merchant.service_links[0].service", "NOT_A_SERVICE"));
    client.update_merchant(update(shop(Vec::new()), "service_links")).await.unwrap();
    client.update_merchant(update(shop(Vec::new()), "services")).await.unwrap();
}
