//! Names of merchants to search by text.

use nearby_index::{NamesOf, Profile};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The word that one name in 10,000 contains.
pub const RARE_WORD: &str = "Marigold";

/// Passes the name of a generated merchant on: the basic view of its profile.
pub const NAMES_OF: NamesOf = |profile: &Profile, name| {
    let [_, basic, ..] = profile.parts();
    if let Ok(text) = std::str::from_utf8(basic) {
        name(text);
    }
};

/// Generates names of one to four of 20,000 words, 17 letters on average. As in real data, low numbers are common: the first word is
/// in one name in 15.
#[derive(Debug)]
pub struct NameGenerator {
    random: Pcg64Mcg,
    words: Vec<String>,
}

impl NameGenerator {
    /// Creates a generator from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        const CONSONANTS: [&str; 20] = [
            "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "th",
            "ch",
        ];
        const VOWELS: [&str; 7] = ["a", "e", "i", "o", "u", "ee", "ai"];
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut word = || {
            let mut word = String::new();
            for _ in 0..random.random_range(1..4) {
                word.push_str(CONSONANTS[random.random_range(0..CONSONANTS.len())]);
                word.push_str(VOWELS[random.random_range(0..VOWELS.len())]);
            }
            word.push_str(CONSONANTS[random.random_range(0..CONSONANTS.len())]);
            word
        };
        let words = (0..20_000).map(|_| word()).collect();
        Self { random, words }
    }

    /// Returns the words, the most common first.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Generates the next name.
    pub fn name(&mut self) -> String {
        let random = &mut self.random;
        let mut name: Vec<&str> = (0..random.random_range(1..5))
            .map(|_| {
                // Fourth power: of 20,000 words the first is in one name in 15.
                let share: f64 = random.random_range(0.0..1.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20,000")]
                let number = (share.powi(4) * self.words.len() as f64) as usize;
                self.words[number.min(self.words.len() - 1)].as_str()
            })
            .collect();
        if random.random_range(0..10_000) == 0 {
            name.push(RARE_WORD);
        }
        name.join(" ")
    }
}
