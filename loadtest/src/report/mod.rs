//! What a run is told by: a summary for the terminal, `report.json` for programs, and one HTML file for people.

mod data;
mod html;
mod machine;
mod plot;
mod terminal;

pub use self::{
    data::{Calls, Phase, Quantiles, Report, ReportError, SecondOf, Subject, Sweep},
    html::html,
    machine::Machine,
    plot::overview,
    terminal::summary,
};
