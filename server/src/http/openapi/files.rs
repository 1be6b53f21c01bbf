//! Operations for files of merchants, which the contract does not have.

use serde_json::{Value, json};

use super::{error_response, schemas};

/// `POST /import`.
pub(super) fn import() -> Value {
    let file = json!({ "schema": { "type": "string" } });
    let parameter = |name: &str, schema: Value, description: &str| json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": description });
    let flag = || json!({ "type": "boolean", "default": false });
    let text = || json!({ "type": "string" });
    let datums = json!({ "type": "string", "enum": ["wgs84", "gcj02", "bd09"] });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "post": {
        "operationId": "import",
        "tags": ["files"],
        "summary": "Imports a file of merchants.",
        "description": "The file is the body: at most 64 MiB, not compressed, in a format that the content type names and `nearby import \
                        --help` describes. The response has a line of JSON for each row, in order, and a last one with their counts, or \
                        with the error that ended the import; rows before it are stored. Requires the role `manage`.",
        "parameters": [
            parameter("datum", datums, "Datum of positions that name none"),
            parameter("encoding", text(), "Encoding of the file, such as gbk; UTF-8 by default"),
            parameter("map", texts, "Fields that come from other columns, as FIELD=COLUMN"),
            parameter("timeZone", text(), "Time zone of opening hours that name none"),
            parameter("source", text(), "Source of all rows, 1 to 64 bytes"),
            parameter("allowNullIsland", flag(), "Accepts merchants at exactly 0,0"),
            parameter("replaceFields", flag(), "Replaces merchants as a whole"),
            parameter("dryRun", flag(), "Checks the rows and stores none"),
        ],
        "requestBody": {
            "required": true,
            "content": { "text/csv": file, "application/x-ndjson": file, "application/geo+json": file },
        },
        "responses": {
            "200": { "description": "The outcome of each row", "content": { "application/x-ndjson": file } },
            "default": error_response(),
        },
    } })
}

/// `POST /export`.
pub(super) fn export() -> Value {
    let file = json!({ "schema": { "type": "string" } });
    json!({ "post": {
        "operationId": "export",
        "tags": ["files"],
        "summary": "Exports merchants as a file.",
        "description": "The header `accept` names the format. A response that fails after its start is cut off. Requires the role `manage`.",
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas::reference(".nearby.v1.ExportMerchantsRequest") } },
        },
        "responses": {
            "200": {
                "description": "The file",
                "content": { "application/x-ndjson": file, "text/csv": file, "application/geo+json": file },
            },
            "default": error_response(),
        },
    } })
}
