//! The rule of `MerchantFilter.text`, sentence by sentence and without regard to speed, with Unicode tables of other crates. Compared
//! with the fast implementation on 10,000 names in 36 scripts (`tests/data`).

use std::sync::LazyLock;

use caseless::Caseless;
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use crate::Effort;

use super::{
    features::{Feature, of_words},
    fold::fold_into,
    query::{TextQuery, folded_key},
    words::Words,
};

static NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../../tests/data/names.txt").lines().collect());

fn is_letter(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Letter
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

fn fold(text: &str) -> String {
    let apostrophes: String = text
        .chars()
        .filter(|c| *c != '™' && *c != '℠')
        .map(|c| if "\u{2bb}\u{2bc}\u{2018}\u{2019}\u{b4}\u{60}".contains(c) { '\'' } else { c })
        .collect();
    let mut text: String = apostrophes.nfkd().default_case_fold().collect();
    for (from, to) in [
        ("ı", "i"),
        ("ł", "l"),
        ("ø", "o"),
        ("đ", "d"),
        ("ð", "d"),
        ("ħ", "h"),
        ("ŧ", "t"),
        ("ŋ", "n"),
        ("æ", "ae"),
        ("œ", "oe"),
        ("þ", "th"),
    ] {
        text = text.replace(from, to);
    }
    let without_marks = remove_marks(&text);
    let mut text = without_marks.replace('\u{640}', "").replace('ک', "ك").replace('ی', "ي");
    text = text.replace('ى', "ي").replace('ة', "ه");
    text.chars().map(hiragana).map(digit).nfkc().collect()
}

/// A tatweel counts as an Arabic letter.
fn remove_marks(text: &str) -> String {
    let mut base = None;
    let mut kept = String::new();
    for c in text.chars() {
        if !is_mark(c) {
            base = Some(c);
            kept.push(c);
            continue;
        }
        let loses_marks = base.is_none_or(|base| {
            let scripts = [Script::Latin, Script::Greek, Script::Cyrillic, Script::Hebrew, Script::Arabic];
            !is_letter(base) || base == '\u{640}' || scripts.contains(&base.script())
        });
        if !loses_marks {
            kept.push(c);
        }
    }
    kept
}

fn hiragana(c: char) -> char {
    let katakana: Vec<char> = "ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶヽヾ".chars().collect();
    let hiragana: Vec<char> = "ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔゕゖゝゞ".chars().collect();
    assert_eq!(katakana.len(), hiragana.len());
    katakana.iter().position(|other| *other == c).map_or(c, |at| hiragana[at])
}

fn digit(c: char) -> char {
    if c.general_category() != GeneralCategory::DecimalNumber {
        return c;
    }
    // The zero is the last character before which there is no digit, ten or a multiple of ten back.
    let is_digit = |code: u32| {
        char::from_u32(code).is_some_and(|c| c.general_category() == GeneralCategory::DecimalNumber)
    };
    let code = u32::from(c);
    let zero = (0..=code).rev().find(|code| !is_digit(code - 1)).unwrap();
    char::from_digit((code - zero) % 10, 10).unwrap()
}

/// A word or a run, and whether only punctuation and format characters stand between it and the one before.
#[derive(Clone, Debug)]
struct Part {
    is_run: bool,
    text: String,
    is_joined: bool,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut gap = Some(String::from(" "));
    for c in fold(text).chars() {
        let group = c.general_category_group();
        if is_mark(c) {
            parts.last_mut().unwrap().text.push(c);
        } else if matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number) {
            let scripts = [
                Script::Han,
                Script::Hiragana,
                Script::Katakana,
                Script::Hangul,
                Script::Thai,
                Script::Lao,
                Script::Khmer,
                Script::Myanmar,
            ];
            let is_run = "ー々〆〇".contains(c) || scripts.contains(&c.script());
            let between = gap.take();
            match parts.last_mut() {
                Some(last) if between.is_none() && last.is_run == is_run => last.text.push(c),
                last => {
                    let joins = |c: char| {
                        c.general_category_group() == GeneralCategoryGroup::Punctuation
                            || c.general_category() == GeneralCategory::Format
                    };
                    let is_same = last.is_some_and(|last| last.is_run == is_run);
                    let is_joined = is_same && between.is_some_and(|between| between.chars().all(joins));
                    parts.push(Part { is_run, text: c.to_string(), is_joined });
                }
            }
        } else {
            gap.get_or_insert_default().push(c);
        }
    }
    parts
}

fn compounds(parts: &[Part]) -> Vec<Vec<Part>> {
    let mut compounds: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        match compounds.last_mut() {
            Some(compound) if part.is_joined => compound.push(part.clone()),
            _ => compounds.push(vec![part.clone()]),
        }
    }
    compounds
}

fn joined(compound: &[Part]) -> String {
    compound.iter().map(|part| part.text.as_str()).collect()
}

