//! Comments of a `.proto` file.

use std::collections::HashMap;

use prost_types::FileDescriptorProto;

/// The comments of a file by the path of what they describe, as `google.protobuf.SourceCodeInfo` has them.
pub(super) struct Comments(HashMap<Vec<i32>, String>);

impl Comments {
    pub(super) fn of(file: &FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations.filter_map(|location| {
            let text = location.leading_comments.as_deref()?;
            Some((location.path.clone(), paragraphs(text)))
        });
        Self(comments.collect())
    }

    pub(super) fn at(&self, path: &[i32]) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// Joins the lines of each paragraph, which are as long as the lines of a source file.
fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").flat_map(|paragraph| paragraph.split("\n \n"));
    let joined = paragraphs.map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    joined.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}
