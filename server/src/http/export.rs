//! `POST /export`: merchants as a file, as `nearby export` writes it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Body as HttpBody;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Buf, Bytes};
use nearby_proto::v1 as wire;
use prost::Message;
use tonic::{Status, body::Body as GrpcBody};
use tower::ServiceExt;

use super::{Calls, connect, plain_text};
use crate::{
    error::ServiceError,
    formats::{FileFormat, Writer},
};

const WRONG_CONTENT_TYPE: &str =
    "the content type must be application/json: an ExportMerchantsRequest, such as {}\n";
const WRONG_ACCEPT: &str =
    "the accepted type must be text/csv, application/x-ndjson or application/geo+json\n";
const WRONG_METHOD: &str = "files are exported by POST\n";
const EXPORT: &str = "/nearby.v1.MerchantService/ExportMerchants";

/// Exports the merchants of a request. A response that fails after it has begun is cut off.
pub(super) async fn export(calls: Calls, request: Request<HttpBody>) -> Response<HttpBody> {
    if request.method() != Method::POST {
        let mut response = plain_text(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let Some(form) = Form::of(request.headers()) else {
        return plain_text(StatusCode::NOT_ACCEPTABLE, WRONG_ACCEPT);
    };
    let call = match connect::json_call(request, EXPORT) {
        Ok(Some(call)) => call,
        Ok(None) => return plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_CONTENT_TYPE),
        Err(status) => return connect::error_response(&status),
    };
    let Ok(response) = calls.oneshot(call).await;
    let (head, body) = response.into_parts();
    if let Some(status) = connect::error_of(&head.headers) {
        return connect::error_response(&status);
    }
    let mut export = match Export::new(body, form.format) {
        Ok(export) => export,
        Err(_) => return connect::error_response(&ServiceError::Internal("a file cannot be written").into()),
    };
    // An error before the first merchants, such as of an invalid filter, has a status of its own.
    let first = match export.next().await {
        Ok(first) => first,
        Err(status) => return connect::error_response(&status),
    };
    let rest = stream::try_unfold(export, |mut export| async {
        let written = export.next().await.map_err(|status| io::Error::other(status.message().to_owned()))?;
        Ok::<_, io::Error>(written.map(|written| (written, export)))
    });
    let first = stream::iter(first.map(Ok));
    let mut response = Response::new(HttpBody::from_stream(futures_util::StreamExt::chain(first, rest)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type));
    let name = HeaderValue::from_static(form.disposition);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

/// The form of the file.
struct Form {
    format: FileFormat,
    content_type: &'static str,
    disposition: &'static str,
}

impl Form {
    /// The first type that a request accepts; NDJSON if it accepts any.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT).map_or(Some("*/*"), |value| value.to_str().ok())?;
        accepted.split(',').find_map(|part| {
            let (format, content_type, disposition) = match part.split(';').next()?.trim() {
                "text/csv" => {
                    (FileFormat::Csv, "text/csv; charset=utf-8", "attachment; filename=\"merchants.csv\"")
                }
                "application/geo+json" => (
                    FileFormat::Geojson,
                    "application/geo+json",
                    "attachment; filename=\"merchants.geojson\"",
                ),
                "application/x-ndjson" | "*/*" | "application/*" => {
                    (FileFormat::Ndjson, "application/x-ndjson", "attachment; filename=\"merchants.ndjson\"")
                }
                _ => return None,
            };
            Some(Self { format, content_type, disposition })
        })
    }
}

/// An export in progress.
struct Export {
    body: GrpcBody,
    received: Vec<u8>,
    /// `None` once the file is complete.
    writer: Option<Writer<Buffer>>,
    written: Buffer,
}

/// Bytes of the file that have not been sent. Clones share them.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Export {
    fn new(body: GrpcBody, format: FileFormat) -> io::Result<Self> {
        let written = Buffer::default();
        Ok(Self {
            body,
            received: Vec::new(),
            writer: Some(Writer::new(written.clone(), format, true)?),
            written,
        })
    }

    /// The next bytes of the file; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let failed = |_: io::Error| Status::from(ServiceError::Internal("a file cannot be written"));
        loop {
            let Some(writer) = &mut self.writer else { return Ok(None) };
            if let Some(message) = connect::take_message(&mut self.received) {
                let message = wire::ExportMerchantsResponse::decode(message)
                    .map_err(|_| ServiceError::Internal("cannot decode a response"))?;
                for merchant in &message.merchants {
                    writer.write(merchant).map_err(failed)?;
                }
                writer.flush().map_err(failed)?;
                match self.written.take() {
                    written if written.is_empty() => continue,
                    written => return Ok(Some(written)),
                }
            }
            match self.body.frame().await.transpose()? {
                Some(frame) => match frame.into_data() {
                    Ok(mut data) => {
                        let bytes = data.copy_to_bytes(data.remaining());
                        self.received.extend_from_slice(&bytes);
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap_or_default();
                        if let Some(status) = connect::error_of(&trailers) {
                            return Err(status);
                        }
                    }
                },
                None => {
                    let Some(writer) = self.writer.take() else { return Ok(None) };
                    writer.finish().map_err(failed)?;
                    return Ok(Some(self.written.take()));
                }
            }
        }
    }
}
