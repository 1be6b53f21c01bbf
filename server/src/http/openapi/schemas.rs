//! JSON schemas of the messages and enums of the contract, in protobuf's canonical JSON.

use std::collections::HashMap;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// Adds the messages and enums of a file.
pub(super) fn add(file: &FileDescriptorProto, comments: &Comments, schemas: &mut Map<String, Value>) {
    let scope = file.package();
    add_messages((scope, &file.message_type), comments, &[4], schemas);
    add_enums((scope, &file.enum_type), comments, &[5], schemas);
}

/// A reference to the schema of a message or enum with a full name such as `.nearby.v1.Merchant`.
pub(super) fn reference(name: &str) -> Value {
    match name {
        ".google.protobuf.Empty" => json!({ "type": "object", "additionalProperties": false }),
        ".google.protobuf.Any" => {
            json!({ "type": "object", "properties": { "@type": { "type": "string" } } })
        }
        ".google.protobuf.FieldMask" => json!({ "type": "string", "examples": ["phone,openingHours"] }),
        ".google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
        ".google.protobuf.Duration" => json!({ "type": "string", "examples": ["1.5s"] }),
        _ => json!({ "$ref": format!("#/components/schemas/{}", name.trim_start_matches('.')) }),
    }
}

fn add_messages(
    (scope, messages): (&str, &[DescriptorProto]),
    comments: &Comments,
    path: &[i32],
    schemas: &mut Map<String, Value>,
) {
    for (at, message) in (0..).zip(messages) {
        let is_map_entry = message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
        if is_map_entry {
            continue;
        }
        let (path, name) = ([path, &[at]].concat(), format!("{scope}.{}", message.name()));
        add_messages((&name, &message.nested_type), comments, &[&path[..], &[3]].concat(), schemas);
        add_enums((&name, &message.enum_type), comments, &[&path[..], &[4]].concat(), schemas);
        let entries: HashMap<String, &DescriptorProto> =
            message.nested_type.iter().map(|nested| (format!(".{name}.{}", nested.name()), nested)).collect();
        let field = |(at, field): (i32, &FieldDescriptorProto)| {
            let comment = comments.at(&[&path[..], &[2, at]].concat());
            let mut schema = field_schema(field, &entries);
            if let (Value::Object(fields), Some(comment)) = (&mut schema, comment) {
                fields.insert("description".to_owned(), comment.into());
            }
            (field.json_name().to_owned(), schema)
        };
        let properties: Map<String, Value> = (0..).zip(&message.field).map(field).collect();
        let schema = json!({
            "type": "object",
            "description": comments.at(&path).unwrap_or_default(),
            "properties": properties,
            "additionalProperties": false,
        });
        schemas.insert(name, schema);
    }
}

fn add_enums(
    (scope, enums): (&str, &[EnumDescriptorProto]),
    comments: &Comments,
    path: &[i32],
    schemas: &mut Map<String, Value>,
) {
    for (at, one) in (0..).zip(enums) {
        let path = [path, &[at]].concat();
        let values: Vec<&str> = one.value.iter().map(prost_types::EnumValueDescriptorProto::name).collect();
        let lines = (0..).zip(&values).filter_map(|(at, value)| {
            Some(format!("- `{value}`: {}", comments.at(&[&path[..], &[2, at]].concat())?))
        });
        let description =
            [comments.at(&path).unwrap_or_default().to_owned(), lines.collect::<Vec<_>>().join("\n")];
        let schema = json!({ "type": "string", "enum": values, "description": description.join("\n\n") });
        schemas.insert(format!("{scope}.{}", one.name()), schema);
    }
}

fn field_schema(field: &FieldDescriptorProto, entries: &HashMap<String, &DescriptorProto>) -> Value {
    let entry = entries
        .get(field.type_name())
        .filter(|entry| entry.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry));
    if let Some(value) = entry.and_then(|entry| entry.field.get(1)) {
        return json!({ "type": "object", "additionalProperties": field_schema(value, entries) });
    }
    let value = value_schema(field);
    if field.label() == Label::Repeated { json!({ "type": "array", "items": value }) } else { value }
}

fn value_schema(field: &FieldDescriptorProto) -> Value {
    match field.r#type() {
        Type::Double | Type::Float => json!({ "type": "number" }),
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
        Type::Uint32 | Type::Fixed32 => json!({ "type": "integer", "format": "uint32", "minimum": 0 }),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => {
            json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" })
        }
        Type::Uint64 | Type::Fixed64 => {
            json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]+$" })
        }
        Type::Bool => json!({ "type": "boolean" }),
        Type::String => json!({ "type": "string" }),
        Type::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Type::Message | Type::Group | Type::Enum => reference(field.type_name()),
    }
}
