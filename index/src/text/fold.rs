//! Folding: the form in which names and texts are compared. The contract states the rule in `MerchantFilter.text`.

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};

use super::chars::{decimal_digit, is_mark, keeps_marks};

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Appends the folded form of a text without ASCII shortcuts. Names in ASCII, which `words` folds byte by byte, take a tenth of the time.
pub(super) fn fold_into(text: &str, folded: &mut String) {
    let replaced = text.chars().filter(|character| !is_dropped_sign(*character)).map(apostrophe);
    let decomposed: String = NFKD.normalize_iter(replaced).collect();
    let cased: Cow<'_, str> = CASES.fold_string(&decomposed);
    let mut mapped = String::with_capacity(cased.len());
    let mut marks_stay = false;
    for character in cased.chars() {
        if is_mark(character) {
            if marks_stay {
                mapped.push(character);
            }
            continue;
        }
        marks_stay = keeps_marks(character);
        push_mapped(character, &mut mapped);
    }
    folded.extend(NFKC.normalize_iter(mapped.chars()));
}

/// Trademark signs are not part of a name. They have to go before NFKD, which makes the letters TM and SM of them.
fn is_dropped_sign(character: char) -> bool {
    matches!(character, '™' | '℠')
}

/// Replaces characters that are typed for an apostrophe. Before NFKD, which makes a space and an accent of the acute.
fn apostrophe(character: char) -> char {
    match character {
        '\u{2bb}' | '\u{2bc}' | '\u{2018}' | '\u{2019}' | '\u{b4}' | '`' => '\'',
        other => other,
    }
}

/// Appends what a character is compared as. Letters without a decomposition are those that people type without their stroke.
fn push_mapped(character: char, mapped: &mut String) {
    match character {
        'ı' => mapped.push('i'),
        'ł' => mapped.push('l'),
        'ø' => mapped.push('o'),
        'đ' | 'ð' => mapped.push('d'),
        'ħ' => mapped.push('h'),
        'ŧ' => mapped.push('t'),
        'ŋ' => mapped.push('n'),
        'æ' => mapped.push_str("ae"),
        'œ' => mapped.push_str("oe"),
        'þ' => mapped.push_str("th"),
        // Arabic: the tatweel only stretches a word; Persian and Arabic keyboards give different letters of one shape.
        '\u{640}' => {}
        '\u{6a9}' => mapped.push('\u{643}'),
        '\u{6cc}' | '\u{649}' => mapped.push('\u{64a}'),
        '\u{629}' => mapped.push('\u{647}'),
        // Katakana that have a hiragana, in the same order.
        '\u{30a1}'..='\u{30f6}' | '\u{30fd}' | '\u{30fe}' => {
            mapped.extend(char::from_u32(u32::from(character) - 0x60));
        }
        other => mapped.push(decimal_digit(other).unwrap_or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        let mut folded = String::new();
        fold_into(text, &mut folded);
        folded
    }

    #[test]
    fn each_sentence_of_the_rule_holds() {
        for (given, folded) in [
            // Apostrophes and signs.
            (
                "McDonald\u{2019}s McDonald\u{2018}s McDonald\u{b4}s McDonald`s",
                "mcdonald's mcdonald's mcdonald's mcdonald's",
            ),
            ("Hawai\u{2bb}i O\u{2bc}Neill", "hawai'i o'neill"),
            ("Subway™ Care℠", "subway care"),
            // Compatibility forms.
            ("ＳＨＩＢＵＹＡ１０９", "shibuya109"),
            ("ﬁsh №5 ①", "fish no5 1"),
            // Full case folding.
            ("STRASSE Straße ẞ", "strasse strasse ss"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("IŞIK ışık İstanbul", "isik isik istanbul"),
            // Letters without a decomposition.
            ("Łódź Ærø Đà Nẵng Þór Œuvre Ħal Ŧ Ŋ ð", "lodz aero da nang thor oeuvre hal t n d"),
            // Marks.
            ("Café Żabka", "cafe zabka"),
            ("Ёлки Йогурт", "елки иогурт"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("1\u{301}", "1"),
            ("がぎ パ", "がぎ ぱ"),
            ("น้ำ हिन्दी", "น\u{e49}\u{e4d}า हिन्दी"),
            // Arabic.
            ("مـــكتبة کافی على أحمد", "مكتبه كافي علي احمد"),
            // Katakana.
            ("スターバックス ﾛｰｿﾝ ヴィ ヽヾ", "すたーばっくす ろーそん ゔぃ ゝゞ"),
            // Digits.
            ("٢٤ ۲۴ २४ ๒๔", "24 24 24 24"),
            // Hangul stays composed.
            ("강남", "강남"),
        ] {
            assert_eq!(fold(given), folded, "{given}");
        }
    }

    #[test]
    fn decimal_digits_of_all_scripts_have_their_value() {
        let digits: Vec<char> =
            ('\u{80}'..=char::MAX).filter(|character| decimal_digit(*character).is_some()).collect();
        assert!(digits.len() >= 600, "{}", digits.len());
        for range in digits.chunks(10) {
            let values: String = range.iter().filter_map(|digit| decimal_digit(*digit)).collect();
            assert_eq!(values, "0123456789", "{range:?}");
        }
    }
}
