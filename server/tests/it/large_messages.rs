//! Whatever is asked, clients with default limits can receive the answer.

use nearby_proto::v1 as wire;

use crate::support::*;

/// A merchant nearly as large as there can be.
fn large(number: usize) -> wire::Merchant {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    wire::Merchant { photos: vec![photo; 16], ..merchant(&format!("m{number:03}"), 60.0, 25.0) }
}

fn import(rows: Vec<wire::Merchant>, rows_a_message: usize) -> Vec<wire::ImportMerchantsRequest> {
    let rows: Vec<_> = (1..)
        .zip(rows)
        .map(|(row_number, merchant)| wire::ImportRow { row_number, merchant: Some(merchant) })
        .collect();
    rows.chunks(rows_a_message)
        .map(|rows| wire::ImportMerchantsRequest { rows: rows.to_vec(), allow_null_island: false })
        .collect()
}

#[tokio::test]
async fn large_merchants_come_in_pages_that_clients_accept() {
    let server = Server::start().await;
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
async fn an_import_of_nothing_but_faults_is_answered_for_every_row() {
    let server = Server::start().await;
    let faulty = wire::Merchant {
        name: "merchants/a".to_owned(),
        position: Some(wire::Position { latitude: f64::NAN, longitude: f64::NAN, ..Default::default() }),
        categories: vec![String::new(); 32],
        services: vec![String::new(); 64],
        visibility: 9,
        ..Default::default()
    };
    let messages = import(vec![faulty; 10_000], 1_000);
    let answer =
        server.merchants().await.import_merchants(tokio_stream::iter(messages)).await.unwrap().into_inner();
    assert_eq!(answer.outcomes.len(), 10_000);
    for outcome in &answer.outcomes {
        assert_eq!(outcome.state(), wire::ImportState::Rejected);
        assert_eq!(outcome.violations[0].reason, "COORDINATE_SYSTEM_UNSPECIFIED");
    }
    assert_eq!(answer.outcomes[0].violations.len(), 8);
}
