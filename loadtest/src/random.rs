//! Deterministic randomness: independent generators derived from a seed, identical on every machine.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Returns the generator of item `number` in stream `kind` of a seed.
///
/// Each item has a generator of its own, so that item 1,000,000 is made without making those before it. Every user of
/// this function has a `kind` of its own (1 to 11, and 20); changing one changes every published figure of a seed.
pub(crate) fn rng_for(seed: u64, kind: u64, number: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(splitmix64(seed ^ splitmix64(kind ^ splitmix64(number))))
}

/// Maps each number to a different, pseudo-random one (splitmix64, a bijection).
pub(crate) fn splitmix64(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns an index below `count`, the same on 32-bit and 64-bit machines.
pub(crate) fn index_below(count: usize, random: &mut Pcg64Mcg) -> usize {
    usize::try_from(splitmix64(random.random::<u64>()) % (count.max(1) as u64)).unwrap_or_default()
}
