//! OpenStreetMap's `opening_hours` expressions.
//!
//! | module | contents |
//! |---|---|
//! | `lexer`, `parser` | text → [`Expression`] |
//! | `syntax` | the parsed form |
//! | `days` | whether a rule applies on a date |
//! | `timeline` | the states of one day, which rules overwrite in order |
//! | `evaluate` | the states of the local day, from its own timeline and the night of the day before |
//!
//! Parser and evaluation are our own. The crates of the same purpose lose distinctions that decide the state (`PH Mo-Fr` and
//! `PH,Mo-Fr`, `open "x"` and `"x"`, lists with `, `), and refuse a twentieth of the values in the map that have one meaning:
//! `server/tests/clients/node/opening-hours.test.js` compares this module with opening_hours.js.

mod days;
mod evaluate;
mod lexer;
mod parser;
mod syntax;
mod timeline;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    evaluate::{Place, stretches_of_day},
    syntax::{Expression, HolidayKind, SunEvent},
};
