//! Imports between the files of each crate: no circles, and in the server only those that its table of modules allows.
//!
//! An import is a `use` or a path in code that leads to another module of the crate. Re-exports are followed to the file that
//! defines the name. Test modules are left out, and so is the relation of a module to its own submodules.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use syn::visit::Visit;

use crate::source::{CRATES, is_cfg_test, parse, root};

type ModulePath = Vec<String>;

/// One module of a crate: a file.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// Names that `use` brings into scope, and the absolute path of each.
    imports: BTreeMap<String, ModulePath>,
    /// Modules whose names are all imported.
    globs: Vec<ModulePath>,
    /// All absolute paths that the code names.
    paths: BTreeSet<ModulePath>,
}

/// The modules of one crate, by path; the crate's root has the empty path.
struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

impl Crate {
    fn read(root_file: &Path) -> Self {
        let mut modules = BTreeMap::new();
        add_module(root_file, &Vec::new(), true, &mut modules);
        Self { modules }
    }

    /// The module that defines what a path names: its longest prefix that is a module, behind any re-exports.
    fn definer(&self, path: &ModulePath, depth: usize) -> Option<ModulePath> {
        let at = (0..=path.len()).rev().find(|at| self.modules.contains_key(&path[..*at]))?;
        let (module, rest) = path.split_at(at);
        let Some(name) = rest.first().filter(|_| depth < 10) else { return Some(module.to_vec()) };
        let found = &self.modules[module];
        if let Some(target) = found.imports.get(name) {
            let mut target = target.clone();
            target.extend_from_slice(&rest[1..]);
            if target != *path {
                return self.definer(&target, depth + 1);
            }
        }
        Some(module.to_vec())
    }

    /// The files that each module imports from, except for itself, its ancestors and its submodules.
    fn edges(&self) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
        let mut edges: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let named = module.imports.values().chain(&module.globs).chain(&module.paths);
            let targets = named.filter_map(|named| self.definer(named, 0));
            let is_apart = |target: &ModulePath| !target.starts_with(path) && !path.starts_with(target);
            edges.insert(path.clone(), targets.filter(is_apart).collect());
        }
        edges
    }
}

fn add_module(file: &Path, path: &ModulePath, is_root: bool, modules: &mut BTreeMap<ModulePath, Module>) {
    let parsed = parse(file);
    let is_beside = is_root || file.ends_with("mod.rs");
    let folder = if is_beside { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    let mut children = Vec::new();
    let mut reader =
        Reader { path: path.clone(), module: Module { file: file.to_owned(), ..Module::default() } };
    for item in &parsed.items {
        match item {
            syn::Item::Mod(module) if is_cfg_test(&module.attrs) => {}
            syn::Item::Mod(module) if module.content.is_none() => children.push(module.ident.to_string()),
            item => reader.visit_item(item),
        }
    }
    modules.insert(path.clone(), reader.module);
    for name in children {
        let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        // `#[path]` modules are left out: the fuzzers share one with the tests.
        if let Some(place) = places.iter().find(|place| place.is_file()) {
            let mut child = path.clone();
            child.push(name);
            add_module(place, &child, false, modules);
        }
    }
}

/// Reads the paths that a file names.
struct Reader {
    path: ModulePath,
    module: Module,
}

impl Reader {
    /// The absolute path of segments that begin with `crate`, `self` or `super`, or with an imported name.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let (first, rest) = segments.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.path.clone(),
            "super" => self.path[..self.path.len().checked_sub(1)?].to_vec(),
            name => self.module.imports.get(name)?.clone(),
        };
        for segment in rest {
            if segment == "super" {
                base.pop()?;
            } else {
                base.push(segment.clone());
            }
        }
        Some(base)
    }

    fn add_use(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_use(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(prefix, tree)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.import(prefix.last().cloned().unwrap_or_default(), prefix);
            }
            syn::UseTree::Name(name) => self.import(name.ident.to_string(), &with(&name.ident)),
            syn::UseTree::Rename(rename) => self.import(rename.rename.to_string(), &with(&rename.ident)),
            syn::UseTree::Glob(_) => self.module.globs.extend(self.absolute(prefix)),
        }
    }

    fn import(&mut self, name: String, segments: &[String]) {
        if !matches!(segments[0].as_str(), "crate" | "self" | "super") {
            return;
        }
        if let Some(path) = self.absolute(segments) {
            self.module.imports.insert(name, path);
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if !is_cfg_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.segments.len() > 1 {
            let segments: Vec<String> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.module.paths.extend(self.absolute(&segments));
        }
        syn::visit::visit_path(self, path);
    }
}

/// The roots of the crates' libraries and binaries.
fn crate_roots() -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = CRATES
        .iter()
        .flat_map(|member| {
            ["src/lib.rs", "src/main.rs", "datasets/lib.rs"].map(|file| root().join(member).join(file))
        })
        .collect();
    roots.extend(["compare/main.rs", "durable/main.rs"].map(|file| root().join("benches").join(file)));
    roots.retain(|root| root.is_file());
    assert!(roots.len() >= CRATES.len(), "{roots:?}");
    roots
}

