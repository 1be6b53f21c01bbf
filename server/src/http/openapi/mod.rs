//! The OpenAPI document of the HTTP listener, made from the descriptors of the contract and their comments.
//!
//! | module | contents |
//! |---|---|
//! | `files` | the operations for files of merchants |
//! | `schemas` | schemas of messages and enums |
//! | `comments` | comments of the contract by the path of what they describe |

mod comments;
mod files;
mod schemas;

use std::sync::LazyLock;

use hyper::body::Bytes;
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use serde_json::{Map, Value, json};

use self::comments::Comments;

/// The document.
pub(super) static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// Schema of an error.
const ERROR: &str = "connect.Error";

fn document() -> Value {
    let files = FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap_or_default().file;
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for file in files.iter().filter(|file| file.package() == "nearby.v1") {
        let comments = Comments::of(file);
        schemas::add(file, &comments, &mut schemas);
        for (at_service, service) in (0..).zip(&file.service) {
            for (at, method) in (0..).zip(&service.method).filter(|(_, method)| !method.client_streaming()) {
                let path = format!("/nearby.v1.{}/{}", service.name(), method.name());
                let comment = comments.at(&[6, at_service, 2, at]);
                paths.insert(path, json!({ "post": operation(service.name(), method, comment) }));
            }
        }
    }
    schemas.insert(ERROR.to_owned(), error_schema());
    paths.insert("/import".to_owned(), files::import());
    paths.insert("/export".to_owned(), files::export());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Nearby",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Merchants near a point, nearest first",
            "description": "The methods of the gRPC contract nearby.v1 as JSON over HTTP, with the Connect protocol. Field names are in \
                            lowerCamelCase; 64-bit integers are strings; unknown fields are rejected. A method that streams responses \
                            sends messages with a prefix of five bytes each: flags, and the length in big-endian order; the last one has \
                            the flag 2 and holds the error, if there is one.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "." }],
        "security": [{}, { "bearer": [] }, { "apiKey": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key or a JSON Web Token" },
                "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key" },
            },
        },
    })
}

fn operation(service: &str, method: &MethodDescriptorProto, comment: Option<&str>) -> Value {
    let media_type = if method.server_streaming() { "application/connect+json" } else { "application/json" };
    let content = |name: &str| json!({ media_type: { "schema": schemas::reference(name) } });
    let timeout = json!({
        "name": "connect-timeout-ms", "in": "header", "required": false,
        "description": "Time that the call may take, in milliseconds",
        "schema": { "type": "integer", "minimum": 0, "maximum": 9_999_999_999_u64 },
    });
    let comment = comment.unwrap_or_default();
    json!({
        "operationId": format!("{service}.{}", method.name()),
        "tags": [service],
        "summary": comment.split_inclusive(". ").next().unwrap_or_default().trim(),
        "description": comment,
        "parameters": [timeout],
        "requestBody": { "required": true, "content": content(method.input_type()) },
        "responses": {
            "200": { "description": "The response", "content": content(method.output_type()) },
            "default": error_response(),
        },
    })
}

fn error_response() -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{ERROR}") });
    json!({
        "description": "An error; its HTTP status follows from its code",
        "content": { "application/json": { "schema": schema } },
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error of the Connect protocol. The reason in the detail google.rpc.ErrorInfo is one of those of proto/ERRORS.md.",
        "required": ["code"],
        "properties": {
            "code": { "type": "string", "description": "The code, such as invalid_argument" },
            "message": { "type": "string", "description": "Description for people, which is not stable" },
            "details": {
                "type": "array",
                "description": "Messages of google.rpc that describe the error",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": { "type": "string", "description": "Name of the message, such as google.rpc.ErrorInfo" },
                        "value": { "type": "string", "contentEncoding": "base64", "description": "The encoded message, without padding" },
                        "debug": { "description": "The message as JSON" },
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_describes_every_method_field_and_enum() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        assert_eq!(document["paths"].as_object().unwrap().len(), 26);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(schemas[name].is_object(), "{name}");
        }
        for (name, schema) in schemas.as_object().unwrap() {
            assert!(!schema["description"].as_str().unwrap_or_default().is_empty(), "{name}");
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                assert!(!schema["description"].as_str().unwrap_or_default().is_empty(), "{name}.{field}");
            }
        }
        let merchant = &schemas["nearby.v1.Merchant"]["properties"];
        assert_eq!(merchant["labels"]["additionalProperties"]["type"], "string");
        assert_eq!(merchant["createTime"]["format"], "date-time");
        assert_eq!(schemas["nearby.v1.SearchNearbyResponse"]["properties"]["revision"]["format"], "uint64");
        assert_eq!(schemas["nearby.v1.CoordinateSystem"]["enum"][1], "COORDINATE_SYSTEM_WGS84");
        let search = &document["paths"]["/nearby.v1.NearbyService/SearchNearby"]["post"];
        assert!(search["summary"].as_str().unwrap().ends_with('.'), "{}", search["summary"]);
    }
}
