//! Worlds to search in, made from a seed: the same on every machine and every time.

mod locations;
mod merchants;

pub use self::{
    locations::{World, real_data},
    merchants::{Shops, merchant, rare},
};

/// The median of figures that were taken in turns.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
