//! Words and openings of comments, strings, names and documents.

use std::fs;

use proc_macro2::{TokenStream, TokenTree};

use crate::source::{files, shown, sources};

/// Words and phrases of an older, private vocabulary, which plain technical English replaces.
const BANNED: [&str; 15] = [
    "whoever",
    "anew",
    "nobody",
    "for ever",
    "so many",
    "so long as",
    "household",
    "asker",
    "watchman",
    "told",
    "bears",
    "mend",
    "mends",
    "mended",
    "borne",
];

/// Files that may contain a banned word, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("server/tests/house/prose.rs", "*", "the list itself"),
    ("server/data/LICENSE.ODbL.txt", "*", "a licence"),
];

/// First words with which no doc comment begins: a noun phrase or a verb says it shorter.
const BANNED_OPENINGS: [&str; 6] = ["What", "Whether", "Where", "How", "Who", "Which"];

/// Lower-case words of a text, separated by single spaces and surrounded by them.
fn words(text: &str) -> String {
    let separated: String =
        text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    format!(" {} ", separated.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn banned_words(text: &str) -> impl Iterator<Item = &'static str> {
    let words = words(text);
    BANNED.into_iter().filter(move |word| words.contains(&format!(" {word} ")))
}

fn is_exempt(file: &str, word: &str) -> bool {
    EXCEPTIONS.iter().any(|(exempt, words, _)| *exempt == file && (*words == "*" || *words == word))
}

#[test]
fn no_file_uses_a_banned_word() {
    let mut found = Vec::new();
    let endings =
        [".rs", ".md", ".proto", ".py", ".js", ".sh", ".toml", ".yaml", ".json", ".service", ".txt"];
    let hidden =
        [".ci/run", ".ci/crash", ".ci/fuzz", ".ci/instructions", ".ci/loadtest-smoke", ".cargo/config.toml"];
    let hidden = hidden
        .into_iter()
        .chain([".cargo/deny.toml", ".clippy.toml"])
        .map(|path| crate::source::root().join(path));
    for path in endings.iter().flat_map(|ending| files(ending)).chain(hidden) {
        let file = shown(&path);
        // Third-party data and locks.
        if file.contains("Cargo.lock")
            || file.contains("package-lock")
            || file.contains("seeds/")
            || file.contains("tests/old/")
        {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for word in banned_words(line).filter(|word| !is_exempt(&file, word)) {
                found.push(format!("{file}:{}: {word}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{} lines: {found:#?}", found.len());
}

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let mut found = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let mut is_continued = false;
        for (number, line) in text.lines().enumerate() {
            let comment = line.trim_start();
            let body = comment.strip_prefix("///").or_else(|| comment.strip_prefix("//!"));
            let Some(body) = body else {
                is_continued = false;
                continue;
            };
            let first = body.split_whitespace().next().unwrap_or_default();
            if !is_continued && BANNED_OPENINGS.contains(&first) {
                found.push(format!("{}:{}:{body}", shown(&path), number + 1));
            }
            is_continued = !body.trim().is_empty();
        }
    }
    assert!(found.is_empty(), "{} comments: {found:#?}", found.len());
}

#[test]
fn limits_are_named_max_and_not_most() {
    let mut found = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let tokens: TokenStream = text.parse().unwrap();
        collect_most(tokens, &shown(&path), &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn collect_most(tokens: TokenStream, file: &str, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_most(group.stream(), file, found),
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                if name == "MOST" || name.starts_with("MOST_") || name.starts_with("most_") || name == "most"
                {
                    found.push(format!("{file}:{}: {name}", ident.span().start().line));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The rule finds what it is for.
#[test]
fn banned_words_are_found_in_sentences_and_in_names() {
    for text in ["Nobody waits", "fn who_is_told_of_it()", "it waits for ever.", "as SO MANY do"] {
        assert!(banned_words(text).next().is_some(), "{text}");
    }
    for text in ["recommend", "toldo", "forever", "so manyfold", "bearing"] {
        assert_eq!(banned_words(text).next(), None, "{text}");
    }
}
