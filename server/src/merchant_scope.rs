//! The merchants that an API key is limited to.

use std::{collections::BTreeSet, fmt};

use nearby_index::MerchantId;
use serde::{Deserialize, Serialize};

/// Maximum number of ids. A label has no such limit.
const MAX_IDS: usize = 1_000;
/// Maximum lengths of a label and of its value, as the contract has them.
const MAX_LABEL_BYTES: usize = 63;
const MAX_VALUE_BYTES: usize = 256;

/// The merchants that an API key is limited to: those with one of some ids, or with a label.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum MerchantScope {
    /// 1 to 1,000 ids.
    Ids(BTreeSet<MerchantId>),
    /// A label and its value.
    Label {
        /// The label, 1 to 63 bytes.
        label: String,
        /// Its value, at most 256 bytes.
        value: String,
    },
}

impl MerchantScope {
    /// The merchants with these ids.
    ///
    /// # Errors
    /// If there are none or more than 1,000, or one is no id.
    pub fn of_ids<'i>(ids: impl IntoIterator<Item = &'i str>) -> Result<Self, String> {
        let parsed =
            |id: &'i str| MerchantId::parse(id).map_err(|error| format!("merchant id {id:?} {error}"));
        let ids = ids.into_iter().map(parsed).collect::<Result<BTreeSet<_>, _>>()?;
        match ids.len() {
            1..=MAX_IDS => Ok(Self::Ids(ids)),
            _ => Err(format!("must be 1 to {MAX_IDS} ids of merchants; limit the key by a label instead")),
        }
    }

    /// The merchants with a label.
    ///
    /// # Errors
    /// If no merchant can have it.
    pub fn of_label(label: &str, value: &str) -> Result<Self, String> {
        let is_label = !label.trim().is_empty() && label.len() <= MAX_LABEL_BYTES;
        if !is_label
            || value.len() > MAX_VALUE_BYTES
            || label.chars().chain(value.chars()).any(char::is_control)
        {
            return Err(format!(
                "must be a label of 1 to {MAX_LABEL_BYTES} bytes with a value of at most {MAX_VALUE_BYTES}, without control characters"
            ));
        }
        Ok(Self::Label { label: label.to_owned(), value: value.to_owned() })
    }

    /// Returns whether a merchant with an id can be created within the scope.
    #[must_use]
    pub fn may_create(&self, id: &MerchantId) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(id),
            Self::Label { .. } => true,
        }
    }
}

impl fmt::Display for MerchantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) => {
                let ids: Vec<&str> = ids.iter().map(MerchantId::as_str).collect();
                f.write_str(&ids.join(","))
            }
            Self::Label { label, value } => write!(f, "{label}={value}"),
        }
    }
}

/// A scope as the API key file has it.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "must be a list of merchant ids, or a table with label and value")]
enum Written {
    Ids(Vec<String>),
    Label { label: String, value: String },
}

impl TryFrom<Written> for MerchantScope {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Ids(ids) => Self::of_ids(ids.iter().map(String::as_str)),
            Written::Label { label, value } => Self::of_label(&label, &value),
        }
    }
}

impl From<MerchantScope> for Written {
    fn from(scope: MerchantScope) -> Self {
        match scope {
            MerchantScope::Ids(ids) => Self::Ids(ids.iter().map(|id| id.as_str().to_owned()).collect()),
            MerchantScope::Label { label, value } => Self::Label { label, value },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct File {
        merchants: MerchantScope,
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for scope in
            [MerchantScope::of_ids(["b", "a,c"]).unwrap(), MerchantScope::of_label("owner", "7").unwrap()]
        {
            let file = File { merchants: scope };
            let text = toml::to_string(&file).unwrap();
            assert_eq!(toml::from_str::<File>(&text).unwrap(), file, "{text}");
        }
        let label: File = toml::from_str("merchants = { label = \"owner\", value = \"7\" }").unwrap();
        assert_eq!(label.merchants.to_string(), "owner=7");
    }

    #[test]
    fn scopes_that_no_merchant_can_be_in_are_rejected() {
        let many: Vec<String> = (0..=MAX_IDS).map(|number| format!("\"{number}\"")).collect();
        for (text, expected) in [
            ("[]", "1 to 1000 ids"),
            (&*format!("[{}]", many.join(",")), "limit the key by a label"),
            ("[\"a/b\"]", "merchant id \"a/b\""),
            ("{ label = \" \", value = \"7\" }", "must be a label"),
            ("{ label = \"owner\" }", "a list of merchant ids, or a table"),
            ("7", "a list of merchant ids, or a table"),
        ] {
            let error = toml::from_str::<File>(&format!("merchants = {text}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
