//! `cargo compare`: times the index against the crates that could be used instead, and against itself at rest, when small,
//! without a filter and on the first page.
//!
//! | section | compared with |
//! |---|---|
//! | `lookup` | kiddo (the fastest k-d tree in Rust), rstar, geo-index and a linear scan |
//! | `growth` | the same index with 1 % of the merchants |
//! | `filter`, `text`, `ranges` | the search without a filter |
//! | `serving` | the search without service areas, and without a box |
//! | `pages` | the first page |
//! | `writes` | searches at rest; 100,000 moves per second |
//! | `memory` | 64 bytes per merchant, and 32 for the index of names |
//!
//! Contenders run in interleaved rounds of one batch of queries each, so that other load on the machine affects all of them; a
//! ratio is the median over all rounds. All contenders must agree on the results before they are timed. Prints a table and
//! writes `target/compare.json`.
//!
//! `cargo compare [SECTION…]` runs only these sections and keeps the figures of the others. `--quick` runs them with 1 % of the
//! merchants and writes no file: it checks that the contenders agree and that the command works, and its figures mean nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a development tool: figures go to stdout, a failure aborts it"
)]

mod filter;
mod growth;
mod interleave;
mod lookup;
mod memory;
mod pages;
mod ranges;
mod rivals;
mod serving;
mod text;
mod writes;

use std::{collections::BTreeMap, env, fs, process};

use mimalloc::MiMalloc;

/// The server's allocator.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// Seed of all datasets.
const SEED: u64 = 20_240_229;

const JSON: &str = "target/compare.json";

const SECTIONS: [(&str, Section); 9] = [
    ("lookup", lookup::run),
    ("growth", growth::run),
    ("filter", filter::run),
    ("serving", serving::run),
    ("text", text::run),
    ("ranges", ranges::run),
    ("pages", pages::run),
    ("writes", writes::run),
    ("memory", memory::run),
];

/// The option that runs the sections with 1 % of the merchants.
const QUICK: &str = "--quick";

/// Named ratios.
#[derive(Default)]
struct Report {
    is_quick: bool,
    ratios: BTreeMap<&'static str, f64>,
}

/// Times one section and adds its ratios.
type Section = fn(&mut Report);

/// The goal of a ratio.
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    /// Returns a number of merchants or rounds: the given one, or 1 % of it in a quick run.
    fn scale(&self, number: usize) -> usize {
        if self.is_quick { number.div_ceil(100) } else { number }
    }

    fn add(&mut self, name: &'static str, ratio: f64, goal: Goal) {
        let (sign, limit, met) = match goal {
            Goal::AtLeast(limit) => (">=", limit, ratio >= limit),
            Goal::AtMost(limit) => ("<=", limit, ratio <= limit),
        };
        println!("  {name:<28} {ratio:>8.2}   goal {sign} {limit:<6} {}", if met { "met" } else { "MISSED" });
        self.ratios.insert(name, ratio);
    }
}

fn main() {
    let mut sections: Vec<String> = env::args().skip(1).collect();
    let is_quick = sections.iter().any(|section| section == QUICK);
    sections.retain(|section| section != QUICK);
    let mut report = Report { is_quick, ..Report::default() };
    if let [child] = sections.as_slice()
        && let Some(with_names) = memory::child_option(child)
    {
        return memory::child(&report, with_names);
    }
    let known: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = sections.iter().find(|section| !known.contains(&section.as_str())) {
        println!(
            "unknown section {unknown}; sections: {} (default: all); {QUICK} runs them with 1 % of the merchants",
            known.join(", ")
        );
        process::exit(64);
    }
    for (name, run) in SECTIONS {
        if sections.is_empty() || sections.iter().any(|section| section == name) {
            println!("\n== {name}");
            run(&mut report);
        }
    }
    if is_quick {
        return println!("\nquick run: the figures mean nothing, and {JSON} is unchanged");
    }
    // Sections that were not run keep their earlier figures.
    let before = fs::read_to_string(JSON).ok().and_then(|json| serde_json::from_str(&json).ok());
    let mut ratios: BTreeMap<String, f64> = before.unwrap_or_default();
    ratios.extend(report.ratios.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)));
    fs::create_dir_all("target").unwrap();
    fs::write(JSON, serde_json::to_string_pretty(&ratios).unwrap() + "\n").unwrap();
    println!("\ntimes are medians; the ratios are in {JSON}");
}
