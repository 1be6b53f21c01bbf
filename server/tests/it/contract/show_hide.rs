//! `ShowMerchant` and `HideMerchant`.

use super::*;

fn hide(id: &str, etag: &str) -> wire::HideMerchantRequest {
    wire::HideMerchantRequest { name: name(id), etag: etag.to_owned(), ..Default::default() }
}

fn show(id: &str, etag: &str) -> wire::ShowMerchantRequest {
    wire::ShowMerchantRequest { name: name(id), etag: etag.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_hidden_merchant_is_stored_but_not_found_until_it_is_shown() {
    let (_server, mut searches, mut client) = server_with([north("a", 1.0)]).await;
    let hidden = client.hide_merchant(hide("a", "")).await.unwrap().into_inner();
    assert_eq!(hidden.visibility(), wire::Visibility::Hidden);
    assert_eq!(ids(&found(&mut searches, at_home()).await.results), [""; 0]);
    let kept = client.get_merchant(wire::GetMerchantRequest { name: name("a") }).await.unwrap().into_inner();
    assert_eq!(kept, hidden);
    let shown = client.show_merchant(show("a", &hidden.etag)).await.unwrap().into_inner();
    assert_eq!(shown.visibility(), wire::Visibility::Visible);
    assert_ne!(shown.etag, hidden.etag);
    assert_eq!(ids(&found(&mut searches, at_home()).await.results), ["a"]);
}

#[tokio::test]
async fn stale_etags_missing_merchants_and_invalid_names_are_rejected() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let stale = client.hide_merchant(hide("a", "ff")).await.unwrap_err();
    assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    let violations = stale.get_details_precondition_failure().unwrap().violations;
    assert_eq!((violations[0].r#type.as_str(), violations[0].subject.as_str()), ("ETAG", "merchants/a"));
    let missing = client.show_merchant(show("unknown", "")).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
    let wrong = wire::ShowMerchantRequest { name: "a".to_owned(), ..Default::default() };
    assert_eq!(violation(&client.show_merchant(wrong).await.unwrap_err()), field("name", "INVALID_NAME"));
}
