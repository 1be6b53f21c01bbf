//! JSON of the messages of each method that Connect clients can call.

use nearby_proto::{v1 as wire, well_known::Empty};
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use tonic::{Code, Status};

use super::error;
use crate::{error::ServiceError, grpc::status::with_reason, reason};

/// Converts the messages of one method between JSON and protobuf.
#[derive(Clone, Copy)]
pub(super) struct Codec {
    /// The `:path` of the method.
    pub(super) path: &'static str,
    /// Encodes a request that is given in JSON.
    pub(super) request: fn(&[u8]) -> Result<Vec<u8>, Status>,
    /// The JSON of an encoded response.
    pub(super) response: fn(&[u8]) -> Result<Vec<u8>, Status>,
}

macro_rules! codecs {
    (@response $response:ty) => { response::<$response> };
    (@response $response:ty, $convert:ident) => { $convert };
    ($($service:literal { $($method:literal $request:ty => $response:ty $(as $convert:ident)?;)+ })+) => {
        [$($(Codec {
            path: concat!("/nearby.v1.", $service, "/", $method),
            request: request::<$request>,
            response: codecs!(@response $response $(, $convert)?),
        }),+),+]
    };
}

/// All unary and server-streaming methods. The others stream requests, which browsers cannot.
#[rustfmt::skip]
const CODECS: [Codec; 24] = codecs! {
    "NearbyService" {
        "SearchNearby"         wire::SearchNearbyRequest         => wire::SearchNearbyResponse;
        "BatchSearchNearby"    wire::BatchSearchNearbyRequest    => wire::BatchSearchNearbyResponse as batch_response;
        "WatchNearbyFrom"      wire::WatchNearbyStart            => wire::WatchNearbyResponse;
        "GetDensity"           wire::GetDensityRequest           => wire::GetDensityResponse;
    }
    "MerchantService" {
        "GetMerchant"          wire::GetMerchantRequest          => wire::Merchant;
        "BatchGetMerchants"    wire::BatchGetMerchantsRequest    => wire::BatchGetMerchantsResponse;
        "ListMerchants"        wire::ListMerchantsRequest        => wire::ListMerchantsResponse;
        "CreateMerchant"       wire::CreateMerchantRequest       => wire::Merchant;
        "UpdateMerchant"       wire::UpdateMerchantRequest       => wire::Merchant;
        "DeleteMerchant"       wire::DeleteMerchantRequest       => Empty;
        "ShowMerchant"         wire::ShowMerchantRequest         => wire::Merchant;
        "HideMerchant"         wire::HideMerchantRequest         => wire::Merchant;
        "ApproveMerchant"      wire::ApproveMerchantRequest      => wire::Merchant;
        "RejectMerchant"       wire::RejectMerchantRequest       => wire::Merchant;
        "BatchCreateMerchants" wire::BatchCreateMerchantsRequest => wire::BatchCreateMerchantsResponse;
        "BatchUpdateMerchants" wire::BatchUpdateMerchantsRequest => wire::BatchUpdateMerchantsResponse;
        "BatchDeleteMerchants" wire::BatchDeleteMerchantsRequest => Empty;
        "ExportMerchants"      wire::ExportMerchantsRequest      => wire::ExportMerchantsResponse;
        "WatchMerchants"       wire::WatchMerchantsRequest       => wire::WatchMerchantsResponse;
        "BackUpMerchants"      wire::BackUpMerchantsRequest      => wire::BackUpMerchantsResponse;
    }
    "ClusterService" {
        "GetClusterStatus"     wire::GetClusterStatusRequest     => wire::GetClusterStatusResponse;
        "HealCluster"          wire::HealClusterRequest          => wire::HealClusterResponse;
        "UpgradeClusterFormat" wire::UpgradeClusterFormatRequest => wire::UpgradeClusterFormatResponse;
        "HashContents"         wire::HashContentsRequest         => wire::HashContentsResponse;
    }
};

/// The codec of a method; `None` if it streams requests, or does not exist.
pub(super) fn codec_of(path: &str) -> Option<&'static Codec> {
    CODECS.iter().find(|codec| codec.path == path)
}

