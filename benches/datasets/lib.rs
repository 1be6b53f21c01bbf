//! Datasets to search, derived from a seed: the same on every machine.
//!
//! | module | contents |
//! |---|---|
//! | `locations` | locations of merchants and origins of searches |
//! | `merchants` | merchants at those locations, with terms to filter by |
//! | `names` | names of merchants to search by text |

mod locations;
mod merchants;
mod names;

pub use self::{
    locations::{Dataset, real_data},
    merchants::{TermGenerator, merchant, named_merchant, rare_term},
    names::{NAMES_OF, NameGenerator, RARE_WORD},
};

/// Returns the median.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
