//! The rules of the house, read from the source of the whole workspace: which way crates point, where a foreign crate
//! may be named, how long files and functions may be, and that no file lies about unused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{spanned::Spanned, visit::Visit};

const MOST_LINES_OF_A_FILE: usize = 500;
const MOST_LINES_OF_A_FUNCTION: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// All files of the project below a folder, with an ending; nothing that was built or is hidden.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_ours = !["target", "node_modules", "generated"].contains(&name.as_str());
        if path.is_dir() && is_ours && !name.starts_with('.') {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), ".rs", &mut found);
    assert!(found.len() > 40, "the walk finds the workspace");
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn is_test(path: &Path) -> bool {
    let shown = shown(path);
    shown.contains("/tests/") || shown.ends_with("tests.rs") || shown.ends_with("conformance.rs")
}

/// Whether an item is compiled for tests only.
fn is_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

#[test]
fn crates_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("proto", &[][..]),
        ("proto/client", &["nearby-proto"][..]),
        ("index", &[][..]),
        ("index/store", &["nearby-index"][..]),
        ("server", &["nearby-client", "nearby-index", "nearby-proto", "nearby-store"][..]),
        (
            "server/crash",
            &["nearby-client", "nearby-index", "nearby-proto", "nearby-server", "nearby-store"][..],
        ),
        ("loadtest", &["nearby-client", "nearby-proto"][..]),
        ("benches", &["nearby-client", "nearby-index", "nearby-proto", "nearby-server"][..]),
    ]);
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members: BTreeSet<&str> = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap())
        .collect();
    assert_eq!(members, allowed.keys().copied().collect());
    for (member, allowed) in allowed {
        let manifest: toml::Table =
            fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap().parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section) else { continue };
            let ours = dependencies.as_table().unwrap().keys().filter(|name| name.starts_with("nearby-"));
            for name in ours {
                assert!(allowed.contains(&name.as_str()), "{member} must not need {name}");
            }
        }
        assert!(manifest["lints"]["workspace"].as_bool().unwrap(), "{member} keeps the lints of the house");
    }
}

#[test]
fn foreign_crates_are_named_in_one_place() {
    for (name, place) in [
        ("rstar", "benches/compare/rivals.rs"),
        ("kiddo", "benches/compare/rivals.rs"),
        ("pulp", "index/src/search/walk.rs"),
        ("h3o", "index/src/cell.rs"),
        ("sled", "index/store/src/sled.rs"),
        ("tonic", "server/src/grpc/"),
    ] {
        let mut seen = false;
        for path in sources() {
            let shown = shown(&path);
            let in_scope = match name {
                // The server's other rooms see no wire; the command line is a caller, and the app runs the server.
                "tonic" => {
                    shown.starts_with("server/src/")
                        && !shown.starts_with("server/src/cli/")
                        && !shown.starts_with("server/src/app/")
                        && !shown.starts_with("server/src/net/")
                }
                _ => !is_test(&path),
            };
            if !in_scope {
                continue;
            }
            let mut uses = Uses { name, found: false };
            uses.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
            assert!(!uses.found || shown.starts_with(place), "{shown} names {name}, which lives in {place}");
            seen |= uses.found;
        }
        assert!(seen, "nothing names {name}: has the rule lost its object?");
    }
}

/// Looks for paths that begin with a crate's name. `self::sled` is a module of ours and begins with `self`.
struct Uses<'a> {
    name: &'a str,
    found: bool,
}

impl Visit<'_> for Uses<'_> {
    fn visit_use_path(&mut self, path: &syn::UsePath) {
        self.found |= path.ident == self.name;
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.found |= path.segments.len() > 1 && path.segments[0].ident == self.name;
        syn::visit::visit_path(self, path);
    }
}

#[test]
fn files_and_functions_are_short() {
    let mut too_long = Vec::new();
    for path in sources().into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).unwrap();
        let file = syn::parse_file(&text).unwrap();
        let tests: usize = file
            .items
            .iter()
            .filter_map(|item| match item {
                syn::Item::Mod(module) if is_cfg_test(&module.attrs) => Some(lines(module)),
                _ => None,
            })
            .sum();
        let own = text.lines().count() - tests;
        if own > MOST_LINES_OF_A_FILE {
            too_long.push(format!("{}: {own} lines", shown(&path)));
        }
        let mut functions = Functions::default();
        functions.visit_file(&file);
        for (name, lines) in functions.long {
            too_long.push(format!("{}: fn {name}: {lines} lines", shown(&path)));
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

fn lines(item: &impl Spanned) -> usize {
    item.span().end().line - item.span().start().line + 1
}

/// Functions that are too long, outside of test modules.
#[derive(Default)]
struct Functions {
    long: Vec<(String, usize)>,
}

impl Functions {
    fn look(&mut self, name: &syn::Ident, lines: usize) {
        if lines > MOST_LINES_OF_A_FUNCTION {
            self.long.push((name.to_string(), lines));
        }
    }
}

impl Visit<'_> for Functions {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if !is_cfg_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.look(&function.sig.ident, lines(function));
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.look(&function.sig.ident, lines(function));
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn no_file_lies_about_unused() {
    let mut reached = BTreeSet::new();
    for member in
        ["proto", "proto/client", "index", "index/store", "server", "server/crash", "loadtest", "benches"]
    {
        let folder = root().join(member);
        let mut roots: Vec<PathBuf> =
            ["src/lib.rs", "src/main.rs", "build.rs"].map(|name| folder.join(name)).to_vec();
        for target in ["datasets/lib.rs", "compare/main.rs", "fuzz/scan.rs", "fuzz/decoders.rs"] {
            roots.push(folder.join(target));
        }
        for targets in ["tests", "examples", "."] {
            let Ok(entries) = fs::read_dir(folder.join(targets)) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                roots.push(if path.is_dir() { path.join("main.rs") } else { path });
            }
        }
        let is_source =
            |path: &PathBuf| path.is_file() && path.extension().is_some_and(|ending| ending == "rs");
        for root in roots.into_iter().filter(is_source) {
            reach(&root.canonicalize().unwrap(), true, &mut reached);
        }
    }
    let orphans: Vec<String> =
        sources().iter().filter(|path| !reached.contains(*path)).map(|path| shown(path)).collect();
    assert!(orphans.is_empty(), "no `mod` leads to {orphans:?}");
}

/// Follows `mod name;` from a file. `is_root` where its modules lie beside it rather than in a folder of its name.
fn reach(path: &Path, is_root: bool, reached: &mut BTreeSet<PathBuf>) {
    reached.insert(path.to_owned());
    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let beside = is_root || path.ends_with("mod.rs");
    let folder = if beside { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    for item in &file.items {
        let syn::Item::Mod(module) = item else { continue };
        if module.content.is_some() {
            continue;
        }
        let name = module.ident.to_string();
        let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        let place = places.iter().find(|place| place.is_file());
        // `#[path]`: the fuzzer shares the tests' model.
        if module.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            continue;
        }
        let place = place.unwrap_or_else(|| panic!("{}: mod {name} is nowhere", shown(path)));
        reach(place, false, reached);
    }
}

/// What no advisory database can tell offline: that the lock file holds versions without the known holes.
#[test]
fn locked_versions_are_new_enough() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    for (name, least, why) in [
        ("h2", [0, 4, 20], "stream resets without limit"),
        ("hyper", [1, 12, 0], "connections that outlive their limits"),
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
        assert!(!versions.is_empty(), "{name} is not used any more: take it off this list");
        assert!(versions.iter().all(|version| *version >= least), "{name} {versions:?} < {least:?}: {why}");
    }
}
