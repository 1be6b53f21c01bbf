//! Reports: a summary for the terminal, JSON for programs, and a self-contained HTML page.

mod data;
mod html;
mod machine;
mod plot;
mod terminal;

pub(crate) use self::data::RECOVERY;
pub use self::{
    data::{Calls, Phase, Quantiles, Report, ReportError, SecondSummary, Setup, Sweep},
    html::html,
    machine::Machine,
    plot::overview,
    terminal::summary,
};
