//! Dependencies between the workspace's crates, the place of foreign crates, and locked versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use syn::visit::Visit;

use crate::source::{CRATES, is_cfg_test, is_test, parse, root, shown, sources};

fn manifest(member: &str) -> toml::Table {
    fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap().parse().unwrap()
}

#[test]
fn crates_depend_in_one_direction() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("proto", &[][..]),
        ("proto/client", &["nearby-proto"][..]),
        ("index", &[][..]),
        ("index/store", &["nearby-index"][..]),
        (
            "server",
            &[
                "nearby-client",
                "nearby-cluster",
                "nearby-index",
                "nearby-proto",
                "nearby-store",
                "nearby-testkit",
            ][..],
        ),
        ("server/cluster", &["nearby-index", "nearby-store", "nearby-testkit"][..]),
        ("server/testkit", &[][..]),
        (
            "server/crash",
            &["nearby-client", "nearby-index", "nearby-proto", "nearby-store", "nearby-testkit"][..],
        ),
        ("loadtest", &["nearby-client", "nearby-proto", "nearby-testkit"][..]),
        (
            "benches",
            &["nearby-client", "nearby-index", "nearby-proto", "nearby-server", "nearby-testkit"][..],
        ),
    ]);
    let workspace = manifest("");
    let members: BTreeSet<&str> = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap())
        .collect();
    assert_eq!(members, allowed.keys().copied().collect());
    assert_eq!(members, CRATES.into_iter().collect());
    for (member, allowed) in allowed {
        let manifest = manifest(member);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section) else { continue };
            let ours = dependencies.as_table().unwrap().keys().filter(|name| name.starts_with("nearby-"));
            for name in ours {
                assert!(allowed.contains(&name.as_str()), "{member} must not depend on {name}");
            }
        }
        assert!(manifest["lints"]["workspace"].as_bool().unwrap(), "{member} has the workspace's lints");
    }
}

/// A foreign crate, the sources that the rule covers, and the places in them that may name it.
struct Place {
    name: &'static str,
    covers: &'static str,
    allowed: &'static [&'static str],
}

const fn place(name: &'static str, covers: &'static str, allowed: &'static [&'static str]) -> Place {
    Place { name, covers, allowed }
}

const PLACES: [Place; 20] = [
    place("async_nats", "", &["server/cluster/src/jetstream/"]),
    place("country_boundaries", "", &["server/src/opening_hours/country.rs"]),
    place("tzf_rs", "", &["server/src/formats/hours.rs"]),
    place("rstar", "", &["benches/compare/rivals.rs", "server/src/watch_registry/balls.rs"]),
    place("kiddo", "", &["benches/compare/rivals.rs"]),
    place("pulp", "", &["index/src/search/traversal.rs"]),
    place("h3o", "", &["index/src/cell.rs"]),
    place("icu_casemap", "", &["index/src/text/fold.rs"]),
    place("icu_normalizer", "", &["index/src/text/fold.rs"]),
    place("icu_properties", "", &["index/src/text/chars.rs"]),
    place("sled", "", &["index/store/src/sled.rs"]),
    place(
        "tonic",
        "server/src/",
        &["server/src/grpc/", "server/src/http/", "server/src/app/", "server/src/cli/"],
    ),
    // `http_client` is hyper's client; bodies in `grpc` are made of hyper's `Bytes`.
    place(
        "hyper",
        "server/src/",
        &[
            "server/src/net/",
            "server/src/admin/",
            "server/src/http/",
            "server/src/http_client.rs",
            "server/src/grpc/middleware/",
        ],
    ),
    place("h2", "server/src/", &["server/src/net/"]),
    place("rustls", "server/src/", &["server/src/net/", "server/src/app/", "server/src/http_client.rs"]),
    place("axum", "server/src/", &["server/src/admin/", "server/src/http/"]),
    place("governor", "server/src/", &["server/src/auth/"]),
    place("jsonwebtoken", "server/src/", &["server/src/auth/"]),
    place("prometheus", "server/src/", &["server/src/telemetry/"]),
    place(
        "opentelemetry",
        "server/src/",
        &["server/src/telemetry/", "server/src/grpc/middleware/metrics.rs"],
    ),
];

