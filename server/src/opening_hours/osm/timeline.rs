//! The states of one day and of the night that follows it, which rules overwrite in order.

use crate::opening_hours::DAY_MINUTES;

/// End of a timeline: a span of a day may last until the end of the next.
pub(super) const END: i32 = 2 * DAY_MINUTES;

/// The state that the rules of a day give to a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// No rule, or a rule that closes the whole day.
    Closed,
    /// A rule closes these hours: also those of a night that started the day before.
    ClosedHours,
    Unknown,
    Open,
}

impl Mark {
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedHours)
    }
}

/// Minutes of a day with one mark: `from` is inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell<'e> {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) mark: Mark,
    /// Number of the rule in the text, from 1; 0 if no rule applies.
    pub(super) rule: usize,
    pub(super) comment: Option<&'e str>,
}

/// Cells without gaps from 0 to [`END`].
#[derive(Clone, Debug)]
pub(super) struct Timeline<'e> {
    cells: Vec<Cell<'e>>,
}

impl<'e> Timeline<'e> {
    pub(super) fn closed() -> Self {
        Self { cells: vec![Cell { from: 0, to: END, mark: Mark::Closed, rule: 0, comment: None }] }
    }

    /// Overwrites the minutes of a cell, or only those that are closed.
    pub(super) fn put(&mut self, new: Cell<'e>, only_closed: bool) {
        let new = Cell { from: new.from.clamp(0, END), to: new.to.clamp(0, END), ..new };
        if new.from >= new.to {
            return;
        }
        let mut cells = Vec::with_capacity(self.cells.len() + 2);
        for cell in &self.cells {
            let keeps = only_closed && !cell.mark.is_closed();
            if keeps || cell.to <= new.from || new.to <= cell.from {
                cells.push(*cell);
                continue;
            }
            if cell.from < new.from {
                cells.push(Cell { to: new.from, ..*cell });
            }
            cells.push(Cell { from: cell.from.max(new.from), to: cell.to.min(new.to), ..new });
            if new.to < cell.to {
                cells.push(Cell { from: new.to, ..*cell });
            }
        }
        self.cells = cells;
    }

    /// Returns the cells that lie in a range, cut to it.
    pub(super) fn within(&self, from: i32, to: i32) -> impl Iterator<Item = Cell<'e>> {
        let cells = self.cells.iter().filter(move |cell| cell.from < to && from < cell.to);
        cells.map(move |cell| Cell { from: cell.from.max(from), to: cell.to.min(to), ..*cell })
    }
}
