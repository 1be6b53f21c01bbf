//! Small requests that would decode to a hundred times their size are rejected before they are decoded.

use std::fs;

use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};
use tonic::{Code, Request, Status, client::Grpc};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

use crate::support::*;

/// Bytes of the largest message that the server accepts.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Memory that the server may need for it: the message itself, as it arrives and whole, and what it decodes.
const MAX_MEMORY_KIB: u64 = 64 * 1024;

/// Calls a method with an encoded message.
async fn call(server: &TestServer, method: &str, message: Vec<u8>) -> Result<(), Status> {
    let mut client = Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let codec = ProstCodec::<Encoded<()>, ()>::default();
    let path = format!("/nearby.v1.{method}").parse().unwrap();
    let request = Request::new(tokio_stream::once(Encoded::from_bytes(message)));
    client.client_streaming(request, path, codec).await.map(drop)
}

/// A field of the status of a process, in KiB.
fn memory_kib(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse().unwrap()
}

/// A message whose field contains as many empty messages as fit, which a field of 2 bytes each is.
fn empty_messages(field: u8, max_bytes: usize) -> Vec<u8> {
    [field << 3 | 2, 0].repeat(max_bytes / 2)
}

/// The messages within a field, and that within another.
fn within(fields: &[u32], content: Vec<u8>) -> Vec<u8> {
    fields.iter().rev().fold(content, |content, field| {
        let mut outer = Vec::new();
        encoding::bytes::encode(*field, &content, &mut outer);
        outer
    })
}

#[tokio::test]
async fn requests_of_empty_messages_are_rejected_without_decoding_them() {
    let server = TestServer::start().await;
    let process = server.process_id();
    let elements = "must have at most 1000 elements; send the rest in another batch";
    let rows = "must be at most 1000 in one message; send the rest in another message";
    let content = MAX_BYTES - 64;
    for (method, message, field, description) in [
        ("NearbyService/BatchSearchNearby", empty_messages(1, MAX_BYTES), "requests", elements),
        ("MerchantService/BatchCreateMerchants", empty_messages(1, MAX_BYTES), "requests", elements),
        ("MerchantService/BatchUpdateMerchants", empty_messages(1, MAX_BYTES), "requests", elements),
        ("MerchantService/BatchDeleteMerchants", empty_messages(1, MAX_BYTES), "requests", elements),
        ("MerchantService/BatchGetMerchants", empty_messages(1, MAX_BYTES), "names", elements),
        ("MerchantService/ImportMerchants", empty_messages(1, MAX_BYTES), "rows", rows),
        ("MerchantService/ImportMerchants", empty_messages(3, MAX_BYTES), "update_masks", rows),
        // Photos of the merchant of a request, and of a row.
        (
            "MerchantService/CreateMerchant",
            within(&[1], empty_messages(12, content)),
            "request",
            "must contain at most 250000 messages; send less per request",
        ),
        (
            "MerchantService/ImportMerchants",
            within(&[1, 2], empty_messages(12, content)),
            "request",
            "must contain at most 250000 messages; send less per request",
        ),
    ] {
        // Resets the peak.
        fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
        let before = memory_kib(process, "VmRSS");
        let rejected = call(&server, method, message).await.unwrap_err();
        let peak = memory_kib(process, "VmHWM");
        let violations = rejected.get_details_bad_request().unwrap().field_violations;
        assert_eq!((rejected.code(), violations.len()), (Code::InvalidArgument, 1), "{method}");
        let violation = &violations[0];
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str(), violation.description.as_str()),
            (field, "TOO_MANY", description),
            "{method}"
        );
        assert!(peak - before.min(peak) < MAX_MEMORY_KIB, "{method}: {before} to {peak} KiB");
    }
}

#[tokio::test]
async fn a_request_with_as_many_messages_as_allowed_is_decoded_in_little_memory() {
    let server = TestServer::start().await;
    let process = server.process_id();
    // With the merchant and its position, 250,000.
    let photo = wire::Photo::default();
    let merchant = wire::Merchant { photos: vec![photo; 249_998], ..merchant("m", 60.0, 25.0) };
    let create = wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
    fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let before = memory_kib(process, "VmRSS");
    let rejected = call(&server, "MerchantService/CreateMerchant", create.encode_to_vec()).await.unwrap_err();
    let peak = memory_kib(process, "VmHWM");
    let violations = rejected.get_details_bad_request().unwrap().field_violations;
    assert!(violations.iter().any(|violation| violation.field == "merchant.photos"), "{violations:?}");
    assert!(peak - before.min(peak) < MAX_MEMORY_KIB, "{before} to {peak} KiB");
}