fn is_in_name(wanted: &[Part], name: &[Part]) -> bool {
    let is_run = wanted[0].is_run;
    let is_match =
        |own: &str, wanted: &str| if is_run { own.contains(wanted) } else { own.starts_with(wanted) };
    let singles = name.iter().map(|part| vec![part.clone()]);
    let offers = singles.chain(compounds(name)).filter(|offer| offer[0].is_run == is_run);
    let whole = joined(wanted);
    if offers.map(|offer| joined(&offer)).any(|own| is_match(&own, &whole)) {
        return true;
    }
    wanted.len() > 1
        && (0..name.len()).any(|from| {
            let Some(own) = name.get(from..from + wanted.len()) else { return false };
            let last = wanted.len() - 1;
            own.iter().all(|part| part.is_run == is_run)
                && (0..last).all(|at| own[at].text == wanted[at].text)
                && is_match(&own[last].text, &wanted[last].text)
        })
}

fn matches(text: &[Vec<Part>], names: &[&[Part]]) -> bool {
    text.iter().all(|wanted| names.iter().any(|name| is_in_name(wanted, name)))
}

#[test]
fn folding_equals_the_reference_for_every_character() {
    let assigned = (char::MIN..=char::MAX).filter(|c| c.general_category() != GeneralCategory::Unassigned);
    for c in assigned.filter(|c| !is_unknown_capital(*c)) {
        for text in [c.to_string(), format!("a{c}\u{301}b"), format!("か{c}\u{3099}")] {
            let mut folded = String::new();
            fold_into(&text, &mut folded);
            assert_eq!(folded, fold(&text), "{text:?}, U+{:04X}", u32::from(c));
        }
    }
}

/// Returns whether a capital has no case folding in `caseless`, which has the tables of Unicode 16; those of the others are newer.
fn is_unknown_capital(c: char) -> bool {
    let is_capital =
        c.general_category() == GeneralCategory::UppercaseLetter && c.script() != Script::Cherokee;
    is_capital && [c].into_iter().default_case_fold().eq([c])
}

#[test]
fn names_in_all_scripts_fold_and_divide_as_the_reference_says() {
    assert_eq!(NAMES.len(), 10_000);
    let mut scripts = std::collections::BTreeSet::new();
    for name in &*NAMES {
        scripts.extend(name.chars().filter(|c| is_letter(*c)).map(|c| c.script().full_name()));
        let mut folded = String::new();
        fold_into(name, &mut folded);
        assert_eq!(folded, fold(name), "{name}");
        let expected: String = parts(name).iter().map(|part| part.text.as_str()).collect();
        assert_eq!(folded_key(name), expected, "{name}");
    }
    assert!(scripts.len() >= 30, "{scripts:?}");
}

/// A text that a person may type to find a name: some of its characters, changed a little.
fn text() -> impl Strategy<Value = String> {
    (any::<prop::sample::Index>(), 0..40usize, 1..12usize, 0..8u8, any::<prop::sample::Index>()).prop_map(
        |(name, from, length, change, other)| {
            let name = *name.get(&NAMES);
            let cut: String = name.chars().skip(from % name.chars().count()).take(length).collect();
            match change {
                0 => name.to_owned(),
                1 => name.to_uppercase(),
                2 => name.replace([' ', '-'], ""),
                3 => name.replace(' ', "-"),
                4 => name.nfd().collect(),
                5 => format!("{cut} {}", other.get(&NAMES).chars().take(2).collect::<String>()),
                6 => cut.to_lowercase(),
                _ => cut,
            }
        },
    )
}

#[test]
fn matches_equal_the_reference_and_no_feature_excludes_a_match() {
    let seed = std::env::var("NEARBY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(23);
    let divided: Vec<Vec<Part>> = NAMES.iter().map(|name| parts(name)).collect();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3_000,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let found = std::cell::Cell::new(0);
    let names = prop::collection::vec(0..NAMES.len(), 60);
    let outcome = runner.run(&(text(), names), |(text, mut names)| {
        let Ok(query) = TextQuery::parse(&text) else {
            prop_assert!(parts(&text).is_empty() || text.len() > 256 || parts(&text).len() > 16, "{text:?}");
            return Ok(());
        };
        let wanted = compounds(&parts(&text));
        // Names that begin alike match more often than others.
        names.extend((0..NAMES.len()).filter(|name| NAMES[*name].chars().take(2).eq(text.chars().take(2))));
        for pair in names.windows(2) {
            let (one, other) = (pair[0], pair[1]);
            for chosen in [&[one][..], &[one, other]] {
                let expected =
                    matches(&wanted, &chosen.iter().map(|name| &*divided[*name]).collect::<Vec<_>>());
                let is_match =
                    query.matches(|name| chosen.iter().for_each(|at| name(NAMES[*at])), &Effort::default());
                let shown: Vec<&str> = chosen.iter().map(|name| NAMES[*name]).collect();
                prop_assert_eq!(is_match, expected, "{:?} in {:?}", text, shown);
                if is_match {
                    found.set(found.get() + 1);
                    prop_assert!(may_match(&query, &shown), "{:?} in {:?}", text, shown);
                }
            }
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "NEARBY_SEED={seed}: {outcome:?}");
    assert!(found.get() > 3_000, "only {} matches", found.get());
}

/// Returns whether names have all features that one list for each word of a text asks for.
fn may_match(query: &TextQuery, names: &[&str]) -> bool {
    let (mut words, mut own) = (Words::default(), Vec::new());
    for name in names {
        words.read(name);
        of_words(&words, |feature: Feature| own.push(feature));
    }
    query.features().all(|lists| lists.iter().any(|list| list.iter().all(|feature| own.contains(feature))))
}
