//! Sizes of files and functions.

use std::fs;

use syn::{spanned::Spanned, visit::Visit};

use crate::source::{is_cfg_test, is_test, parse, shown, sources};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

#[test]
fn files_and_functions_are_short() {
    let mut too_long = Vec::new();
    for path in sources().into_iter().filter(|path| !is_test(path)) {
        let file = parse(&path);
        let test_lines: usize = file
            .items
            .iter()
            .filter_map(|item| match item {
                syn::Item::Mod(module) if is_cfg_test(&module.attrs) => Some(lines(module)),
                _ => None,
            })
            .sum();
        let file_lines = fs::read_to_string(&path).unwrap().lines().count() - test_lines;
        if file_lines > MAX_FILE_LINES {
            too_long.push(format!("{}: {file_lines} lines", shown(&path)));
        }
        let mut functions = LongFunctions::default();
        functions.visit_file(&file);
        for (name, lines) in functions.0 {
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
struct LongFunctions(Vec<(String, usize)>);

impl LongFunctions {
    fn check(&mut self, name: &syn::Ident, lines: usize) {
        if lines > MAX_FUNCTION_LINES {
            self.0.push((name.to_string(), lines));
        }
    }
}

impl Visit<'_> for LongFunctions {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if !is_cfg_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.check(&function.sig.ident, lines(function));
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.check(&function.sig.ident, lines(function));
        syn::visit::visit_impl_item_fn(self, function);
    }
}
