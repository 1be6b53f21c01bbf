//! Merchants for places, with and without something to filter by.

use std::sync::Arc;

use nearby_index::{
    AnyPosition, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Term, TermKind, Terms,
    UnixMicros, Visibility, Wgs84,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A category that one merchant in ten thousand has.
#[must_use]
pub fn rare() -> Term {
    Term::new(TermKind::Category, "shop/one-in-ten-thousand")
}

/// Deals out terms: one of 300 categories, one of 20 services, and to a third of the shops one of 1,000 brands. Low numbers
/// are common, high ones rare, as with real ones.
#[derive(Debug)]
pub struct Shops {
    random: Pcg64Mcg,
    categories: Vec<Term>,
    brands: Vec<Term>,
    services: Vec<Term>,
    rare: Term,
}

impl Shops {
    /// Shops that differ only by the seed.
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
            rare: rare(),
        }
    }

    /// The terms of the next shop.
    pub fn terms(&mut self) -> Terms {
        let random = &mut self.random;
        // The cube leans towards the front: of a thousand the first comes a hundred times as often as the last.
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

/// Hundredths of a percent.
fn percent(share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
    let percent = (share * 10_000.0) as usize;
    percent
}

/// A merchant at a place. Its id is its number.
#[must_use]
pub fn merchant(
    number: usize,
    position: Position<Wgs84>,
    terms: Terms,
    revision: Revision,
) -> Arc<StoredMerchant> {
    let id = MerchantId::parse(&format!("m{number}"));
    let profile = Profile::new(&[]);
    let (Ok(id), Ok(profile)) = (id, profile) else { unreachable!("a letter and a number is an id") };
    Arc::new(StoredMerchant {
        merchant: Merchant {
            id,
            position: AnyPosition::Wgs84(position),
            visibility: Visibility::Visible,
            terms,
            hours: None,
            profile,
        },
        revision,
        placed: Revision(0),
        create_time: UnixMicros(0),
        update_time: UnixMicros(0),
    })
}
