//! The words, runs and compounds of a text.

use super::{
    chars::{Role, role},
    fold::fold_into,
};

/// The way in which a part matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word: by its prefix.
    Word,
    /// A run of a script that is written without spaces: by any part of it.
    Run,
}

/// A maximal sequence of letters and numbers of one kind, as a range of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    start: usize,
    end: usize,
}

/// Parts of one kind with nothing but punctuation and format characters between them, as a range of parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compound {
    pub(super) kind: Kind,
    first: usize,
    end: usize,
}

/// A folded text, divided. Reused for one text after another.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The parts, one directly after the other: a compound is contiguous.
    text: String,
    parts: Vec<Part>,
    compounds: Vec<Compound>,
    /// Characters since the last part.
    gap: Gap,
    folded: String,
}

/// The characters between the last part and the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Gap {
    /// Nothing: the part continues.
    None,
    /// Punctuation and format characters only.
    Joined,
    #[default]
    Broken,
}

impl Words {
    /// Divides a text.
    pub(super) fn read(&mut self, given: &str) {
        self.text.clear();
        self.parts.clear();
        self.compounds.clear();
        self.gap = Gap::Broken;
        if given.is_ascii() {
            for byte in given.bytes() {
                // The grave accent is typed for an apostrophe.
                let character = char::from(if byte == b'`' { b'\'' } else { byte.to_ascii_lowercase() });
                self.add(character);
            }
            return;
        }
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold_into(given, &mut folded);
        folded.chars().for_each(|character| self.add(character));
        self.folded = folded;
    }

    #[inline]
    fn add(&mut self, character: char) {
        match role(character) {
            Role::Word => self.extend(Kind::Word, character),
            Role::Run => self.extend(Kind::Run, character),
            Role::Mark => {
                let kind = self.parts.last().map_or(Kind::Word, |part| part.kind);
                self.extend(kind, character);
            }
            Role::Joiner if self.gap != Gap::Broken => self.gap = Gap::Joined,
            Role::Joiner => {}
            Role::Break => self.gap = Gap::Broken,
        }
    }

    fn extend(&mut self, kind: Kind, character: char) {
        let start = self.text.len();
        self.text.push(character);
        let (gap, end) = (std::mem::replace(&mut self.gap, Gap::None), self.text.len());
        let is_same_kind = self.parts.last().is_some_and(|part| part.kind == kind);
        match (gap, self.parts.last_mut()) {
            (Gap::None, Some(part)) if is_same_kind => {
                part.end = end;
                return;
            }
            _ => self.parts.push(Part { kind, start, end }),
        }
        match self.compounds.last_mut() {
            Some(compound) if gap == Gap::Joined && is_same_kind => compound.end = self.parts.len(),
            _ => {
                self.compounds.push(Compound { kind, first: self.parts.len() - 1, end: self.parts.len() });
            }
        }
    }

    /// Returns the parts in their order.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the compounds in their order. A part that nothing joins to another is a compound, too.
    pub(super) fn compounds(&self) -> &[Compound] {
        &self.compounds
    }

    /// Returns the parts of a compound.
    pub(super) fn parts_of(&self, compound: &Compound) -> &[Part] {
        self.parts.get(compound.first..compound.end).unwrap_or_default()
    }

    /// Returns the text of a part.
    pub(super) fn part(&self, part: &Part) -> &str {
        self.text.get(part.start..part.end).unwrap_or_default()
    }

    /// Returns the text of a compound: its parts, joined.
    pub(super) fn joined(&self, compound: &Compound) -> &str {
        let parts = self.parts_of(compound);
        let range = parts.first().map_or(0, |part| part.start)..parts.last().map_or(0, |part| part.end);
        self.text.get(range).unwrap_or_default()
    }

    /// Returns the letters and numbers of the whole text, joined.
    pub(super) fn all_joined(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compounds of a text: words as `a+b`, runs in brackets.
    fn divide(text: &str) -> Vec<String> {
        let mut words = Words::default();
        words.read(text);
        let shown = |compound: &Compound| {
            let parts: Vec<&str> = words.parts_of(compound).iter().map(|part| words.part(part)).collect();
            assert_eq!(words.joined(compound), parts.concat());
            match compound.kind {
                Kind::Word => parts.join("+"),
                Kind::Run => format!("[{}]", parts.join("+")),
            }
        };
        words.compounds().iter().map(shown).collect()
    }

    #[test]
    fn texts_divide_into_compounds_of_words_and_of_runs() {
        for (text, compounds) in [
            ("McDonald's", ["mcdonald+s"].as_slice()),
            ("7-Eleven", &["7+eleven"]),
            ("7‐Eleven", &["7+eleven"]),
            ("H&M", &["h+m"]),
            ("H & M", &["h", "m"]),
            ("A+B C|D", &["a", "b", "c", "d"]),
            ("  Joe's  Café-Bar ", &["joe+s", "cafe+bar"]),
            ("星巴克（国贸店）", &["[星巴克+国贸店]"]),
            ("星巴克 国贸店", &["[星巴克]", "[国贸店]"]),
            ("7天连锁酒店", &["7", "[天连锁酒店]"]),
            ("KFC（国贸店）", &["kfc", "[国贸店]"]),
            ("〆切 人々 〇一", &["[〆切]", "[人々]", "[〇一]"]),
            ("ファミリー・マート", &["[ふぁみりー+まーと]"]),
            ("ភ្នំ\u{200b}ពេញ", &["[ភ្នំ+ពេញ]"]),
            ("ร้านกาแฟ", &["[ร้านกาแฟ]"]),
            ("a\u{200d}b\u{ad}c", &["a+b+c"]),
            ("--a--", &["a"]),
            ("…", &[]),
        ] {
            assert_eq!(divide(text), compounds, "{text}");
        }
    }

    #[test]
    fn ascii_is_divided_as_any_text() {
        for first in 0..128u8 {
            for second in 0..128u8 {
                let text = format!("a{}b{}C", char::from(first), char::from(second));
                // The kelvin sign folds to a k.
                let (ascii, other) = (divide(&format!("{text} k")), divide(&format!("{text} \u{212a}")));
                assert_eq!(ascii, other, "{text:?}");
            }
        }
    }
}
