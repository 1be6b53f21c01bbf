//! Merchants at given locations, with and without terms to filter by.

use std::sync::Arc;

use nearby_index::{
    AnyPosition, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Term, TermKind, Terms,
    UnixMicros, Visibility, Wgs84,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Returns the category that one merchant in 10,000 has.
#[must_use]
pub fn rare_term() -> Term {
    Term::new(TermKind::Category, "shop/one-in-ten-thousand")
}

/// Generates the terms of merchants: one of 300 categories, one of 20 services, and for a third of the merchants one of 1,000
/// brands. As in real data, low numbers are common and high numbers rare.
#[derive(Debug)]
pub struct TermGenerator {
    random: Pcg64Mcg,
    categories: Vec<Term>,
    brands: Vec<Term>,
    services: Vec<Term>,
    rare: Term,
}

impl TermGenerator {
    /// Creates a generator from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let names = |kind, count: u32, name: &str| {
            (0..count).map(|number| Term::new(kind, &format!("{name}-{number}"))).collect()
        };
        Self {
            random: Pcg64Mcg::seed_from_u64(seed),
            categories: names(TermKind::Category, 300, "category"),
            brands: names(TermKind::Brand, 1_000, "brand"),
            services: names(TermKind::Service, 20, "service"),
            rare: rare_term(),
        }
    }

    /// Generates the terms of the next merchant.
    pub fn terms(&mut self) -> Terms {
        let random = &mut self.random;
        // Cubic skew: of 1,000 terms the first is 100 times as frequent as the last.
        let mut one_of = |terms: &[Term]| {
            let share: f64 = random.random_range(0.0..1.0);
            let number = terms.len() * percent(share * share * share) / 10_000;
            terms[number.min(terms.len() - 1)].clone()
        };
        let mut terms = vec![one_of(&self.categories), one_of(&self.services)];
        let brand = one_of(&self.brands);
        if random.random_range(0..3) == 0 {
            terms.push(brand);
        }
        if random.random_range(0..10_000) == 0 {
            terms.push(self.rare.clone());
        }
        terms.into_iter().collect()
    }
}

/// Converts a share to hundredths of a percent.
fn percent(share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
    let percent = (share * 10_000.0) as usize;
    percent
}

/// Creates a merchant whose id is derived from its number.
#[must_use]
pub fn merchant(
    number: usize,
    position: Position<Wgs84>,
    terms: Terms,
    revision: Revision,
) -> Arc<StoredMerchant> {
    named_merchant(number, position, (terms, ""), revision)
}

/// Creates a merchant with a name.
#[must_use]
pub fn named_merchant(
    number: usize,
    position: Position<Wgs84>,
    (terms, name): (Terms, &str),
    revision: Revision,
) -> Arc<StoredMerchant> {
    let id = MerchantId::parse(&format!("m{number}"));
    let profile = Profile::new(name.as_bytes());
    let (Ok(id), Ok(profile)) = (id, profile) else {
        unreachable!("the id is a letter and digits, and the name is short")
    };
    Arc::new(StoredMerchant {
        merchant: Merchant {
            id,
            position: AnyPosition::Wgs84(position),
            visibility: Visibility::Visible,
            terms,
            details: None,
            profile,
        },
        revision,
        position_revision: Revision(0),
        create_time: UnixMicros(0),
        update_time: UnixMicros(0),
    })
}
