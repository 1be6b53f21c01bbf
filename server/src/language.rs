//! Language tags, and the choice of a name in the language of a request.

use oxilangtag::LanguageTag;

/// A BCP 47 language tag. `_` counts as `-`, and case does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// The tag in lower case.
    tag: String,
    /// The tag by which lookup compares: with current codes of languages, and for Chinese the script that a region implies in its place.
    lookup: String,
    /// Length of the language and the script at the start of `lookup`.
    script_end: usize,
}

impl Language {
    /// Maximum length of a tag in bytes. RFC 5646, section 4.4.1, asks for at least 35.
    pub(crate) const MAX_BYTES: usize = 64;

    /// Parses a tag; `None` if it is not well-formed.
    pub(crate) fn parse(given: &str) -> Option<Self> {
        if given.len() > Self::MAX_BYTES {
            return None;
        }
        let tag = given.replace('_', "-").to_ascii_lowercase();
        let parsed = LanguageTag::parse(tag.as_str()).ok()?;
        let language = match parsed.primary_language() {
            // ISO 639-1 before 1989; CLDR likewise takes `no` for Bokmål.
            "iw" => "he",
            "in" => "id",
            "no" => "nb",
            current => current,
        };
        let implied_script = match (language, parsed.script(), parsed.region()) {
            ("zh", None, Some("cn" | "sg")) => Some("hans"),
            ("zh", None, Some("tw" | "hk" | "mo")) => Some("hant"),
            _ => None,
        };
        let mut lookup = language.to_owned();
        if let Some(script) = parsed.script().or(implied_script) {
            lookup.extend(["-", script]);
        }
        let script_end = lookup.len();
        let region = parsed.region().filter(|_| implied_script.is_none());
        let rest =
            [parsed.extended_language(), region, parsed.variant(), parsed.extension(), parsed.private_use()];
        for subtags in rest.into_iter().flatten() {
            lookup.extend(["-", subtags]);
        }
        Some(Self { lookup, script_end, tag })
    }

    /// Returns whether two tags are equal, in any case and with `_` as `-`.
    pub(crate) fn is_same_tag(&self, other: &Self) -> bool {
        self.tag == other.tag
    }

    fn language_and_script(&self) -> &str {
        self.lookup.get(..self.script_end).unwrap_or_default()
    }
}

/// Chooses the name in a language among stored ones, which are ordered by their tags as bytes: the one of the same tag; else the result of
/// lookup as in RFC 4647, section 3.4; else the first of the same language and script. Returns its tag as stored, and the name.
pub(crate) fn choose<'n>(
    names: impl Iterator<Item = (&'n str, &'n str)>,
    asked: &Language,
) -> Option<(&'n str, &'n str)> {
    let stored: Vec<(Language, (&str, &str))> =
        names.filter_map(|(tag, name)| Some((Language::parse(tag)?, (tag, name)))).collect();
    let find = |is_it: &dyn Fn(&Language) -> bool| {
        stored.iter().find(|(language, _)| is_it(language)).map(|(_, name)| *name)
    };
    find(&|language| language.is_same_tag(asked))
        .or_else(|| ranges(&asked.lookup).find_map(|range| find(&|language| language.lookup == range)))
        .or_else(|| find(&|language| language.language_and_script() == asked.language_and_script()))
}

/// Returns a tag and its prefixes, from the longest. None ends in a subtag of one character, which only introduces others.
fn ranges(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |range| {
        let shorter = range.rsplit_once('-')?.0;
        Some(match shorter.rsplit_once('-') {
            Some((before, single)) if single.len() == 1 => before,
            _ => shorter,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(stored: &[&str], asked: &str) -> Option<String> {
        let mut stored = stored.to_vec();
        stored.sort_unstable();
        let names = stored.iter().map(|tag| (*tag, "name"));
        choose(names, &Language::parse(asked).unwrap()).map(|(tag, _)| tag.to_owned())
    }

    #[test]
    fn names_are_chosen_by_tag_then_lookup_then_language_and_script() {
        for (stored, asked, expected) in [
            (&["en", "zh-Hans"][..], "zh-Hans", Some("zh-Hans")),
            (&["zh-Hans", "zh_cn"], "ZH-CN", Some("zh_cn")),
            // Regions of Chinese stand for its scripts, on both sides.
            (&["zh-Hans", "zh-Hant"], "zh-CN", Some("zh-Hans")),
            (&["zh-Hans", "zh-Hant"], "zh_SG", Some("zh-Hans")),
            (&["zh-Hans", "zh-Hant"], "zh-TW", Some("zh-Hant")),
            (&["zh-CN", "zh-TW"], "zh-Hant-HK", Some("zh-TW")),
            (&["zh-CN", "zh-TW"], "zh-MO", Some("zh-TW")),
            (&["zh", "zh-Hant"], "zh-CN", Some("zh")),
            (&["zh-Hant"], "zh-CN", None),
            (&["zh-Hans-CN"], "zh-CN", Some("zh-Hans-CN")),
            (&["en-SG"], "en-CN", Some("en-SG")),
            // Lookup removes subtags from the end.
            (&["de", "de-CH"], "de-CH-1996", Some("de-CH")),
            (&["de", "de-AT"], "de-CH-1996", Some("de")),
            (&["de"], "de-u-co-phonebk", Some("de")),
            // The same language and script, the first by bytes.
            (&["en-US", "en-GB"], "en-AU", Some("en-GB")),
            (&["en-US"], "en", Some("en-US")),
            (&["sr-Cyrl-RS"], "sr-Latn", None),
            (&["sr-Cyrl-RS"], "sr", None),
            // Former codes of languages.
            (&["he"], "iw", Some("he")),
            (&["iw-IL"], "he", Some("iw-IL")),
            (&["id"], "in-ID", Some("id")),
            (&["nb"], "no", Some("nb")),
            (&["nn"], "no", None),
            (&["fr"], "en", None),
            (&[], "en", None),
        ] {
            assert_eq!(chosen(stored, asked).as_deref(), expected, "{stored:?} {asked}");
        }
    }

    #[test]
    fn tags_that_are_not_well_formed_are_rejected() {
        for tag in ["", "e", "en-", "-en", "en,fr", "en;q=0.5", "*", "english!", "中文", "zh--Hans", "en US"]
        {
            assert_eq!(Language::parse(tag), None, "{tag}");
        }
        assert_eq!(Language::parse(&format!("en-x-{}", "abc-".repeat(20))), None, "too long");
        for tag in ["en", "zh_Hans", "de-DE-1996", "sl-rozaj-biske", "x-private", "ast", "es-419"] {
            assert!(Language::parse(tag).is_some(), "{tag}");
        }
    }
}