#[test]
fn no_two_files_import_each_other_directly_or_not() {
    let mut circles = Vec::new();
    for root in crate_roots() {
        let edges = Crate::read(&root).edges();
        for circle in circles_in(&edges) {
            let names: Vec<String> = circle.iter().map(|path| path.join("::")).collect();
            circles.push(format!("{}: {}", crate::source::shown(&root), names.join(" ↔ ")));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Groups of modules that reach one another.
fn circles_in(edges: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> Vec<Vec<ModulePath>> {
    let reachable = |from: &ModulePath| {
        let mut seen = BTreeSet::new();
        let mut queue = vec![from];
        while let Some(path) = queue.pop() {
            for next in edges.get(path).into_iter().flatten() {
                if seen.insert(next) {
                    queue.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> =
        edges.keys().map(|path| (path, reachable(path))).collect();
    let mut found: BTreeSet<Vec<ModulePath>> = BTreeSet::new();
    for (path, seen) in &reached {
        if seen.contains(path) {
            let circle = seen.iter().filter(|other| reached[**other].contains(path));
            found.insert(circle.map(|path| (*path).clone()).collect());
        }
    }
    found.into_iter().collect()
}

/// The modules of `server/src` that a module may import. `*` stands for all modules below it.
const ALLOWED: [(&str, &[&str]); 32] = [
    (
        "cli",
        &[
            "app",
            "auth",
            "clock",
            "cluster",
            "config",
            "formats",
            "http_client",
            "merchant_scope",
            "opening_hours",
            "reason",
            "record",
            "telemetry",
        ],
    ),
    ("app", &["*"]),
    ("fuzz_targets", &["auth", "formats", "grpc", "opening_hours", "page_token"]),
    ("bench_support", &["error", "grpc", "opening_hours", "page_token", "record"]),
    ("config", &["auth", "cluster", "disk_monitor", "fs", "http", "net", "overload", "telemetry"]),
    ("http", &["error", "formats", "grpc", "net", "opening_hours", "reason"]),
    (
        "grpc",
        &[
            "auth",
            "change_feed",
            "clock",
            "cluster",
            "commit",
            "error",
            "language",
            "merchant_scope",
            "net",
            "opening_hours",
            "overload",
            "page_token",
            "reason",
            "record",
            "service",
            "telemetry",
            "watch_registry",
            "web_uri",
        ],
    ),
    (
        "admin",
        &["auth", "clock", "cluster", "error", "net", "reason", "service", "telemetry", "write_availability"],
    ),
    ("net", &["auth", "error", "fs", "overload", "telemetry"]),
    (
        "service",
        &[
            "change_feed",
            "cluster",
            "commit",
            "error",
            "merchant_scope",
            "opening_hours",
            "page_token",
            "record",
            "watch_registry",
            "write_availability",
        ],
    ),
    (
        "commit",
        &[
            "change_feed",
            "clock",
            "cluster",
            "error",
            "merchant_scope",
            "reason",
            "record",
            "telemetry",
            "watch_registry",
            "write_availability",
        ],
    ),
    ("formats", &["error", "language", "opening_hours", "reason", "record", "web_uri"]),
    ("disk_monitor", &["write_availability"]),
    ("overload", &["clock", "error", "telemetry"]),
    ("record", &["error", "language", "merchant_scope", "opening_hours", "reason"]),
    ("cluster", &["clock", "error", "http_client"]),
    ("language", &[]),
    ("merchant_scope", &[]),
    ("page_token", &["error", "fs", "reason"]),
    ("change_feed", &["error"]),
    ("watch_registry", &["record"]),
    ("write_availability", &["error"]),
    ("error", &["auth", "reason"]),
    ("auth", &["clock", "fs", "http_client", "merchant_scope", "reason", "telemetry"]),
    ("opening_hours", &["clock"]),
    ("telemetry", &[]),
    ("http_client", &[]),
    ("fs", &[]),
    ("clock", &[]),
    ("reason", &[]),
    ("web_uri", &[]),
    // The binary's file is no module of the library.
    ("main", &[]),
];

#[test]
fn server_modules_import_only_what_the_table_allows() {
    let server = Crate::read(&root().join("server/src/lib.rs"));
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from(ALLOWED);
    assert_eq!(allowed.len(), ALLOWED.len(), "a module occurs twice");
    let top = |path: &ModulePath| path.first().cloned().unwrap_or_default();
    let mut unknown: BTreeSet<String> =
        server.modules.keys().map(top).filter(|name| !name.is_empty()).collect();
    unknown.retain(|name| !allowed.contains_key(name.as_str()));
    assert!(unknown.is_empty(), "not in the table: {unknown:?}");
    let mut forbidden = BTreeSet::new();
    for (from, targets) in server.edges() {
        for to in &targets {
            let (from, to) = (top(&from), top(to));
            let may = allowed.get(from.as_str()).copied().unwrap_or_default();
            if from != to && !may.contains(&"*") && !may.contains(&to.as_str()) {
                forbidden
                    .insert(format!("{} imports {to}", server.modules[&*vec![from.clone()]].file.display()));
            }
        }
    }
    assert!(forbidden.is_empty(), "{forbidden:#?}");
    is_acyclic(&allowed);
}

/// The table itself has no circle: each module stands above all that it may import.
fn is_acyclic(allowed: &BTreeMap<&str, &[&str]>) {
    let path = |name: &str| vec![name.to_owned()];
    let edges = allowed
        .iter()
        .filter(|(_, targets)| !targets.contains(&"*"))
        .map(|(from, targets)| (path(from), targets.iter().map(|to| path(to)).collect::<BTreeSet<_>>()));
    assert_eq!(circles_in(&edges.collect()), Vec::<Vec<ModulePath>>::new());
}
