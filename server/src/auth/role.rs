//! What there is to be allowed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of thing that callers do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Search and read merchants that are shown.
    Search,
    /// Search, read and change all merchants.
    Manage,
    /// Take backups, and change how the server logs.
    Operate,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Search, Self::Manage, Self::Operate];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Manage => "manage",
            Self::Operate => "operate",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Search => 1,
            Self::Manage => 2,
            Self::Operate => 4,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == word);
        role.ok_or_else(|| format!("there is no role {word:?}, only search, manage and operate"))
    }
}

/// Some roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Role::ALL.into_iter().collect()
    }

    /// Whether what needs a role is allowed: whoever may manage may search.
    #[must_use]
    pub const fn allow(self, role: Role) -> bool {
        let enough = match role {
            Role::Search => Role::Search.bit() | Role::Manage.bit(),
            Role::Manage | Role::Operate => role.bit(),
        };
        self.0 & enough != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl FromStr for Roles {
    type Err = String;

    /// Roles with commas between them.
    fn from_str(words: &str) -> Result<Self, String> {
        words.split(',').map(|word| word.trim().parse::<Role>()).collect()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> =
            Role::ALL.into_iter().filter(|role| self.0 & role.bit() != 0).map(Role::as_str).collect();
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_manages_may_search_and_nothing_else_follows() {
        let allowed = |words: &str| {
            let roles: Roles = words.parse().unwrap();
            assert_eq!(roles.to_string(), words);
            Role::ALL.map(|role| roles.allow(role))
        };
        assert_eq!(allowed("search"), [true, false, false]);
        assert_eq!(allowed("manage"), [true, true, false]);
        assert_eq!(allowed("operate"), [false, false, true]);
        assert_eq!(allowed("search,operate"), [true, false, true]);
        assert!("".parse::<Roles>().is_err() && "search,owner".parse::<Roles>().is_err());
    }
}
