//! Random names, and texts that match some of them.

use nearby_index::*;

use super::Script;

/// Words and runs of several scripts. Some are prefixes or parts of others, so that texts match several of them.
const WORDS: [&str; 24] = [
    "McDonald's",
    "McCafé",
    "7-Eleven",
    "H&M",
    "Hm",
    "Star",
    "Starbucks",
    "Staropramen",
    "Łódź",
    "IŞIK",
    "Żabka",
    "Ёлки-Палки",
    "مكتبة",
    "星巴克",
    "星",
    "国贸店",
    "（国贸店）",
    "スターバックス",
    "강남",
    "강남역",
    "ร้านกาแฟ",
    "ភ្នំ\u{200b}ពេញ",
    "१२३",
    "n°5",
];
const SEPARATORS: [&str; 4] = [" ", " ", "-", ""];

/// Passes the names of a merchant on: lines of the basic view of its profile.
pub(crate) fn names_of(profile: &Profile, name: &mut dyn FnMut(&str)) {
    let [_, basic, ..] = profile.parts();
    std::str::from_utf8(basic).unwrap().lines().for_each(name);
}

/// Returns up to three names, one a line. Some merchants have none, and some names are rare.
pub(crate) fn names(script: &mut Script<'_>) -> String {
    let names: Vec<String> = (0..script.below(4)).map(|_| name(script)).collect();
    names.join("\n")
}

fn name(script: &mut Script<'_>) -> String {
    let mut name = String::new();
    for _ in 0..=script.below(3) {
        name.push_str(WORDS[script.below(WORDS.len())]);
        name.push_str(SEPARATORS[script.below(SEPARATORS.len())]);
    }
    if script.below(4) == 0 {
        name.push_str(&format!("No {}", script.below(400)));
    }
    name
}

/// Returns a text: parts of a few words.
pub(crate) fn text(script: &mut Script<'_>) -> Option<TextQuery> {
    let mut text = String::new();
    for _ in 0..=script.below(2) {
        if script.below(6) == 0 {
            text.push_str(&script.below(400).to_string());
        } else {
            let word: Vec<char> = WORDS[script.below(WORDS.len())].chars().collect();
            let from = if script.below(3) == 0 { script.below(word.len()) } else { 0 };
            text.extend(&word[from..from + 1 + script.below(word.len() - from)]);
        }
        text.push_str(SEPARATORS[script.below(SEPARATORS.len())]);
    }
    TextQuery::parse(&text).ok()
}
