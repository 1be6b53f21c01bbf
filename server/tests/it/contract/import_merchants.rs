//! `ImportMerchants`: many rows, stored independently.

use super::*;

#[tokio::test]
async fn an_import_reports_an_outcome_for_each_row() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let row = |row_number, merchant| wire::ImportRow { row_number, merchant: Some(merchant) };
    let datumless = wire::Position { coordinate_system: 0, ..position(1.0, 2.0) };
    let rows = vec![
        row(1, merchant("a", 1.0, 2.0)),
        row(2, wire::Merchant { position: Some(datumless), ..merchant("b", 1.0, 2.0) }),
        row(3, merchant("c", 0.0, 0.0)),
        row(4, merchant("a", 1.5, 2.5)),
        wire::ImportRow { row_number: 5, merchant: None },
    ];
    let import = |rows, allow_null_island| {
        tokio_stream::iter([wire::ImportMerchantsRequest { rows, allow_null_island }])
    };
    let response = client.import_merchants(import(rows.clone(), false)).await.unwrap().into_inner();
    let states: Vec<_> =
        response.outcomes.iter().map(|outcome| (outcome.row_number, outcome.state())).collect();
    let (created, updated, rejected) =
        (wire::ImportState::Created, wire::ImportState::Updated, wire::ImportState::Rejected);
    assert_eq!(states, [(1, created), (2, rejected), (3, rejected), (4, updated), (5, rejected)]);
    assert_eq!(response.outcomes[1].violations[0].field, "position.coordinate_system");
    assert_eq!(response.outcomes[2].violations[0].reason, "NULL_ISLAND");
    let now = client.get_merchant(wire::GetMerchantRequest { name: "merchants/a".to_owned() }).await.unwrap();
    assert_eq!(now.into_inner().position, Some(position(1.5, 2.5)), "the later row wins");

    let response = client.import_merchants(import(rows, true)).await.unwrap().into_inner();
    assert_eq!(response.outcomes[2].state(), created);

    let many = || (0..1_000).map(|n| row(n, merchant(&format!("m{n}"), 1.0, 2.0))).collect::<Vec<_>>();
    let messages: Vec<_> =
        (0..11).map(|_| wire::ImportMerchantsRequest { rows: many(), allow_null_island: false }).collect();
    let rejected = client.import_merchants(tokio_stream::iter(messages)).await.unwrap_err();
    assert_eq!(violations(&rejected), [("rows".to_owned(), "TOO_MANY".to_owned())]);
}
