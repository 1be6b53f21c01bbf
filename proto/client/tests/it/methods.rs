//! Behaviour common to every method of the contract.

use futures_util::stream;
use nearby_client::{Client, ClientError, Code};

use crate::fake_server::{FakeServer, unavailable};

pub(crate) const READS: [&str; 6] =
    ["SearchNearby", "BatchSearchNearby", "GetDensity", "GetMerchant", "BatchGetMerchants", "ListMerchants"];
pub(crate) const WRITES: [&str; 10] = [
    "CreateMerchant",
    "UpdateMerchant",
    "DeleteMerchant",
    "ShowMerchant",
    "HideMerchant",
    "ApproveMerchant",
    "RejectMerchant",
    "BatchCreateMerchants",
    "BatchUpdateMerchants",
    "BatchDeleteMerchants",
];
pub(crate) const STREAMS: [&str; 7] = [
    "StreamSearchNearby",
    "WatchNearby",
    "WatchNearbyFrom",
    "ImportMerchants",
    "ExportMerchants",
    "WatchMerchants",
    "BackUpMerchants",
];

/// Calls a method with an empty request.
pub(crate) async fn call(client: &Client, method: &str) -> Result<(), ClientError> {
    match method {
        "SearchNearby" => client.search_nearby(Default::default()).await.map(drop),
        "BatchSearchNearby" => client.batch_search_nearby(Default::default()).await.map(drop),
        "StreamSearchNearby" => client.stream_search_nearby(stream::empty()).await.map(drop),
        "WatchNearby" => client.watch_nearby(stream::empty()).await.map(drop),
        "WatchNearbyFrom" => client.watch_nearby_from(Default::default()).await.map(drop),
        "GetDensity" => client.get_density(Default::default()).await.map(drop),
        "GetMerchant" => client.get_merchant(Default::default()).await.map(drop),
        "BatchGetMerchants" => client.batch_get_merchants(Default::default()).await.map(drop),
        "ListMerchants" => client.list_merchants(Default::default()).await.map(drop),
        "CreateMerchant" => client.create_merchant(Default::default()).await.map(drop),
        "UpdateMerchant" => client.update_merchant(Default::default()).await.map(drop),
        "DeleteMerchant" => client.delete_merchant(Default::default()).await,
        "ShowMerchant" => client.show_merchant(Default::default()).await.map(drop),
        "HideMerchant" => client.hide_merchant(Default::default()).await.map(drop),
        "ApproveMerchant" => client.approve_merchant(Default::default()).await.map(drop),
        "RejectMerchant" => client.reject_merchant(Default::default()).await.map(drop),
        "BatchCreateMerchants" => client.batch_create_merchants(Default::default()).await.map(drop),
        "BatchUpdateMerchants" => client.batch_update_merchants(Default::default()).await.map(drop),
        "BatchDeleteMerchants" => client.batch_delete_merchants(Default::default()).await,
        "ImportMerchants" => client.import_merchants(stream::empty()).await.map(drop),
        "ExportMerchants" => client.export_merchants(Default::default()).await.map(drop),
        "BackUpMerchants" => client.back_up_merchants(Default::default()).await.map(drop),
        "WatchMerchants" => client.watch_merchants(Default::default()).await.map(drop),
        other => panic!("unknown method {other}"),
    }
}

#[tokio::test]
async fn each_method_calls_the_rpc_of_its_name() {
    for method in [&READS[..], &WRITES, &STREAMS].concat() {
        let server = FakeServer::default();
        call(&server.client(), method).await.unwrap();
        let called: Vec<&str> = server.calls().iter().map(|call| call.method).collect();
        assert_eq!(called, [method]);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_are_retried_and_streams_are_not() {
    for method in [&READS[..], &WRITES].concat() {
        let server = FakeServer::new([unavailable()]);
        call(&server.client(), method).await.unwrap();
        assert_eq!(server.calls().len(), 2, "{method}");
    }
    for method in STREAMS {
        let server = FakeServer::new([unavailable()]);
        let error = call(&server.client(), method).await.unwrap_err();
        assert_eq!((error.code(), server.calls().len()), (Code::Unavailable, 1), "{method}");
    }
}
