//! Worlds to search in, made from a seed: the same on every machine and every time.

mod places;
mod shops;

pub use self::{
    places::{World, real_data},
    shops::{Shops, merchant, rare},
};
