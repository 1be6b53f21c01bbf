//! Every Rust file belongs to a crate: `mod` leads to it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::source::{CRATES, parse, root, shown, sources};

#[test]
fn no_file_is_orphaned() {
    let mut reached = BTreeSet::new();
    for member in CRATES.into_iter().chain(["index/fuzz", "server/fuzz"]) {
        let folder = root().join(member);
        let mut roots: Vec<PathBuf> = ["src/lib.rs", "src/main.rs", "datasets/lib.rs", "compare/main.rs"]
            .map(|name| folder.join(name))
            .to_vec();
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

#[test]
fn modules_with_submodules_are_mod_rs_files() {
    let beside: Vec<String> = sources()
        .iter()
        .filter(|path| !path.ends_with("mod.rs") && path.with_extension("").is_dir())
        // Crate roots: `tests/it.rs` and the like.
        .filter(|path| !path.parent().is_some_and(|folder| folder.ends_with("tests")))
        .map(|path| shown(path))
        .collect();
    assert!(beside.is_empty(), "foo.rs beside foo/: {beside:?}");
}

/// Follows `mod name;` from a file; `is_root` if its modules lie beside it.
fn reach(path: &Path, is_root: bool, reached: &mut BTreeSet<PathBuf>) {
    reached.insert(path.to_owned());
    let is_beside = is_root || path.ends_with("mod.rs");
    let folder = if is_beside { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    for item in &parse(path).items {
        let syn::Item::Mod(module) = item else { continue };
        if module.content.is_some() {
            continue;
        }
        let name = module.ident.to_string();
        let explicit = module.attrs.iter().find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(meta) if meta.path.is_ident("path") => match &meta.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        });
        let places = match explicit {
            Some(explicit) => vec![path.parent().unwrap().join(explicit)],
            None => vec![folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")],
        };
        let place = places.iter().find(|place| place.is_file());
        let place = place.unwrap_or_else(|| panic!("{}: no file for mod {name}", shown(path)));
        let place = place.canonicalize().unwrap();
        if !reached.contains(&place) {
            reach(&place, false, reached);
        }
    }
}
