//! The files of the workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// All files of the project whose names have an ending, except for generated, built, installed and hidden ones.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root(), ending, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_ours = !["target", "node_modules", "generated", "corpus"].contains(&name.as_str());
        if path.is_dir() && is_ours && !name.starts_with('.') {
            walk(&path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// All Rust files.
pub(crate) fn sources() -> Vec<PathBuf> {
    let found = files(".rs");
    assert!(found.len() > 300, "the walk does not find the workspace");
    found
}

/// The path from the root of the workspace.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

pub(crate) fn parse(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

pub(crate) fn is_test(path: &Path) -> bool {
    let shown = shown(path);
    shown.contains("/tests/") || shown.ends_with("tests.rs") || shown.ends_with("conformance.rs")
}

/// Returns whether an item is compiled for tests only.
pub(crate) fn is_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

/// The workspace's crates: folder and sources of the library or binary.
pub(crate) const CRATES: [&str; 10] = [
    "proto",
    "proto/client",
    "index",
    "index/store",
    "server",
    "server/cluster",
    "server/testkit",
    "server/crash",
    "loadtest",
    "benches",
];
