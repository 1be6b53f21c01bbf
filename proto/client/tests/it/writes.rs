//! Changes carry an id, and the same one when they are sent again.

use std::collections::HashSet;

use nearby_client::{
    Code,
    v1::{CreateMerchantRequest, DeleteMerchantRequest},
};
use prost::Message;
use uuid::Uuid;

use crate::{
    fake_server::{Call, Fake, Outcome, answer, unavailable},
    methods::{WRITES, call},
};

/// The id of any change: all of its fields but that one are left alone.
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
async fn a_change_is_sent_again_with_the_same_fresh_id() {
    let mut ids = HashSet::new();
    for method in WRITES {
        let fake = Fake::new([unavailable(), unavailable()]);
        call(&fake.client(), method).await.unwrap();
        let sent: Vec<String> = fake.calls().iter().map(id_of).collect();
        assert_eq!(sent.len(), 3, "{method}");
        assert!(Uuid::parse_str(&sent[0]).is_ok(), "{method}: {sent:?}");
        assert!(sent.iter().all(|id| *id == sent[0]), "{method}: {sent:?}");
        assert!(ids.insert(sent[0].clone()), "{method} has an id of its own");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_id_stays() {
    let id = "0190a5b4-7c3e-7000-8000-000000000001";
    let request = CreateMerchantRequest {
        merchant_id: "cafe".to_owned(),
        request_id: id.to_owned(),
        validate_only: true,
        ..Default::default()
    };
    let fake = Fake::new([unavailable()]);
    fake.client().create_merchant(request.clone()).await.unwrap();
    let sent: Vec<CreateMerchantRequest> = fake.calls().iter().map(Call::request).collect();
    assert_eq!(sent, [request.clone(), request]);
}

#[tokio::test(start_paused = true)]
async fn an_error_says_which_change_it_was() {
    let fake = Fake::new([Outcome::Silence]);
    let request = DeleteMerchantRequest { name: "merchants/cafe".to_owned(), ..Default::default() };
    let error = fake.client().delete_merchant(request.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    let id = error.request_id().unwrap().to_owned();
    assert_eq!(id, id_of(&fake.calls()[0]));

    fake.then([answer(&())]);
    fake.client().delete_merchant(DeleteMerchantRequest { request_id: id.clone(), ..request }).await.unwrap();
    assert_eq!(id_of(&fake.calls()[1]), id);

    fake.then([unavailable(), unavailable(), unavailable(), unavailable()]);
    let error = call(&fake.client(), "SearchNearby").await.unwrap_err();
    assert_eq!(error.request_id(), None, "a read has none");
}
