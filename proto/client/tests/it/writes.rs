//! Request ids of writes.

use std::collections::HashSet;

use nearby_client::{
    Code,
    v1::{CreateMerchantRequest, DeleteMerchantRequest},
};
use prost::Message;
use uuid::Uuid;

use crate::{
    fake_server::{Call, FakeServer, Outcome, respond, unavailable},
    methods::{WRITES, call},
};

/// Decodes the request id of any write, ignoring all other fields.
fn id_of(call: &Call) -> String {
    #[derive(Clone, PartialEq, Message)]
    struct Second {
        #[prost(string, tag = "2")]
        request_id: String,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Third {
        #[prost(string, tag = "3")]
        request_id: String,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Fourth {
        #[prost(string, tag = "4")]
        request_id: String,
    }
    match call.method {
        "UpdateMerchant" => call.request::<Fourth>().request_id,
        batch if batch.starts_with("Batch") => call.request::<Second>().request_id,
        _ => call.request::<Third>().request_id,
    }
}

#[tokio::test(start_paused = true)]
async fn retried_write_keeps_its_generated_request_id() {
    let mut ids = HashSet::new();
    for method in WRITES {
        let server = FakeServer::new([unavailable(), unavailable()]);
        call(&server.client(), method).await.unwrap();
        let sent: Vec<String> = server.calls().iter().map(id_of).collect();
        assert_eq!(sent.len(), 3, "{method}");
        assert!(Uuid::parse_str(&sent[0]).is_ok(), "{method}: {sent:?}");
        assert!(sent.iter().all(|id| *id == sent[0]), "{method}: {sent:?}");
        assert!(ids.insert(sent[0].clone()), "{method} reuses a request id");
    }
}

#[tokio::test(start_paused = true)]
async fn request_id_of_the_application_is_kept() {
    let id = "0190a5b4-7c3e-7000-8000-000000000001";
    let request = CreateMerchantRequest {
        merchant_id: "cafe".to_owned(),
        request_id: id.to_owned(),
        validate_only: true,
        ..Default::default()
    };
    let server = FakeServer::new([unavailable()]);
    server.client().create_merchant(request.clone()).await.unwrap();
    let sent: Vec<CreateMerchantRequest> = server.calls().iter().map(Call::request).collect();
    assert_eq!(sent, [request.clone(), request]);
}

#[tokio::test(start_paused = true)]
async fn error_of_a_write_has_its_request_id() {
    let server = FakeServer::new([Outcome::Hang]);
    let request = DeleteMerchantRequest { name: "merchants/cafe".to_owned(), ..Default::default() };
    let error = server.client().delete_merchant(request.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    let id = error.request_id().unwrap().to_owned();
    assert_eq!(id, id_of(&server.calls()[0]));

    server.push_outcomes([respond(&())]);
    server
        .client()
        .delete_merchant(DeleteMerchantRequest { request_id: id.clone(), ..request })
        .await
        .unwrap();
    assert_eq!(id_of(&server.calls()[1]), id);

    server.push_outcomes([unavailable(), unavailable(), unavailable(), unavailable()]);
    let error = call(&server.client(), "SearchNearby").await.unwrap_err();
    assert_eq!(error.request_id(), None, "a read has no request id");
}
