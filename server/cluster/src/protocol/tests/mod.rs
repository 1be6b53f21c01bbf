mod healing;
pub(crate) mod model;
mod random;
mod rules;
mod scenarios;
mod world;
