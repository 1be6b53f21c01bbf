//! The Unicode properties that folding and the division into words depend on.

use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed,
    props::{GeneralCategory, GeneralCategoryGroup, Script},
};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();

/// The role of a character in the division of a folded text into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A letter or a number of a word, which matches by its prefix.
    Word,
    /// A character of a script that is written without spaces. A run of them matches by any part of it.
    Run,
    /// A mark, which belongs to the character before it.
    Mark,
    /// Punctuation or a format character, which joins the words beside it to a compound.
    Joiner,
    /// White space, a symbol or anything else, which separates.
    Break,
}

/// The roles of ASCII characters.
const ASCII: [Role; 128] = {
    let mut roles = [Role::Break; 128];
    let mut byte: u8 = 0;
    while byte < 128 {
        roles[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Role::Word,
            b'$' | b'+' | b'<' | b'=' | b'>' | b'^' | b'`' | b'|' | b'~' => Role::Break,
            b'!'..=b'~' => Role::Joiner,
            _ => Role::Break,
        };
        byte += 1;
    }
    roles
};

/// Returns the role of a character of a folded text.
pub(super) fn role(character: char) -> Role {
    if let Some(role) = ASCII.get(character as usize) {
        return *role;
    }
    let category = CATEGORIES.get(character);
    if GeneralCategoryGroup::Letter.contains(category) || GeneralCategoryGroup::Number.contains(category) {
        return if is_of_run(character) { Role::Run } else { Role::Word };
    }
    if GeneralCategoryGroup::Mark.contains(category) {
        Role::Mark
    } else if GeneralCategoryGroup::Punctuation.contains(category) || category == GeneralCategory::Format {
        Role::Joiner
    } else {
        Role::Break
    }
}

/// Returns whether a letter or a number belongs to a script that is written without spaces, or is `ー` or `〆`, which stand among
/// them. `々` and `〇` are of the script Han.
fn is_of_run(character: char) -> bool {
    matches!(character, 'ー' | '〆')
        || matches!(
            SCRIPTS.get(character),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
}

/// Returns whether a character is a mark.
pub(super) fn is_mark(character: char) -> bool {
    !character.is_ascii() && GeneralCategoryGroup::Mark.contains(CATEGORIES.get(character))
}

/// Returns whether marks stay after this character, which is none itself: after letters, except those of the scripts whose marks are
/// accents, points or vowel signs that people leave out.
pub(super) fn keeps_marks(character: char) -> bool {
    const TATWEEL: char = '\u{640}';

    !character.is_ascii()
        && character != TATWEEL
        && GeneralCategoryGroup::Letter.contains(CATEGORIES.get(character))
        && !matches!(
            SCRIPTS.get(character),
            Script::Latin | Script::Greek | Script::Cyrillic | Script::Hebrew | Script::Arabic
        )
}

/// Returns the ASCII digit of the same value as a decimal digit of any script.
pub(super) fn decimal_digit(character: char) -> Option<char> {
    let is_decimal = |code: u32| {
        let category = char::from_u32(code).map(|character| CATEGORIES.get(character));
        category == Some(GeneralCategory::DecimalNumber)
    };
    let code = u32::from(character);
    if character.is_ascii() || !is_decimal(code) {
        return None;
    }
    // Unicode encodes decimal digits in ranges of ten, from zero to nine; some ranges follow one another.
    let before = (1..=code).take_while(|back| is_decimal(code - back)).count();
    u32::try_from(before).ok().and_then(|before| char::from_digit(before % 10, 10))
}
