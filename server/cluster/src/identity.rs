//! Names and numbers of a cluster.

use std::fmt;

use thiserror::Error;

/// Identifies a cluster: a UUID, chosen when the cluster is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub [u8; 16]);

impl ClusterId {
    /// Parses the text of [`fmt::Display`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let id = Self(u128::from_str_radix(&digits, 16).ok()?.to_be_bytes());
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if [4, 6, 8, 10].contains(&at) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Identifies one run of a node: random bytes, chosen when the process starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub [u8; 16]);

/// Identifies a commit among all commits of all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId {
    /// The run of the node that decided the commit.
    pub process: ProcessId,
    /// Number of the commit in that run.
    pub counter: u64,
}

/// Position of a message in the log. The first message has sequence 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The position before the first message.
    pub const ZERO: Self = Self(0);

    /// Returns the position that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a node: 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit. It is a token of the
/// subject on which the node announces itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

/// A text is no name of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "invalid node name: must be 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit"
)]
pub struct InvalidNodeName;

impl NodeName {
    /// Maximum length in bytes.
    pub const MAX_BYTES: usize = 63;

    /// Checks a name.
    ///
    /// # Errors
    /// If the text is no name.
    pub fn parse(text: &str) -> Result<Self, InvalidNodeName> {
        let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let is_valid = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(is_allowed)
            && !text.starts_with('-');
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidNodeName) }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_subject_tokens() {
        for name in ["a", "node-1", "9", &"x".repeat(63)] {
            assert_eq!(NodeName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "-a", "a.b", "a b", "Node", "*", ">", "é", &"x".repeat(64)] {
            assert_eq!(NodeName::parse(name), Err(InvalidNodeName), "{name}");
        }
    }

    #[test]
    fn cluster_ids_are_shown_as_uuids() {
        let id = ClusterId(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x11\x22\x33\x44\x55\x66\x77");
        assert_eq!(id.to_string(), "01234567-89ab-cdef-0011-223344556677");
        assert_eq!(ClusterId::parse("01234567-89ab-cdef-0011-223344556677"), Some(id));
        for other in ["", "0123456789abcdef0011223344556677", "01234567-89AB-cdef-0011-223344556677", "x"] {
            assert_eq!(ClusterId::parse(other), None, "{other}");
        }
    }
}