/// JSON objects and arrays of one request, as many as messages of a request in protobuf: each takes up to a kilobyte decoded.
const MAX_VALUES: usize = 250_000;
/// Objects within one array: no list of the contract may be longer.
const MAX_OBJECTS_PER_ARRAY: usize = 1_000;

fn request<M: Message + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, Status> {
    check_bounds(json)?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let decoded: M =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| malformed(&error))?;
    deserializer.end().map_err(|error| malformed_text(&error.to_string()))?;
    Ok(decoded.encode_to_vec())
}

fn response<M: Message + Default + Serialize>(encoded: &[u8]) -> Result<Vec<u8>, Status> {
    let decoded = M::decode(encoded).map_err(|_| internal("cannot decode a response"))?;
    serde_json::to_vec(&decoded).map_err(|_| internal("cannot write a response as JSON"))
}

/// The response of a batch of searches. The details of its errors are messages of google.rpc, which the crate of `Any` does not know.
fn batch_response(encoded: &[u8]) -> Result<Vec<u8>, Status> {
    let decoded =
        wire::BatchSearchNearbyResponse::decode(encoded).map_err(|_| internal("cannot decode a response"))?;
    let mut json = serde_json::to_value(&decoded).map_err(|_| internal("cannot write a response as JSON"))?;
    for (at, result) in decoded.results.iter().enumerate() {
        if let Some(wire::batch_search_nearby_result::Outcome::Status(status)) = &result.outcome {
            json["results"][at]["status"]["details"] = error::details_as_any(&status.encode_to_vec());
        }
    }
    serde_json::to_vec(&json).map_err(|_| internal("cannot write a response as JSON"))
}

fn internal(message: &'static str) -> Status {
    ServiceError::Internal(message).into()
}

/// The error of a request that is no JSON of its message. Names the field and never its value, which may be a position of a user.
fn malformed(error: &serde_path_to_error::Error<serde_json::Error>) -> Status {
    let path = error.path().to_string();
    let (path, text) = (if path == "." { "" } else { &path }, error.inner().to_string());
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if let Some((name, expected)) = text.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'))
    {
        let expected = expected.trim_start_matches(", ");
        // Any other text may be a position that has become a name.
        let is_name = |name: &str| {
            name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        };
        if !is_name(name) {
            let path = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
            let path = if path.is_empty() { "request" } else { path };
            let description = format!("has a field that is not known; {expected}");
            return ServiceError::invalid(path, reason::UNKNOWN_FIELD, description).into();
        }
        let name = name.to_owned();
        // The path ends in the unknown field itself, or in the message that it is in.
        let path = match path.rsplit_once('.') {
            _ if path == name => name,
            Some((_, last)) if last == name => path.to_owned(),
            _ if path.is_empty() => name,
            _ => format!("{path}.{name}"),
        };
        return ServiceError::invalid(path, reason::UNKNOWN_FIELD, format!("is not known; {expected}"))
            .into();
    }
    if error.inner().is_syntax() || error.inner().is_eof() {
        return malformed_text(&error.inner().to_string());
    }
    if let Some(name) = text.strip_prefix("duplicate field `").and_then(|rest| rest.split('`').next()) {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return malformed_text(&format!("{path} is given twice"));
    }
    let problem = match text.split_once(", expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => "has no valid value".to_owned(),
    };
    let field = if path.is_empty() { "the request" } else { path };
    malformed_text(&format!("{field} {problem}"))
}

fn malformed_text(text: &str) -> Status {
    let message = format!("the request is no JSON of the request of this method: {text}");
    with_reason(Code::InvalidArgument, reason::MESSAGE_MALFORMED, &message)
}

