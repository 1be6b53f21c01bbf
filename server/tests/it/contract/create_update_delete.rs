//! `CreateMerchant`, `UpdateMerchant`, `DeleteMerchant`, `GetMerchant`: single merchants.

use super::*;

#[tokio::test]
async fn invalid_merchants_are_rejected_and_change_nothing() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let too_long = "x".repeat(129);
    let create = |merchant: wire::Merchant, merchant_id: &str| wire::CreateMerchantRequest {
        merchant: Some(merchant),
        merchant_id: merchant_id.to_owned(),
        ..Default::default()
    };
    let nameless = || wire::Merchant { name: String::new(), ..merchant("", 1.0, 2.0) };
    for (request, field, reason) in [
        (create(nameless(), "a/b"), "merchant_id", "INVALID_ID"),
        (create(nameless(), "a\u{7}"), "merchant_id", "INVALID_ID"),
        (create(nameless(), " a"), "merchant_id", "INVALID_ID"),
        (create(nameless(), &too_long), "merchant_id", "INVALID_ID"),
        (create(merchant("", 1.0, 2.0), ""), "merchant.name", "INVALID_ID"),
        (create(merchant("a", 1.0, 2.0), "b"), "merchant.name", "NAME_MISMATCH"),
        (
            create(wire::Merchant { name: "shops/a".to_owned(), ..nameless() }, ""),
            "merchant.name",
            "INVALID_NAME",
        ),
        (create(merchant("a", f64::NAN, 2.0), ""), "merchant.position.latitude", "NOT_FINITE"),
        (create(merchant("a", 1.0, 181.0), ""), "merchant.position.longitude", "LONGITUDE_OUT_OF_RANGE"),
        (
            create(wire::Merchant { position: None, ..merchant("a", 1.0, 2.0) }, ""),
            "merchant.position",
            "REQUIRED",
        ),
        (
            create(wire::Merchant { display_name: String::new(), ..merchant("a", 1.0, 2.0) }, ""),
            "merchant.display_name",
            "REQUIRED",
        ),
        (wire::CreateMerchantRequest::default(), "merchant", "REQUIRED"),
    ] {
        let status = client.create_merchant(request).await.unwrap_err();
        assert_eq!(violations(&status), [(field.to_owned(), reason.to_owned())]);
    }
    let get = client.get_merchant(wire::GetMerchantRequest { name: "merchants/".to_owned() }).await;
    assert_eq!(violations(&get.unwrap_err()), [("name".to_owned(), "INVALID_ID".to_owned())]);
    let list =
        client.list_merchants(wire::ListMerchantsRequest { page_size: -1, ..Default::default() }).await;
    assert_eq!(violations(&list.unwrap_err()), [("page_size".to_owned(), "OUT_OF_RANGE".to_owned())]);
    let listed = client.list_merchants(wire::ListMerchantsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed, wire::ListMerchantsResponse::default());
}

#[tokio::test]
async fn a_merchant_is_created_updated_hidden_and_deleted() {
    let server = TestServer::start().await;
    let (mut merchants, mut searches) = (server.merchants().await, server.searches().await);
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 1.0, 2.0)), ..Default::default() };
    let created = merchants.create_merchant(request.clone()).await.unwrap().into_inner();
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(created.wgs84_position, Some(position(1.0, 2.0)));

    let again = merchants.create_merchant(request).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert_eq!(again.get_details_resource_info().unwrap().resource_name, "merchants/a");
    assert_eq!(again.get_details_error_info().unwrap().reason, "MERCHANT_EXISTS");

    let update = |given: wire::Merchant, paths: &[&str], allow_missing| wire::UpdateMerchantRequest {
        merchant: Some(given),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        allow_missing,
        ..Default::default()
    };
    let phone = |etag: &str| wire::Merchant {
        name: "merchants/a".to_owned(),
        etag: etag.to_owned(),
        phone: "+358 9".to_owned(),
        ..Default::default()
    };
    let updated = merchants.update_merchant(update(phone(&created.etag), &["phone"], false)).await;
    let updated = updated.unwrap().into_inner();
    assert_eq!((updated.phone.as_str(), updated.display_name.as_str()), ("+358 9", "Shop a"));
    assert_ne!(updated.etag, created.etag);
    assert_eq!(updated.create_time, created.create_time);

    let stale = merchants.update_merchant(update(phone(&created.etag), &["phone"], false)).await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let unknown =
        merchants.update_merchant(update(phone(""), &["position.latitude"], false)).await.unwrap_err();
    assert_eq!(violations(&unknown), [("update_mask".to_owned(), "UNKNOWN_FIELD".to_owned())]);
    let missing =
        merchants.update_merchant(update(merchant("b", 1.0, 2.0), &["*"], false)).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let versioned = wire::Merchant { etag: "1".to_owned(), ..merchant("b", 1.0, 2.0) };
    let missing = merchants.update_merchant(update(versioned, &["*"], true)).await.unwrap_err();
    assert_eq!(
        missing.code(),
        Code::NotFound,
        "an etag requires an existing merchant, despite allow_missing"
    );
    merchants.update_merchant(update(merchant("b", 1.0, 2.0), &["*"], true)).await.unwrap();

    let found = page_through(&mut searches, search(1.0, 2.0)).await;
    assert_eq!(ranking(&found), [(0.0, "a".to_owned()), (0.0, "b".to_owned())]);
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..phone("") };
    merchants.update_merchant(update(hidden, &["visibility"], false)).await.unwrap();
    let found = page_through(&mut searches, search(1.0, 2.0)).await;
    assert_eq!(ranking(&found), [(0.0, "b".to_owned())]);
    assert!(
        merchants.get_merchant(wire::GetMerchantRequest { name: "merchants/a".to_owned() }).await.is_ok()
    );

    let delete = |etag: &str| wire::DeleteMerchantRequest {
        name: "merchants/a".to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    for stale in [created.etag.as_str(), "nonsense"] {
        assert_eq!(merchants.delete_merchant(delete(stale)).await.unwrap_err().code(), Code::Aborted);
    }
    merchants.delete_merchant(delete("")).await.unwrap();
    let gone = merchants.delete_merchant(delete("")).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(gone.get_details_resource_info().unwrap().resource_name, "merchants/a");
}
