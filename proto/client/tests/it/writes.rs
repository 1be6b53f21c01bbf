//! Request ids of writes.

use std::collections::HashSet;

use nearby_client::{
    Code,
    v1::{CreateMerchantRequest, DeleteMerchantRequest},
};
use prost::Message;
use uuid::Uuid;

use crate::{
    fake_server::{Call, FakeServer, Outcome, fail, respond, unavailable},
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

#[tokio::test(start_paused = true)]
async fn a_rejection_after_an_unknown_outcome_says_that_the_change_may_have_been_applied() {
    let request = DeleteMerchantRequest { name: "merchants/cafe".to_owned(), ..Default::default() };
    let message_after = async |outcomes: Vec<Outcome>| {
        let server = FakeServer::new(outcomes);
        server.client().delete_merchant(request.clone()).await.unwrap_err().to_string()
    };
    let unknown = || fail(Code::Unavailable, "OUTCOME_UNKNOWN");
    let refused = || fail(Code::Unavailable, "NO_QUORUM");
    let is_said = |message: &str| message.contains("an earlier attempt of this change may have been applied");
    let message = message_after(vec![unknown(), refused(), refused(), refused()]).await;
    assert!(is_said(&message), "{message}");
    let message = message_after(vec![unavailable(), fail(Code::PermissionDenied, "ROLE_REQUIRED")]).await;
    assert!(is_said(&message), "{message}");

    let message = message_after(vec![refused(), refused(), refused(), refused()]).await;
    assert!(!is_said(&message), "nothing was applied: {message}");
    let message = message_after(vec![unknown(), fail(Code::NotFound, "MERCHANT_NOT_FOUND")]).await;
    assert!(!is_said(&message), "this is the outcome: {message}");
}
