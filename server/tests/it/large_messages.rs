//! Responses fit into the default message limit of gRPC clients, 4 MiB, whatever the size of the merchants.

use nearby_proto::v1 as wire;

use crate::support::*;

/// Returns a merchant of nearly the maximum size.
fn large(number: usize) -> wire::Merchant {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    wire::Merchant { photos: vec![photo; 16], ..merchant(&format!("m{number:03}"), 60.0, 25.0) }
}

fn import(rows: Vec<wire::Merchant>, rows_per_message: usize) -> Vec<wire::ImportMerchantsRequest> {
    let rows: Vec<_> = (1..)
        .zip(rows)
        .map(|(row_number, merchant)| wire::ImportRow {
            row_number,
            merchant: Some(merchant),
            ..Default::default()
        })
        .collect();
    rows.chunks(rows_per_message)
        .map(|rows| wire::ImportMerchantsRequest { rows: rows.to_vec(), ..Default::default() })
        .collect()
}

#[tokio::test]
async fn pages_of_large_merchants_fit_into_the_message_limit_of_clients() {
    let server = TestServer::start().await;
    let mut merchants = server.merchants().await;
    let messages = import((0..250).map(large).collect(), 100);
    merchants.import_merchants(tokio_stream::iter(messages)).await.unwrap();
    let expected: Vec<_> = (0..250).map(|number| format!("m{number:03}")).collect();

    let mut searches = server.searches().await;
    let view = wire::MerchantView::Full.into();
    let request = wire::SearchNearbyRequest { page_size: 500, view, ..search(60.0, 25.0) };
    let first = searches.search_nearby(request.clone()).await.unwrap().into_inner();
    assert!(first.results.len() > 50 && first.results.len() < 250, "{}", first.results.len());
    let found = page_through(&mut searches, request).await;
    assert_eq!(ranking(&found).into_iter().map(|(_, id)| id).collect::<Vec<_>>(), expected);

    assert_eq!(list_ids(&mut merchants).await, expected);
}

#[tokio::test]
async fn an_import_of_invalid_rows_reports_an_outcome_for_each() {
    let server = TestServer::start().await;
    let invalid = wire::Merchant {
        name: "merchants/a".to_owned(),
        position: Some(wire::Position { latitude: f64::NAN, longitude: f64::NAN, ..Default::default() }),
        categories: vec![String::new(); 32],
        services: vec![String::new(); 64],
        visibility: 9,
        ..Default::default()
    };
    let messages = import(vec![invalid; 10_000], 1_000);
    let response =
        server.merchants().await.import_merchants(tokio_stream::iter(messages)).await.unwrap().into_inner();
    assert_eq!(response.outcomes.len(), 10_000);
    for outcome in &response.outcomes {
        assert_eq!(outcome.state(), wire::ImportState::Rejected);
        assert_eq!(outcome.violations[0].reason, "COORDINATE_SYSTEM_UNSPECIFIED");
    }
    assert_eq!(response.outcomes[0].violations.len(), 8);
}
