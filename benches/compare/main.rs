//! `cargo compare`: how the index compares with what one could pick instead, and with itself at rest, when small, without
//! a filter and on the first page.
//!
//! What is compared runs in turns, a batch of queries each, again and again, so that a noisy neighbour slows all of them; a
//! ratio is the median of the ratios of all turns. Before anything is timed, all must agree on the answers. Prints a
//! table and writes `target/compare.json`.
//!
//! `cargo compare [SECTION…]` runs only some of lookup, growth, filter, pages, writes, memory, and leaves the figures of the
//! others as they were.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a tool of the house: what fails shows here"
)]

mod filter;
mod growth;
mod lookup;
mod memory;
mod pages;
mod rivals;
mod interleave;
mod writes;

use std::{collections::BTreeMap, env, fs, process};

use mimalloc::MiMalloc;

/// The allocator of the server.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// Makes all worlds.
const SEED: u64 = 20_240_229;

const JSON: &str = "target/compare.json";

const SECTIONS: [(&str, Section); 6] = [
    ("lookup", lookup::run),
    ("growth", growth::run),
    ("filter", filter::run),
    ("pages", pages::run),
    ("writes", writes::run),
    ("memory", memory::run),
];

/// Named ratios, and what they should be.
#[derive(Default)]
struct Report {
    ratios: BTreeMap<&'static str, f64>,
}

/// What times one thing and adds its ratios.
type Section = fn(&mut Report);

enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    fn add(&mut self, name: &'static str, ratio: f64, bar: Bar) {
        let (sign, limit, met) = match bar {
            Bar::AtLeast(limit) => (">=", limit, ratio >= limit),
            Bar::AtMost(limit) => ("<=", limit, ratio <= limit),
        };
        println!("  {name:<28} {ratio:>8.2}   goal {sign} {limit:<6} {}", if met { "met" } else { "MISSED" });
        self.ratios.insert(name, ratio);
    }
}

fn main() {
    let asked: Vec<String> = env::args().skip(1).collect();
    if asked == ["memory-child"] {
        return memory::child();
    }
    let mut report = Report::default();
    let known: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = asked.iter().find(|asked| !known.contains(&asked.as_str())) {
        println!(
            "{unknown}: not a section; cargo compare runs all of {}, or those that are named",
            known.join(", ")
        );
        process::exit(64);
    }
    for (name, run) in SECTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            println!("\n== {name}");
            run(&mut report);
        }
    }
    // What was not run this time keeps its figure of the time before.
    let before = fs::read_to_string(JSON).ok().and_then(|json| serde_json::from_str(&json).ok());
    let mut ratios: BTreeMap<String, f64> = before.unwrap_or_default();
    ratios.extend(report.ratios.into_iter().map(|(name, ratio)| (name.to_owned(), ratio)));
    fs::create_dir_all("target").unwrap();
    fs::write(JSON, serde_json::to_string_pretty(&ratios).unwrap() + "\n").unwrap();
    println!("\ntimes are medians; the ratios are in {JSON}");
}
