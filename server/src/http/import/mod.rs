//! `POST /import`: merchants from a file, as `nearby import` reads it.
//!
//! The rows go through ImportMerchants in calls of up to 10,000, with the credentials of the request. The file is read once the first of
//! these calls has been admitted: a client without the role sends none of it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body as HttpBody;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Bytes;
use nearby_proto::v1 as wire;
use prost::Message;
use serde_json::{Value, json};
use tonic::Status;
use tower::ServiceExt;

use self::{
    options::ImportOptions,
    upload::{Chunk, Entry, Upload},
};
use super::{Calls, connect, plain_text};
use crate::{error::ServiceError, grpc::middleware::request_setup::request_setup};

mod options;
mod upload;

const WRONG_CONTENT_TYPE: &str = "the content type must be text/csv, application/x-ndjson or application/geo+json, which names the format of the file\n";
const WRONG_METHOD: &str = "files are imported by POST\n";

/// Imports the file that is the body of a request. The response has a line of JSON for each row, and one with their counts.
pub(super) async fn import(calls: Calls, request: Request<HttpBody>) -> Response<HttpBody> {
    if request.method() != Method::POST {
        let mut response = plain_text(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let Some(format) = options::format_of(request.headers()) else {
        return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_CONTENT_TYPE);
    };
    let options = match ImportOptions::of_query(format, request.uri().query().unwrap_or_default()) {
        Ok(options) => options,
        Err(error) => return connect::error_response(&error.into()),
    };
    let (head, body) = request.into_parts();
    let import = Import {
        calls,
        headers: head.headers,
        extensions: head.extensions,
        upload: Arc::new(Upload::new(body, options)),
    };
    let (mut import, mut counts) = (import, Counts::default());
    let lines = match import.next_call(&mut counts).await {
        Ok(lines) => lines,
        Err(status) => return connect::error_response(&status),
    };
    let rest = stream::unfold(Some((import, counts)), |state| async {
        let (mut import, mut counts) = state?;
        if import.upload.is_read() {
            let last = format!("{}\n", counts.to_json(&import.upload.ignored_names()));
            return Some((last, None));
        }
        Some(match import.next_call(&mut counts).await {
            Ok(lines) => (lines, Some((import, counts))),
            Err(status) => (format!("{}\n", json!({ "error": connect::error_json(&status) })), None),
        })
    });
    let lines = stream::once(async { lines })
        .chain(rest)
        .map(|lines| Ok::<_, std::convert::Infallible>(Bytes::from(lines)));
    let mut response = Response::new(HttpBody::from_stream(lines));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An import in progress.
struct Import {
    calls: Calls,
    headers: HeaderMap,
    extensions: http::Extensions,
    upload: Arc<Upload>,
}

impl Import {
    /// Sends the next rows in one call. Returns a line for each.
    async fn next_call(&mut self, counts: &mut Counts) -> Result<String, Status> {
        let sent: Arc<Mutex<Option<Chunk>>> = Arc::default();
        let body = {
            let (upload, sent) = (Arc::clone(&self.upload), Arc::clone(&sent));
            let frames = stream::once(async move {
                let mut chunk = upload.next().await?;
                let frames: Vec<Bytes> = std::mem::take(&mut chunk.messages);
                *sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(chunk);
                Ok::<_, Status>(frames)
            });
            frames.flat_map(|frames| match frames {
                Ok(frames) => stream::iter(frames).map(|bytes| Ok::<_, BoxError>(Frame::data(bytes))).boxed(),
                Err(status) => stream::once(async { Err(BoxError::from(status)) }).boxed(),
            })
        };
        let mut request =
            Request::post("/nearby.v1.MerchantService/ImportMerchants").body(StreamBody::new(body.boxed()));
        if let Ok(request) = &mut request {
            *request.headers_mut() = connect::headers_of_call(self.headers.clone());
            *request.extensions_mut() = self.extensions.clone();
        }
        let request = request.map_err(|_| ServiceError::Internal("cannot make a request"))?;
        let Ok(response) = self.calls.clone().oneshot(request_setup(request)).await;
        let response = connect::message_of(response).await?;
        let response = wire::ImportMerchantsResponse::decode(response)
            .map_err(|_| ServiceError::Internal("cannot decode a response"))?;
        let chunk = sent.lock().unwrap_or_else(PoisonError::into_inner).take();
        let chunk = chunk.ok_or(ServiceError::Internal("an import has sent no rows"))?;
        counts.revision = counts.revision.max(response.revision);
        let mut outcomes = response.outcomes.into_iter();
        let mut lines = String::new();
        for entry in chunk.entries {
            let line = match entry {
                Entry::Rejected { line, .. } => {
                    counts.count(wire::ImportState::Rejected);
                    line
                }
                Entry::Sent { row, name } => {
                    let outcome = outcomes.next().unwrap_or_default();
                    counts.count(outcome.state());
                    outcome_line(row, &name, &outcome)
                }
            };
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        match chunk.error {
            Some(error) => Ok(format!("{lines}{}\n", json!({ "error": connect::error_json(&error) }))),
            None => Ok(lines),
        }
    }
}

/// Counts of the rows of a file.
#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: u64,
    revision: u64,
}

impl Counts {
    fn count(&mut self, state: wire::ImportState) {
        match state {
            wire::ImportState::Created => self.created += 1,
            wire::ImportState::Updated => self.updated += 1,
            wire::ImportState::Unchanged => self.unchanged += 1,
            wire::ImportState::Rejected | wire::ImportState::Unspecified => self.rejected += 1,
        }
    }

    fn to_json(&self, ignored: &[String]) -> Value {
        let Self { created, updated, unchanged, rejected, revision } = self;
        json!({ "summary": {
            "rows": created + updated + unchanged + rejected,
            "created": created,
            "updated": updated,
            "unchanged": unchanged,
            "rejected": rejected,
            "revision": revision.to_string(),
            "ignored": ignored,
        } })
    }
}

fn outcome_line(row: u64, name: &str, outcome: &wire::ImportOutcome) -> Value {
    let violation = |one: &wire::ImportViolation| json!({ "field": one.field, "reason": one.reason, "description": one.description });
    let violations: Vec<Value> = outcome.violations.iter().map(violation).collect();
    let state = outcome.state().as_str_name().trim_start_matches("IMPORT_STATE_").to_ascii_lowercase();
    json!({ "row": row, "name": name, "state": state, "violations": violations })
}
