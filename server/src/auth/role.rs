//! Roles: the unit of authorization.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A set of methods that a principal may call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Search and read visible merchants.
    Search,
    /// Search, read and change all merchants.
    Manage,
    /// Search and read all merchants, and approve or reject them.
    Review,
    /// Take backups and change the server's log filter.
    Operate,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Search, Self::Manage, Self::Review, Self::Operate];

    /// Returns the name of the role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Manage => "manage",
            Self::Review => "review",
            Self::Operate => "operate",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Search => 1,
            Self::Manage => 2,
            Self::Operate => 4,
            Self::Review => 8,
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

    fn from_str(name: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == name);
        role.ok_or_else(|| format!("unknown role {name:?}; use search, manage, review or operate"))
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// The set of all roles.
    #[must_use]
    pub fn all() -> Self {
        Role::ALL.into_iter().collect()
    }

    /// Returns whether the set grants a role. `manage` and `review` include `search`; roles are otherwise independent.
    #[must_use]
    pub const fn allow(self, role: Role) -> bool {
        let sufficient = match role {
            Role::Search => Role::Search.bit() | Role::Manage.bit() | Role::Review.bit(),
            Role::Manage | Role::Review | Role::Operate => role.bit(),
        };
        self.0 & sufficient != 0
    }

    /// Returns whether the set is empty.
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

    /// Parses names separated by commas.
    fn from_str(names: &str) -> Result<Self, String> {
        names.split(',').map(|name| name.trim().parse::<Role>()).collect()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Role::ALL.into_iter().filter(|role| self.0 & role.bit() != 0).map(Role::as_str).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manage_and_review_include_search_and_roles_are_otherwise_independent() {
        let allowed = |names: &str| {
            let roles: Roles = names.parse().unwrap();
            assert_eq!(roles.to_string(), names);
            Role::ALL.map(|role| roles.allow(role))
        };
        assert_eq!(allowed("search"), [true, false, false, false]);
        assert_eq!(allowed("manage"), [true, true, false, false]);
        assert_eq!(allowed("review"), [true, false, true, false]);
        assert_eq!(allowed("operate"), [false, false, false, true]);
        assert_eq!(allowed("search,operate"), [true, false, false, true]);
        assert!("".parse::<Roles>().is_err() && "search,owner".parse::<Roles>().is_err());
    }
}
