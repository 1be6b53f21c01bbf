//! The methods, and what must be known of one before its request is read.

use crate::auth::Role;

/// A method of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    /// As HTTP/2 has it.
    pub(crate) path: &'static str,
    /// Who waits longest for it when there is too much to do.
    pub(crate) class: Class,
    /// Whether one message is answered with one.
    pub(crate) is_unary: bool,
    /// What whoever calls it must be allowed.
    pub(crate) needs: Role,
}

/// What kind of work a call is: when there is too much to do, the later ones are refused first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A change.
    Write,
    /// What a person waits for.
    Search,
    /// What a machine waits for.
    Bulk,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Search => "search",
            Self::Bulk => "bulk",
        }
    }
}

const fn unary(path: &'static str, class: Class, needs: Role) -> Method {
    Method { path, class, is_unary: true, needs }
}

const fn stream(path: &'static str, class: Class, needs: Role) -> Method {
    Method { path, class, is_unary: false, needs }
}

/// All of them, the most usual first.
pub(crate) const METHODS: [Method; 20] = {
    use Class::{Bulk, Search, Write};
    use Role::{Manage, Operate, Search as Ask};
    [
        unary("/nearby.v1.NearbyService/SearchNearby", Search, Ask),
        unary("/nearby.v1.NearbyService/BatchSearchNearby", Bulk, Ask),
        stream("/nearby.v1.NearbyService/StreamSearchNearby", Bulk, Ask),
        stream("/nearby.v1.NearbyService/WatchNearby", Search, Ask),
        unary("/nearby.v1.NearbyService/GetDensity", Bulk, Ask),
        unary("/nearby.v1.MerchantService/GetMerchant", Search, Ask),
        unary("/nearby.v1.MerchantService/UpdateMerchant", Write, Manage),
        unary("/nearby.v1.MerchantService/CreateMerchant", Write, Manage),
        unary("/nearby.v1.MerchantService/DeleteMerchant", Write, Manage),
        unary("/nearby.v1.MerchantService/ShowMerchant", Write, Manage),
        unary("/nearby.v1.MerchantService/HideMerchant", Write, Manage),
        unary("/nearby.v1.MerchantService/BatchCreateMerchants", Write, Manage),
        unary("/nearby.v1.MerchantService/BatchUpdateMerchants", Write, Manage),
        unary("/nearby.v1.MerchantService/BatchDeleteMerchants", Write, Manage),
        unary("/nearby.v1.MerchantService/BatchGetMerchants", Bulk, Ask),
        unary("/nearby.v1.MerchantService/ListMerchants", Bulk, Manage),
        stream("/nearby.v1.MerchantService/ImportMerchants", Bulk, Manage),
        stream("/nearby.v1.MerchantService/ExportMerchants", Bulk, Manage),
        stream("/nearby.v1.MerchantService/WatchMerchants", Search, Manage),
        stream("/nearby.v1.MerchantService/BackUpMerchants", Bulk, Operate),
    ]
};

/// The largest message of all.
pub(crate) const MOST_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
const MOST_BYTES_OF_QUESTION: usize = 128 * 1024;

impl Method {
    /// The method of a path; none of health, reflection and what does not exist.
    pub(crate) fn of(path: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.path == path)
    }

    /// The largest message that it takes, in bytes: of merchants, or of many searches; or what any question has room in.
    pub(crate) fn most_bytes(&self) -> usize {
        let takes_much = self.name().starts_with("Batch")
            || matches!(self.name(), "CreateMerchant" | "UpdateMerchant" | "ImportMerchants");
        if takes_much { MOST_MESSAGE_BYTES } else { MOST_BYTES_OF_QUESTION }
    }

    /// Whether it waits for its turn among what is bulk.
    pub(crate) fn takes_turn(&self) -> bool {
        self.class == Class::Bulk && self.is_unary
    }

    /// Its name without package and service.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is written down who called it: what changes merchants, and what takes all of them away.
    pub(crate) fn is_audited(&self) -> bool {
        self.class == Class::Write
            || matches!(self.name(), "ImportMerchants" | "ExportMerchants" | "BackUpMerchants")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message;

    use super::*;

    #[test]
    fn the_table_has_every_method_of_the_contract_and_no_other() {
        let all = prost_types::FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap();
        let mut expected = BTreeMap::new();
        for file in all.file.iter().filter(|file| file.package() == "nearby.v1") {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/nearby.v1.{}/{}", service.name(), method.name());
                    let is_unary = !method.client_streaming() && !method.server_streaming();
                    expected.insert(path, is_unary);
                }
            }
        }
        let table: BTreeMap<String, bool> =
            METHODS.iter().map(|method| (method.path.to_owned(), method.is_unary)).collect();
        assert_eq!(table, expected);
    }
}
