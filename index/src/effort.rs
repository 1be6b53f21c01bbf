//! The work of conditions that are evaluated merchant by merchant, estimated from what they read.
//!
//! A page of the index takes about a microsecond, whatever a query asks for, but one merchant of it can take as long as a hundred pages:
//! its point is compared with an area of 1,000 vertices, or the text with 32 names of 256 bytes. Callers of a search bound and
//! charge its work by this estimate.

use std::cell::Cell;

/// Nanoseconds for each vertex of an area that a point is compared with, in single and in double precision: measured 4.0 and 10.9 with
/// 1,000 vertices. The exact comparison also solves one inverse geodesic problem, in 550 ns.
const FAST_VERTEX_NS: u64 = 4;
const EXACT_VERTEX_NS: u64 = 11;
const INVERSE_NS: u64 = 550;
/// Nanoseconds for reading a profile.
const PROFILE_NS: u64 = 60;
/// Nanoseconds for folding a byte of a name: measured 3.7 to 5.1 in ASCII, and in other scripts 15.7 (Thai) to 25 (Latin with marks), 45
/// in Hangul. A ligature of 3 bytes becomes 33, in 27 ns each.
const ASCII_BYTE_NS: u64 = 4;
const OTHER_BYTE_NS: u64 = 22;
/// Nanoseconds for comparing a part of a text with a part of a name: measured 3 for compounds, and 6 for words.
const PAIR_NS: u64 = 5;

/// Estimated work.
#[derive(Debug, Default)]
pub struct Effort(Cell<u64>);

impl Effort {
    /// Nanoseconds of work for which [`SearchControl::should_continue`](crate::SearchControl::should_continue) is called once, as it is
    /// for each page.
    pub(crate) const CHECK_NS: u64 = 1_500;

    /// Returns the nanoseconds that the work takes on a machine like the one that the weights were measured on.
    #[must_use]
    pub fn nanoseconds(&self) -> u64 {
        self.0.get()
    }

    /// Adds the work of a condition that is not the index's own.
    pub fn add_nanoseconds(&self, nanoseconds: u64) {
        self.0.set(self.0.get().saturating_add(nanoseconds));
    }

    /// Adds a comparison of a point with the vertices of an area.
    pub(crate) fn add_vertices(&self, vertices: usize) {
        self.add_nanoseconds(FAST_VERTEX_NS.saturating_mul(vertices as u64));
    }

    /// Adds an exact comparison of a point with the vertices of an area.
    pub(crate) fn add_exact_vertices(&self, vertices: usize) {
        self.add_nanoseconds(EXACT_VERTEX_NS.saturating_mul(vertices as u64) + INVERSE_NS);
    }

    /// Adds the read of a profile.
    pub(crate) fn add_profile(&self) {
        self.add_nanoseconds(PROFILE_NS);
    }

    /// Adds a name that is folded, and the pairs of its parts and those of a text that are compared.
    pub(crate) fn add_name(&self, name: &str, folded: &str, pairs: usize) {
        let byte_ns = if name.is_ascii() { ASCII_BYTE_NS } else { OTHER_BYTE_NS };
        let bytes = name.len().max(folded.len()) as u64;
        self.add_nanoseconds(byte_ns.saturating_mul(bytes) + PAIR_NS.saturating_mul(pairs as u64));
    }
}
