//! The HTTP listener: calls as JSON, hosts and origins, errors, streams.

mod connect;
mod errors;
mod files;
mod hostile;
mod malformed;
mod page;
mod requests;
mod roles;
mod streams;
mod tls;

use std::{fs, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use crate::support::*;

const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";
const CREATE: &str = "/nearby.v1.MerchantService/CreateMerchant";
const WATCH: &str = "/nearby.v1.NearbyService/WatchNearbyFrom";

/// A server with an HTTP listener.
struct HttpServer {
    server: TestServer,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

/// A response whose body is text.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of an error, and its reason.
    fn code_and_reason(&self) -> (String, String) {
        code_and_reason(&self.json())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The code of an error in JSON, and its reason.
fn code_and_reason(error: &Value) -> (String, String) {
    let details = error["details"].as_array().unwrap();
    let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&error["code"]), text(&info["debug"]["reason"]))
}

impl HttpServer {
    async fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("http");
        let file_flag = file.display().to_string();
        let listen = ["--http-listen", "127.0.0.1:0", "--http-address-file", &file_flag];
        let server = TestServer::start_on(&directory.path().join("data"), &[&listen, flags].concat()).await;
        let address = fs::read_to_string(file).unwrap().trim().parse().unwrap();
        Self { server, address, _directory: directory }
    }

    fn request(&self, path: &str) -> http::request::Builder {
        Request::post(format!("http://{}{path}", self.address))
    }

    /// Sends a request and reads its response.
    async fn send(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
        let response = self.open(request, body).await;
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(TIMEOUT, body.collect()).await.unwrap().unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Sends a request.
    async fn open(
        &self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Response<hyper::body::Incoming> {
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = request.body(Full::new(body.into())).unwrap();
        tokio::time::timeout(TIMEOUT, client.request(request)).await.unwrap().unwrap()
    }

    /// Calls a method.
    async fn call(&self, path: &str, message: &Value) -> Answer {
        self.call_with(path, message, &[]).await
    }

    /// Calls a method with headers.
    async fn call_with(&self, path: &str, message: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request, message.to_string()).await
    }

    /// Creates a merchant at a position.
    async fn create(&self, id: &str, latitude: f64, longitude: f64) {
        let created = self.call(CREATE, &json!({ "merchant": merchant_json(id, latitude, longitude) })).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    }
}

/// Sends a request and returns the body of its response, whatever it is.
pub(crate) async fn send(request: http::request::Builder, body: Vec<u8>) -> String {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    let body =
        tokio::time::timeout(TIMEOUT, response.into_body().collect()).await.unwrap().unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

fn position_json(latitude: f64, longitude: f64) -> Value {
    json!({ "latitude": latitude, "longitude": longitude, "coordinateSystem": "COORDINATE_SYSTEM_WGS84" })
}

fn merchant_json(id: &str, latitude: f64, longitude: f64) -> Value {
    json!({ "name": format!("merchants/{id}"), "displayName": id, "position": position_json(latitude, longitude) })
}

fn search_json() -> Value {
    json!({ "origin": position_json(60.0, 25.0) })
}

/// A message with the prefix of a stream.
fn enveloped(message: &Value) -> Vec<u8> {
    let text = message.to_string();
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0][..], &length, text.as_bytes()].concat()
}