/// Checks the number of objects and arrays before memory is allocated for them.
fn check_bounds(json: &[u8]) -> Result<(), Status> {
    let (mut values, mut is_in_text, mut is_escaped) = (0, false, false);
    // The number of objects directly within each open array; `None` for an object.
    let mut open: Vec<Option<usize>> = Vec::new();
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_text => is_escaped = true,
            b'"' => is_in_text = !is_in_text,
            b'{' | b'[' if !is_in_text => {
                values += 1;
                let mut is_too_long = values > MAX_VALUES;
                if let (b'{', Some(Some(objects))) = (byte, open.last_mut()) {
                    *objects += 1;
                    is_too_long |= *objects > MAX_OBJECTS_PER_ARRAY;
                }
                if is_too_long {
                    let description = format!(
                        "must contain at most {MAX_VALUES} messages, and {MAX_OBJECTS_PER_ARRAY} in a list; send less per request"
                    );
                    return Err(ServiceError::invalid("request", reason::TOO_MANY, description).into());
                }
                open.push((*byte == b'[').then_some(0));
            }
            b'}' | b']' if !is_in_text => drop(open.pop()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rejected<M: Message + DeserializeOwned>(json: &str) -> String {
        request::<M>(json.as_bytes()).unwrap_err().message().to_owned()
    }

    #[test]
    fn the_table_has_all_methods_that_do_not_stream_requests() {
        let all = prost_types::FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap();
        let services =
            all.file.iter().filter(|file| file.package() == "nearby.v1").flat_map(|file| &file.service);
        let expected: BTreeSet<String> = services
            .flat_map(|service| {
                let methods = service.method.iter().filter(|method| !method.client_streaming());
                methods.map(|method| format!("/nearby.v1.{}/{}", service.name(), method.name()))
            })
            .collect();
        let actual: BTreeSet<String> = CODECS.iter().map(|codec| codec.path.to_owned()).collect();
        assert_eq!((actual, CODECS.len()), (expected.clone(), expected.len()));
    }

    #[test]
    fn errors_name_fields_and_never_values() {
        type Search = wire::SearchNearbyRequest;
        assert!(
            request::<Search>(br#"{"origin": {"latitude": 60.123456, "longitude": 24.9}, "radiusM": 5}"#)
                .is_ok()
        );
        for (json, expected) in [
            (r#"{"radius": 5}"#, "radius is not known; expected one of"),
            (r#"{"origin": {"lat": 60.123456}}"#, "origin.lat is not known; expected one of"),
            (r#"{"origin": {"60.123456": 1}}"#, "origin has a field that is not known; expected one of"),
            (r#"{"60.123456": 1}"#, "request has a field that is not known; expected one of"),
            (r#"{"origin": {"latitude": "60.123456N"}}"#, "origin.latitude"),
            (r#"{"origin": {"latitude": [60.123456]}}"#, "origin.latitude has no valid value"),
            (
                r#"{"origin": {"latitude": 60.123456, "latitude": 60.123456}}"#,
                "origin.latitude is given twice",
            ),
            (r#"{"origin": {"coordinateSystem": "60.123456"}}"#, "origin.coordinateSystem"),
            (r#"{"origin": {"latitude": 60.123456}"#, "EOF while parsing an object"),
            (r#"{"origin": {"latitude": 60.123456}} x"#, "trailing characters"),
            (r#"60.123456"#, "the request must be"),
            ("", "EOF while parsing"),
        ] {
            let message = rejected::<Search>(json);
            assert!(message.contains(expected) && !message.contains("60.123456"), "{json}: {message}");
        }
    }

    #[test]
    fn lists_are_bounded_before_they_are_decoded() {
        let batch = |searches: usize| format!("{{\"requests\": [{}]}}", vec!["{}"; searches].join(","));
        assert!(request::<wire::BatchSearchNearbyRequest>(batch(1_000).as_bytes()).is_ok());
        assert!(rejected::<wire::BatchSearchNearbyRequest>(&batch(1_001)).contains("1000 in a list"));
        let names = format!("{{\"names\": [{}]}}", vec!["\"a{[\\\"\""; 2_000].join(","));
        assert!(request::<wire::BatchGetMerchantsRequest>(names.as_bytes()).is_ok(), "texts are no lists");
        assert!(
            rejected::<wire::BatchSearchNearbyRequest>(&"[".repeat(MAX_VALUES + 1))
                .contains("250000 messages")
        );
    }
}