#[test]
fn foreign_crates_have_their_place() {
    let mut unused: BTreeSet<_> = PLACES.iter().map(|place| (place.name, place.covers)).collect();
    // Each source is parsed once: parsing takes longer than all visits together.
    for path in sources().iter().filter(|path| !is_test(path)) {
        let (shown, file) = (shown(path), parse(path));
        for Place { name, covers, allowed } in PLACES.iter().filter(|place| shown.starts_with(place.covers)) {
            let mut uses = Uses { name, is_found: false };
            uses.visit_file(&file);
            if uses.is_found {
                let is_allowed = allowed.iter().any(|place| shown.starts_with(place));
                assert!(is_allowed, "{shown} names {name}; only {allowed:?} may");
                unused.remove(&(*name, *covers));
            }
        }
    }
    assert!(unused.is_empty(), "nothing names {unused:?}: remove their rules");
}

/// Foreign crates and the crates of the workspace that may depend on them, in any section of their manifests.
const DEPENDENTS: [(&str, &[&str]); 16] = [
    ("async-nats", &["server/cluster"]),
    ("axum", &["server"]),
    ("governor", &["server"]),
    ("h2", &["loadtest", "proto/client", "server"]),
    ("h3o", &["index", "server"]),
    ("hyper", &["server"]),
    ("jsonwebtoken", &["server"]),
    ("kiddo", &["benches"]),
    ("opentelemetry", &["server"]),
    ("prometheus", &["server"]),
    ("prost", &["benches", "loadtest", "proto", "proto/client", "server", "server/crash"]),
    ("pulp", &["index"]),
    ("rustls", &["loadtest", "proto/client", "server"]),
    ("sled", &["index/store"]),
    (
        "tokio",
        &[
            "benches",
            "loadtest",
            "proto/client",
            "server",
            "server/cluster",
            "server/crash",
            "server/testkit",
        ],
    ),
    ("tonic", &["proto", "proto/client", "server", "server/crash"]),
];

#[test]
fn foreign_crates_have_their_dependents() {
    for (name, expected) in DEPENDENTS {
        let depends = |member: &&str| {
            let manifest = manifest(member);
            let has =
                |section: &str| manifest.get(section).is_some_and(|section| section.get(name).is_some());
            ["dependencies", "dev-dependencies", "build-dependencies"].into_iter().any(has)
        };
        let dependents: BTreeSet<&str> = CRATES.into_iter().filter(depends).collect();
        assert_eq!(dependents, expected.iter().copied().collect(), "crates that depend on {name}");
    }
}

/// Finds paths that begin with a crate's name, outside of test modules. `self::sled` is one of our modules and begins with
/// `self`.
struct Uses<'a> {
    name: &'a str,
    is_found: bool,
}

impl Visit<'_> for Uses<'_> {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if !is_cfg_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.is_found |= names(&item.tree, self.name);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.is_found |= path.segments.len() > 1 && path.segments[0].ident == self.name;
        syn::visit::visit_path(self, path);
    }
}

/// No advisory database is available offline. The lock file must have versions without the known vulnerabilities.
#[test]
fn locked_versions_are_new_enough() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    for (name, min, reason) in [
        ("h2", [0, 4, 20], "unbounded stream resets"),
        ("hyper", [1, 12, 0], "connections that exceed their limits"),
        ("rustls", [0, 23, 18], "RUSTSEC-2024-0399"),
        ("tokio", [1, 45, 0], "RUSTSEC-2025-0023"),
        ("sled", [0, 34, 7], "the release that the store's workarounds are written for"),
    ] {
        let versions: Vec<[u32; 3]> = lock["package"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|package| package["name"].as_str() == Some(name))
            .map(|package| {
                let mut parts =
                    package["version"].as_str().unwrap().split('.').map(|part| part.parse().unwrap());
                [(); 3].map(|()| parts.next().unwrap())
            })
            .collect();
        assert!(!versions.is_empty(), "{name} is not used any more: remove it from this list");
        assert!(versions.iter().all(|version| *version >= min), "{name} {versions:?} < {min:?}: {reason}");
    }
}

/// Returns whether an import begins with a crate's name.
fn names(tree: &syn::UseTree, name: &str) -> bool {
    match tree {
        syn::UseTree::Path(path) => path.ident == name,
        syn::UseTree::Name(whole) => whole.ident == name,
        syn::UseTree::Rename(renamed) => renamed.ident == name,
        syn::UseTree::Group(group) => group.items.iter().any(|tree| names(tree, name)),
        syn::UseTree::Glob(_) => false,
    }
}
