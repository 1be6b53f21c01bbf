//! The states of a place over a span of time, computed in advance.

/// Opening status of a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenStatus {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Not known.
    Unknown,
}

/// A time in which the state does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch<'s> {
    /// The first second of the stretch.
    pub from_s: i64,
    /// The state.
    pub status: OpenStatus,
    /// A comment on the state, such as "by appointment".
    pub comment: Option<&'s str>,
    /// The first second of the next stretch; `None` at the end of the schedule.
    pub until_s: Option<i64>,
}

/// The states from an instant to another, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    from_s: i64,
    until_s: i64,
    /// Start of each stretch in seconds after `from_s`, ascending from 0, and its state.
    starts: Box<[(u32, OpenStatus)]>,
    /// Comments, and the index of the stretch that each belongs to, ascending.
    comments: Box<[(u32, Box<str>)]>,
}

impl Schedule {
    /// Creates a schedule from stretches: the start of each in seconds since 1970, its state and its comment.
    /// Returns `None` without stretches, if they do not ascend, or if they last longer than a century.
    #[must_use]
    pub fn new<'s>(
        until_s: i64,
        stretches: impl IntoIterator<Item = (i64, OpenStatus, Option<&'s str>)>,
    ) -> Option<Self> {
        let mut starts: Vec<(u32, OpenStatus)> = Vec::new();
        let mut comments: Vec<(u32, Box<str>)> = Vec::new();
        let mut from_s = until_s;
        for (start_s, status, comment) in stretches {
            if starts.is_empty() {
                from_s = start_s;
            }
            let start = u32::try_from(start_s.checked_sub(from_s)?).ok()?;
            if starts.last().is_some_and(|(last, _)| *last >= start) {
                return None;
            }
            if let Some(comment) = comment {
                comments.push((u32::try_from(starts.len()).ok()?, comment.into()));
            }
            starts.push((start, status));
        }
        let is_valid = starts.last().is_some_and(|(start, _)| from_s + i64::from(*start) < until_s);
        is_valid.then(|| Self { from_s, until_s, starts: starts.into(), comments: comments.into() })
    }

    /// Returns the end: the first second that the schedule does not cover.
    #[must_use]
    pub fn until_s(&self) -> i64 {
        self.until_s
    }

    /// Returns the state at a second; `None` outside of the schedule.
    #[inline]
    #[must_use]
    pub fn status_at(&self, at_s: i64) -> Option<OpenStatus> {
        self.index_at(at_s).map(|index| self.starts[index].1)
    }

    /// Returns the stretch that contains a second; `None` outside of the schedule.
    #[must_use]
    pub fn stretch_at(&self, at_s: i64) -> Option<Stretch<'_>> {
        let index = self.index_at(at_s)?;
        let comment = self.comments.binary_search_by_key(&index, |(of, _)| *of as usize).ok();
        let next = self.starts.get(index + 1);
        let (start, status) = self.starts[index];
        Some(Stretch {
            from_s: self.from_s + i64::from(start),
            status,
            comment: comment.map(|comment| &*self.comments[comment].1),
            until_s: next.map(|(start, _)| self.from_s + i64::from(*start)),
        })
    }

    fn index_at(&self, at_s: i64) -> Option<usize> {
        if at_s >= self.until_s {
            return None;
        }
        let offset = u32::try_from(at_s.checked_sub(self.from_s)?).ok()?;
        self.starts.partition_point(|(start, _)| *start <= offset).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_finds_the_stretch_of_a_second() {
        let stretches = [
            (-100, OpenStatus::Closed, None),
            (0, OpenStatus::Open, Some("tea")),
            (50, OpenStatus::Unknown, None),
        ];
        let schedule = Schedule::new(90, stretches).unwrap();
        for (at_s, expected) in [
            (-101, None),
            (-100, Some((OpenStatus::Closed, None, Some(0)))),
            (-1, Some((OpenStatus::Closed, None, Some(0)))),
            (0, Some((OpenStatus::Open, Some("tea"), Some(50)))),
            (49, Some((OpenStatus::Open, Some("tea"), Some(50)))),
            (50, Some((OpenStatus::Unknown, None, None))),
            (89, Some((OpenStatus::Unknown, None, None))),
            (90, None),
            (i64::MAX, None),
            (i64::MIN, None),
        ] {
            let found = schedule.stretch_at(at_s);
            assert_eq!(found.map(|found| (found.status, found.comment, found.until_s)), expected, "{at_s}");
            assert_eq!(schedule.status_at(at_s), found.map(|found| found.status));
        }
    }

    #[test]
    fn schedules_without_order_or_stretches_are_rejected() {
        let open = |start_s| (start_s, OpenStatus::Open, None);
        assert_eq!(Schedule::new(9, []), None);
        assert_eq!(Schedule::new(9, [open(9)]), None);
        assert_eq!(Schedule::new(9, [open(1), open(1)]), None);
        assert_eq!(Schedule::new(9, [open(2), open(1)]), None);
        assert_eq!(Schedule::new(i64::MAX, [open(0), open(i64::MAX - 1)]), None);
    }
}
