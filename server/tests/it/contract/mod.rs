//! The contract, over gRPC against the real binary: a test for each documented behaviour and error of each method.
//! `cargo test --test it contract -- --list` prints them.

use std::collections::BTreeSet;

use nearby_proto::{
    DESCRIPTORS, v1 as wire,
    v1::{merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient},
    well_known::{FieldMask, Timestamp},
};
use prost::Message;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt;

use crate::support::*;

mod attributes;
mod back_up_merchants;
mod batch_changes;
mod batch_get_merchants;
mod batch_search_nearby;
mod cluster_service;
mod combined_searches;
mod create_update_delete;
mod datums;
mod errors;
mod export_merchants;
mod filters;
mod get_density;
mod import_merchants;
mod list_merchants;
mod listing_state;
mod localized_names;
mod max_per_brand;
mod merchant_size;
mod opening_hours;
mod origins;
mod paging_under_load;
mod request_ids;
mod search_areas;
mod search_nearby;
mod service_areas;
mod service_links;
mod show_hide;
mod stream_search_nearby;
mod text;
mod watch_merchants;
mod watch_nearby;
mod watch_nearby_from;

/// Returns the fields and reasons of an INVALID_ARGUMENT error.
fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let fields = status.get_details_bad_request().unwrap().field_violations;
    assert!(!fields.is_empty(), "{status:?}");
    fields.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// Returns the field and the reason of an INVALID_ARGUMENT error with a single violation.
fn violation(status: &Status) -> (String, String) {
    let all = violations(status);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

fn field(field: &str, reason: &str) -> (String, String) {
    (field.to_owned(), reason.to_owned())
}

/// Returns the code and the reason of an error.
fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(info.domain, "nearby");
    (status.code(), info.reason)
}

fn origin(request: &mut wire::SearchNearbyRequest) -> &mut wire::Position {
    request.origin.as_mut().unwrap()
}

fn name(id: &str) -> String {
    format!("merchants/{id}")
}

/// Returns a merchant at a distance to the north of [`HOME`], accurate to a thousandth.
fn north(id: &str, metres: f64) -> wire::Merchant {
    // A degree of latitude at 60° N on WGS-84.
    merchant(id, HOME.0 + metres / 111_412.0, HOME.1)
}

/// The position from which tests search.
const HOME: (f64, f64) = (60.0, 25.0);

fn at_home() -> wire::SearchNearbyRequest {
    search(HOME.0, HOME.1)
}

async fn create(client: &mut MerchantServiceClient<Channel>, merchant: wire::Merchant) -> wire::Merchant {
    let request = wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
    client.create_merchant(request).await.unwrap().into_inner()
}

async fn delete(client: &mut MerchantServiceClient<Channel>, id: &str) {
    let request = wire::DeleteMerchantRequest { name: name(id), ..Default::default() };
    client.delete_merchant(request).await.unwrap();
}

/// Starts a server with these merchants.
async fn server_with(
    merchants: impl IntoIterator<Item = wire::Merchant>,
) -> (TestServer, NearbyServiceClient<Channel>, MerchantServiceClient<Channel>) {
    let server = TestServer::start().await;
    let (searches, mut client) = (server.searches().await, server.merchants().await);
    for merchant in merchants {
        create(&mut client, merchant).await;
    }
    (server, searches, client)
}

async fn found(
    client: &mut NearbyServiceClient<Channel>,
    request: wire::SearchNearbyRequest,
) -> wire::SearchNearbyResponse {
    client.search_nearby(request).await.unwrap().into_inner()
}

/// Returns the ids of results, in order.
fn ids(results: &[wire::NearbyResult]) -> Vec<String> {
    ranking(results).into_iter().map(|(_, id)| id).collect()
}

fn ids_of(merchants: &[wire::Merchant]) -> Vec<String> {
    merchants.iter().map(|merchant| merchant.name.replace("merchants/", "")).collect()
}

#[test]
fn every_method_is_called_by_a_test() {
    let descriptors = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    let methods = services.flat_map(|service| service.method.iter().map(|method| method.name().to_owned()));
    let methods: BTreeSet<String> = methods.collect();
    assert_eq!(methods.len(), 27);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/contract");
    let sources: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let called = |method: &String| {
        let words = method.chars().enumerate().flat_map(|(at, letter)| {
            let stop = (at > 0 && letter.is_uppercase()).then_some('_');
            stop.into_iter().chain(letter.to_lowercase())
        });
        sources.contains(&format!(".{}(", words.collect::<String>()))
    };
    let never: Vec<&String> = methods.iter().filter(|method| !called(method)).collect();
    assert!(never.is_empty(), "no test calls {never:?}");
}
