//! Errors of the Connect protocol: a JSON object, with the details of the gRPC status.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use http::StatusCode;
use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};

/// The name of a code in Connect, and the HTTP status of a unary call that ends with it.
pub(super) fn name_and_http_status(code: Code) -> (&'static str, u16) {
    match code {
        Code::Ok => ("ok", 200),
        Code::Cancelled => ("canceled", 499),
        Code::Unknown => ("unknown", 500),
        Code::InvalidArgument => ("invalid_argument", 400),
        Code::DeadlineExceeded => ("deadline_exceeded", 504),
        Code::NotFound => ("not_found", 404),
        Code::AlreadyExists => ("already_exists", 409),
        Code::PermissionDenied => ("permission_denied", 403),
        Code::ResourceExhausted => ("resource_exhausted", 429),
        Code::FailedPrecondition => ("failed_precondition", 400),
        Code::Aborted => ("aborted", 409),
        Code::OutOfRange => ("out_of_range", 400),
        Code::Unimplemented => ("unimplemented", 501),
        Code::Internal => ("internal", 500),
        Code::Unavailable => ("unavailable", 503),
        Code::DataLoss => ("data_loss", 500),
        Code::Unauthenticated => ("unauthenticated", 401),
    }
}

/// The HTTP status of a unary call that ends with an error.
pub(super) fn http_status(status: &Status) -> StatusCode {
    StatusCode::from_u16(name_and_http_status(status.code()).1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The value of `Retry-After`, in seconds rounded up, if the error has a google.rpc.RetryInfo.
pub(super) fn retry_after_s(status: &Status) -> Option<u64> {
    let delay = status.get_details_retry_info()?.retry_delay?;
    Some(delay.as_secs() + u64::from(delay.subsec_nanos() > 0))
}

/// The error as JSON.
pub(in crate::http) fn to_json(status: &Status) -> Value {
    let details = pb::Status::decode(status.details()).map(|decoded| decoded.details).unwrap_or_default();
    let readable = status.get_error_details();
    let details: Vec<Value> = details
        .iter()
        .map(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            let value = STANDARD_NO_PAD.encode(&detail.value);
            json!({ "type": name, "value": value, "debug": readable_detail(name, &readable) })
        })
        .collect();
    let (code, _) = name_and_http_status(status.code());
    json!({ "code": code, "message": status.message(), "details": details })
}

/// The details of an encoded google.rpc.Status, in the canonical JSON of google.protobuf.Any.
pub(super) fn details_as_any(status: &[u8]) -> Value {
    let decoded = pb::Status::decode(status).unwrap_or_default();
    let with_details = Status::with_details(Code::from_i32(decoded.code), "", status.to_vec().into());
    let readable = with_details.get_error_details();
    let as_any = |type_url: &str| {
        let mut fields = match readable_detail(type_url.rsplit('/').next().unwrap_or_default(), &readable) {
            Value::Object(fields) => fields,
            _ => serde_json::Map::new(),
        };
        fields.insert("@type".to_owned(), type_url.into());
        Value::Object(fields)
    };
    decoded.details.iter().map(|detail| as_any(&detail.type_url)).collect()
}

/// A detail for people, in the canonical JSON of its message.
fn readable_detail(name: &str, details: &ErrorDetails) -> Value {
    let readable = match name {
        "google.rpc.ErrorInfo" => details.error_info().map(|info| {
            json!({ "reason": info.reason, "domain": info.domain, "metadata": info.metadata })
        }),
        "google.rpc.RetryInfo" => details.retry_info().map(|info| {
            json!({ "retryDelay": info.retry_delay.map(duration_json) })
        }),
        "google.rpc.BadRequest" => details.bad_request().map(|bad| {
            let violation = |one: &tonic_types::FieldViolation| {
                json!({ "field": one.field, "reason": one.reason, "description": one.description })
            };
            json!({ "fieldViolations": bad.field_violations.iter().map(violation).collect::<Vec<_>>() })
        }),
        "google.rpc.PreconditionFailure" => details.precondition_failure().map(|failure| {
            let violation = |one: &tonic_types::PreconditionViolation| {
                json!({ "type": one.r#type, "subject": one.subject, "description": one.description })
            };
            json!({ "violations": failure.violations.iter().map(violation).collect::<Vec<_>>() })
        }),
        "google.rpc.QuotaFailure" => details.quota_failure().map(|failure| {
            let violation = |one: &tonic_types::QuotaViolation| {
                json!({ "subject": one.subject, "description": one.description })
            };
            json!({ "violations": failure.violations.iter().map(violation).collect::<Vec<_>>() })
        }),
        "google.rpc.ResourceInfo" => details.resource_info().map(|info| {
            json!({ "resourceType": info.resource_type, "resourceName": info.resource_name, "description": info.description })
        }),
        _ => None,
    };
    readable.unwrap_or(Value::Null)
}

fn duration_json(delay: Duration) -> String {
    format!("{}s", delay.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_http_status_of_every_code() {
        let document = include_str!("../../../HTTP.md");
        let rows = document
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
        let documented: Vec<(&str, u16)> =
            rows.filter_map(|(code, status)| Some((code, status.parse().ok()?))).collect();
        let expected: Vec<(&str, u16)> =
            (1..=16).map(|code| name_and_http_status(Code::from_i32(code))).collect();
        assert_eq!(documented, expected);
    }
}
