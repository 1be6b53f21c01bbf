//! Figures of all rounds, by kind, and the table at the end.

use std::{collections::BTreeMap, time::Duration};

use super::{kinds::Kind, load::searches::quantile};

/// Figures of one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Longest time without an acknowledged write.
    pub(crate) gap: Duration,
    /// Latencies of searches before the fault, and from then until the end of the recovery.
    pub(crate) before: Vec<Duration>,
    pub(crate) during: Vec<Duration>,
    /// Faults that nodes have reported, and remedies.
    pub(crate) outcome: String,
}

/// Figures of all rounds.
#[derive(Default)]
pub(crate) struct Statistics {
    kinds: BTreeMap<&'static str, OfKind>,
}

#[derive(Default)]
struct OfKind {
    limits_ms: Option<(u64, u64)>,
    gaps: Vec<Duration>,
    before: Vec<Duration>,
    during: Vec<Duration>,
    outcomes: BTreeMap<String, u64>,
}

impl Statistics {
    /// Adds a round.
    pub(crate) fn add(&mut self, kind: &Kind, figures: Figures) {
        let of_kind = self.kinds.entry(kind.name).or_default();
        of_kind.limits_ms = kind.limits_ms;
        of_kind.gaps.push(figures.gap);
        of_kind.before.extend(figures.before);
        of_kind.during.extend(figures.during);
        *of_kind.outcomes.entry(figures.outcome).or_default() += 1;
    }

    /// Returns the lines of the table.
    pub(crate) fn table(&mut self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<28} {:>6}  {:>8} {:>8} {:>15}  {:>8} {:>8}  outcome",
            "kind", "rounds", "median", "highest", "limits", "p99", "during"
        )];
        for (name, of_kind) in &mut self.kinds {
            lines.push(of_kind.line(name));
        }
        lines.push(
            "median, highest: longest time without an acknowledged write, in ms; p99, during: searches before and during the \
             fault, in ms"
                .to_owned(),
        );
        lines
    }
}

impl OfKind {
    fn line(&mut self, name: &str) -> String {
        let (median, highest) = (quantile(&mut self.gaps, 0.5), quantile(&mut self.gaps, 1.0));
        let limits = match self.limits_ms {
            None => "-".to_owned(),
            Some((limit, max)) => {
                let is_over = median.as_millis() > u128::from(limit) || highest.as_millis() > u128::from(max);
                format!("{limit}/{max}{}", if is_over { " over" } else { "" })
            }
        };
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        let outcomes: Vec<String> =
            self.outcomes.iter().map(|(outcome, count)| format!("{outcome} × {count}")).collect();
        format!(
            "{name:<28} {:>6}  {:>8} {:>8} {limits:>15}  {:>8.1} {:>8.1}  {}",
            self.gaps.len(),
            median.as_millis(),
            highest.as_millis(),
            ms(quantile(&mut self.before, 0.99)),
            ms(quantile(&mut self.during, 0.99)),
            outcomes.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::cluster::kinds;

    #[test]
    fn the_table_has_the_median_and_the_highest_gap_of_each_kind() {
        let kind = kinds::all().find(|kind| kind.name == "leader-killed").unwrap();
        let mut statistics = Statistics::default();
        for (gap_ms, outcome) in [(4_000, "by itself"), (13_000, "by itself"), (6_000, "rewound, healed")] {
            let figures = Figures {
                gap: Duration::from_millis(gap_ms),
                outcome: outcome.to_owned(),
                ..Figures::default()
            };
            statistics.add(kind, figures);
        }
        let line = statistics.table()[1].split_whitespace().collect::<Vec<_>>().join(" ");
        let expected =
            "leader-killed 3 6000 13000 7000/12000 over 0.0 0.0 by itself × 2, rewound, healed × 1";
        assert_eq!(line, expected);
    }
}
