//! Decodes single fields of a stored merchant, without the others.

use std::collections::BTreeMap;

use nearby_index::{Condition, Profile, StoredMerchant};
use nearby_proto::v1 as wire;
use prost::Message;

use crate::language::{self, Language};

/// The names of a merchant, with the tags that they have in `nearby.v1.Merchant`.
#[derive(Clone, PartialEq, Message)]
struct Names {
    #[prost(string, tag = "3")]
    display_name: String,
    #[prost(btree_map = "string, string", tag = "28")]
    localized_names: BTreeMap<String, String>,
}

/// The labels of a merchant.
#[derive(Clone, PartialEq, Message)]
struct Labels {
    #[prost(btree_map = "string, string", tag = "16")]
    labels: BTreeMap<String, String>,
}

/// The review of a merchant.
#[derive(Clone, PartialEq, Message)]
struct Reviewed {
    #[prost(message, optional, tag = "27")]
    review: Option<wire::Review>,
}

/// Returns the review of a merchant, if it has one.
pub(crate) fn review(profile: &Profile) -> Option<wire::Review> {
    let [_, _, _, rest, _] = profile.parts();
    Reviewed::decode(rest).ok()?.review
}

/// Returns the name of a merchant in a language. A profile that cannot be decoded has none.
pub(crate) fn localized_name(stored: &StoredMerchant, language: &Language) -> wire::LocalizedName {
    let [_, basic, _, rest, _] = stored.merchant.profile.parts();
    let mut names = Names::default();
    drop(names.merge(basic).and_then(|()| names.merge(rest)));
    let all = names.localized_names.iter().map(|(tag, name)| (tag.as_str(), name.as_str()));
    match language::choose(all, language) {
        Some((tag, name)) => wire::LocalizedName { text: name.to_owned(), language_code: tag.to_owned() },
        None => wire::LocalizedName { text: names.display_name, language_code: String::new() },
    }
}

/// Nanoseconds for decoding the labels of a merchant, and for each byte of them.
const LABELS_NS: u64 = 40;
const LABEL_BYTE_NS: u64 = 3;

/// Returns the condition that a merchant has all these labels; `None` if there are none.
pub(crate) fn label_condition(conditions: &[wire::LabelCondition]) -> Option<Condition> {
    if conditions.is_empty() {
        return None;
    }
    let conditions = conditions.to_vec();
    Some(Condition::new(move |stored, effort| {
        let [.., internal] = stored.merchant.profile.parts();
        effort.add_nanoseconds(LABELS_NS + LABEL_BYTE_NS * internal.len() as u64);
        let labels = labels_of(&stored.merchant.profile);
        conditions.iter().all(|condition| {
            let found = labels.get(&condition.key);
            found.is_some_and(|found| condition.value.as_ref().is_none_or(|value| value == found))
        })
    }))
}

/// Returns the labels of a merchant. A profile that cannot be decoded has none.
pub(crate) fn labels_of(profile: &Profile) -> BTreeMap<String, String> {
    let [.., internal] = profile.parts();
    Labels::decode(internal).map(|decoded| decoded.labels).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn tags_are_those_of_the_contract() {
        let all = FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap();
        let mut messages = all.file.iter().flat_map(|file| &file.message_type);
        let merchant = messages.find(|message| message.name() == "Merchant").unwrap();
        for (name, tag) in [("display_name", 3), ("localized_names", 28), ("labels", 16), ("review", 27)] {
            let field = merchant.field.iter().find(|field| field.name() == name).unwrap();
            assert_eq!(field.number(), tag, "{name}");
        }
    }
}
