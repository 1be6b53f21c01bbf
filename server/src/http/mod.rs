//! The HTTP listener: calls as JSON, files of merchants, and the page. One listener for browsers, curl and clients without gRPC.
//!
//! ```text
//! security headers ─→ host and origin ─→ CORS ─→ /nearby.v1.SERVICE/METHOD  Connect ─→ the layers of gRPC
//!                                             ├─→ /import, /export        files ─→ the layers of gRPC
//!                                             ├─→ /openapi.json
//!                                             └─→ /  the page: files in the binary
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `settings` | what the operator sets |
//! | `hosts` | which host names and origins may call |
//! | `security_headers` | headers of every response |
//! | `connect` | calls |
//! | `import`, `export` | files of merchants |
//! | `openapi` | the OpenAPI document |
//! | `files` | the files of the page |
//! | `page_config` | the settings of the operator, and datums, for the page |

mod connect;
mod export;
mod files;
mod hosts;
mod import;
mod openapi;
mod page_config;
mod security_headers;
pub mod settings;

use std::convert::Infallible;

use axum::{
    Router,
    body::Body as HttpBody,
    extract::{Request, State},
    middleware as layers,
    response::IntoResponse,
    routing::{any, get},
};
use http::{HeaderName, Method, Response, StatusCode, header};
use tonic::body::Body as GrpcBody;
use tower::util::BoxCloneSyncService;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::{hosts::Hosts, settings::HttpSettings};
use crate::net::{RequestService, request_body::RequestBody};

/// The services of gRPC, inside all of their layers.
pub(crate) type Calls = BoxCloneSyncService<http::Request<GrpcBody>, Response<GrpcBody>, Infallible>;

/// The service of the HTTP listener.
pub(crate) fn http_service(settings: &HttpSettings, calls: Calls) -> impl RequestService + use<> {
    let hosts = Hosts::new(settings);
    let headers = security_headers::SecurityHeaders::new(settings);
    // The outermost layer is the last one.
    let mut router = Router::new()
        .route("/openapi.json", get(openapi_document))
        .route("/import", any(|State(calls): State<Calls>, request: Request| import::import(calls, request)))
        .route("/export", any(|State(calls): State<Calls>, request: Request| export::export(calls, request)));
    if let Some(page) = &settings.page {
        router = page_config::routes(files::routes(router), page);
    }
    let router = router
        .fallback(|State(calls): State<Calls>, request: Request| connect::call(calls, request))
        .with_state(calls)
        .layer(cors(settings))
        .layer(layers::from_fn(move |request, next| hosts.clone().check(request, next)))
        .layer(layers::from_fn(move |request, next| headers.clone().add(request, next)));
    tower::ServiceBuilder::new()
        .map_request(|request: http::Request<RequestBody>| request.map(HttpBody::new))
        .service(router)
}

/// Allows the origins of the operator to call from pages of theirs.
fn cors(settings: &HttpSettings) -> CorsLayer {
    let names =
        |names: &[&'static str]| names.iter().map(|name| HeaderName::from_static(name)).collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(settings.origins.iter().cloned()))
        .allow_methods([Method::POST])
        .allow_headers(names(&[
            "authorization",
            "connect-protocol-version",
            "connect-timeout-ms",
            "content-type",
            "nearby-min-revision",
            "nearby-return-cost",
            "x-api-key",
            "x-user-agent",
        ]))
        .expose_headers(names(&[
            "retry-after",
            "trailer-grpc-retry-pushback-ms",
            "trailer-nearby-cost",
            "trailer-nearby-revision",
            "trailer-nearby-staleness-ms",
        ]))
}

async fn openapi_document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi::DOCUMENT.clone())
}

/// A response for people.
fn plain_text(status: StatusCode, text: &'static str) -> Response<HttpBody> {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
