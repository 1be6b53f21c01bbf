//! Worlds to search in, made from a seed: the same on every machine and every time.

mod places;
mod shops;

pub use self::{
    places::{World, real_data},
    shops::{Shops, merchant, rare},
};

/// The median of figures that were taken in turns.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
