//! Figures: one per line on stdout, and in a JSON file.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use nearby_benches::median;

use crate::error::{Result, context};

/// Named figures.
pub(crate) struct Report {
    json: PathBuf,
    figures: BTreeMap<String, f64>,
}

impl Report {
    /// Creates a report. Figures of parts that are not run are kept from the file, if it has the same number of merchants.
    pub(crate) fn new(json: PathBuf, merchants: usize) -> Self {
        let before = fs::read_to_string(&json).ok().and_then(|json| serde_json::from_str(&json).ok());
        let mut figures: BTreeMap<String, f64> = before.unwrap_or_default();
        if figures.get("merchants") != Some(&(merchants as f64)) {
            figures.clear();
        }
        let mut report = Self { json, figures };
        report.add("merchants", merchants as f64, "merchants");
        report
    }

    /// Prints and records a figure.
    pub(crate) fn add(&mut self, name: &str, figure: f64, unit: &str) {
        let digits = match figure.abs() {
            100.0.. => 0,
            1.0.. => 2,
            _ => 4,
        };
        println!("{name} {figure:.digits$} {unit}");
        self.figures.insert(name.to_owned(), figure);
    }

    /// Adds the median of times.
    pub(crate) fn add_median(&mut self, name: &str, times: &[Duration]) {
        if !times.is_empty() {
            self.add(name, median(times.iter().map(Duration::as_secs_f64).collect()), "s");
        }
    }

    /// Adds the ratio of two figures, if both are known.
    pub(crate) fn add_ratio(&mut self, name: &str, above: &str, below: &str) {
        if let (Some(above), Some(below)) = (self.figures.get(above), self.figures.get(below)) {
            self.add(name, above / below, "times");
        }
    }

    /// Adds resident memory, in total and per merchant.
    pub(crate) fn add_memory(&mut self, when: &str, bytes: u64, merchants: usize) {
        self.add(&format!("rss_mb_{when}"), bytes as f64 / 1e6, "MB");
        self.add(&format!("rss_per_merchant_{when}"), bytes as f64 / merchants as f64, "bytes");
    }

    pub(crate) fn save(&self) -> Result<()> {
        let operation = format!("cannot write {}", self.json.display());
        let text = serde_json::to_string_pretty(&self.figures).map_err(context(&operation))?;
        fs::write(&self.json, text + "\n").map_err(context(&operation))
    }
}
