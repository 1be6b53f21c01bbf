//! The fields of request messages that contain messages, from the descriptors of the contract.

use std::collections::HashMap;

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

/// The messages of the contract.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Positions in `messages` by full name, such as `.nearby.v1.Merchant`.
    by_name: HashMap<String, usize>,
    messages: Vec<MessageFields>,
    /// The request type of each method, by path.
    requests: HashMap<String, usize>,
}

/// The fields of one message.
#[derive(Debug, Default)]
struct MessageFields {
    numbers: HashMap<String, u32>,
    /// The type of each field that contains messages, by number.
    messages: Vec<(u32, usize)>,
}

impl Schema {
    /// Reads descriptors. A test excludes that they cannot be read, for which the schema would be empty.
    pub(super) fn parse(descriptors: &[u8]) -> Self {
        let files = FileDescriptorSet::decode(descriptors).unwrap_or_default().file;
        let mut schema = Self::default();
        for file in &files {
            schema.add_names(&format!(".{}", file.package()), &file.message_type);
        }
        for file in &files {
            schema.add_fields(&format!(".{}", file.package()), &file.message_type);
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    if let Some(request) = schema.by_name.get(method.input_type()) {
                        schema.requests.insert(path, *request);
                    }
                }
            }
        }
        schema
    }

    fn add_names(&mut self, scope: &str, messages: &[DescriptorProto]) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.add_names(&name, &message.nested_type);
            self.by_name.insert(name, self.messages.len());
            self.messages.push(MessageFields::default());
        }
    }

    fn add_fields(&mut self, scope: &str, messages: &[DescriptorProto]) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.add_fields(&name, &message.nested_type);
            let mut fields = MessageFields::default();
            for field in &message.field {
                let number = u32::try_from(field.number()).unwrap_or_default();
                fields.numbers.insert(field.name().to_owned(), number);
                if field.r#type() == Type::Message
                    && let Some(of) = self.by_name.get(field.type_name())
                {
                    fields.messages.push((number, *of));
                }
            }
            if let Some(of) = self.by_name.get(&name).and_then(|at| self.messages.get_mut(*at)) {
                *of = fields;
            }
        }
    }

    /// The request type of a method.
    pub(super) fn request_of(&self, path: &str) -> Option<usize> {
        self.requests.get(path).copied()
    }

    /// The number of a field.
    pub(super) fn field(&self, message: usize, name: &str) -> Option<u32> {
        self.messages.get(message)?.numbers.get(name).copied()
    }

    /// The type of the messages that a field contains, if it contains any.
    pub(super) fn message_of(&self, message: usize, field: u32) -> Option<usize> {
        let fields = &self.messages.get(message)?.messages;
        fields.iter().find(|(number, _)| *number == field).map(|(_, of)| *of)
    }
}
