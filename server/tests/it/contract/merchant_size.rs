//! The size limit of a merchant: 32,768 bytes of what a client gives, without the review.

use super::*;

const MAX_BYTES: usize = 32_768;

/// A merchant whose encoding without its name has a length in bytes.
fn sized(bytes: usize) -> wire::Merchant {
    let photo = |length| wire::Photo { uri: format!("https://{}", "x".repeat(length)), ..Default::default() };
    let labels = (0..20).map(|number| (format!("label-{number:02}"), "x".repeat(100))).collect();
    let base = wire::Merchant {
        photos: vec![photo(1_900); 15],
        labels,
        visibility: wire::Visibility::Visible.into(),
        ..north("m", 10.0)
    };
    let with = |rest| wire::Merchant {
        photos: base.photos.iter().cloned().chain([photo(rest)]).collect(),
        ..base.clone()
    };
    let length =
        |merchant: &wire::Merchant| wire::Merchant { name: String::new(), ..merchant.clone() }.encoded_len();
    let filler = bytes - length(&base);
    let all = (filler - 20..filler).map(with);
    all.into_iter().find(|merchant| length(merchant) == bytes).unwrap()
}

#[tokio::test]
async fn a_merchant_at_the_size_limit_can_be_rejected_and_changed_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut merchants = server.merchants().await;
    let create = |merchant| wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
    let too_large = merchants.create_merchant(create(sized(MAX_BYTES + 1))).await.unwrap_err();
    assert_eq!(violation(&too_large), field("merchant", "TOO_LARGE"));
    merchants.create_merchant(create(sized(MAX_BYTES))).await.unwrap();

    let reject =
        wire::RejectMerchantRequest { name: name("m"), reason: "ü".repeat(128), ..Default::default() };
    let rejected = merchants.reject_merchant(reject.clone()).await.unwrap().into_inner();
    assert_eq!(rejected.review.as_ref().unwrap().reason, reject.reason);
    // A change keeps the review, and the limit stays that of what the client gives.
    let update = |merchant: wire::Merchant| wire::UpdateMerchantRequest {
        merchant: Some(merchant),
        update_mask: Some(FieldMask { paths: vec!["*".to_owned()] }),
        ..Default::default()
    };
    let moved = wire::Merchant { position: north("m", 20.0).position, ..sized(MAX_BYTES) };
    let moved = merchants.update_merchant(update(moved)).await.unwrap().into_inner();
    assert_eq!(moved.review, rejected.review);
    let status = merchants.update_merchant(update(sized(MAX_BYTES + 1))).await.unwrap_err();
    assert_eq!(violation(&status), field("merchant", "TOO_LARGE"));

    assert_eq!(server.terminate().await.code(), Some(0));
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut merchants = server.merchants().await;
    let get = wire::GetMerchantRequest { name: name("m") };
    assert_eq!(merchants.get_merchant(get).await.unwrap().into_inner(), moved);
}
