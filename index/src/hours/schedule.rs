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
    starts: Box<[Start]>,
    /// Distinct comments.
    comments: Box<[Box<str>]>,
}

/// The start of a stretch: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    /// Seconds after `from_s`, ascending from 0.
    after_s: u32,
    status: OpenStatus,
    /// Index of the comment; [`NO_COMMENT`] or another number beyond the comments if there is none.
    comment: u16,
}

const NO_COMMENT: u16 = u16::MAX;

impl Schedule {
    /// Creates a schedule from stretches: the start of each in seconds since 1970, its state and its comment.
    /// Returns `None` without stretches, if they do not ascend, or if they last longer than a century.
    #[must_use]
    pub fn new<'s>(
        until_s: i64,
        stretches: impl IntoIterator<Item = (i64, OpenStatus, Option<&'s str>)>,
    ) -> Option<Self> {
        let mut starts: Vec<Start> = Vec::new();
        let mut comments: Vec<Box<str>> = Vec::new();
        let mut from_s = until_s;
        for (start_s, status, comment) in stretches {
            if starts.is_empty() {
                from_s = start_s;
            }
            let after_s = u32::try_from(start_s.checked_sub(from_s)?).ok()?;
            if starts.last().is_some_and(|last| last.after_s >= after_s) {
                return None;
            }
            let comment = comment.map_or(NO_COMMENT, |comment| {
                let known = comments.iter().position(|known| **known == *comment);
                let index = known.unwrap_or_else(|| {
                    comments.push(comment.into());
                    comments.len() - 1
                });
                u16::try_from(index).unwrap_or(NO_COMMENT)
            });
            starts.push(Start { after_s, status, comment });
        }
        let is_valid = starts.last().is_some_and(|last| from_s + i64::from(last.after_s) < until_s);
        is_valid.then(|| Self { from_s, until_s, starts: starts.into(), comments: comments.into() })
    }

    /// Returns whether the schedule contains a second and those up to an end.
    #[must_use]
    pub fn covers(&self, at_s: i64, end_s: i64) -> bool {
        self.from_s <= at_s && end_s <= self.until_s
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
        self.index_at(at_s).map(|index| self.starts[index].status)
    }

    /// Returns the stretch that contains a second; `None` outside of the schedule.
    #[must_use]
    pub fn stretch_at(&self, at_s: i64) -> Option<Stretch<'_>> {
        let index = self.index_at(at_s)?;
        let start = self.starts[index];
        let second = |start: &Start| self.from_s + i64::from(start.after_s);
        Some(Stretch {
            from_s: second(&start),
            status: start.status,
            comment: self.comments.get(usize::from(start.comment)).map(|comment| &**comment),
            until_s: self.starts.get(index + 1).map(second),
        })
    }

    fn index_at(&self, at_s: i64) -> Option<usize> {
        if at_s >= self.until_s {
            return None;
        }
        let offset = u32::try_from(at_s.checked_sub(self.from_s)?).ok()?;
        self.starts.partition_point(|start| start.after_s <= offset).checked_sub(1)
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
    fn comments_are_kept_once() {
        let stretches =
            (0..100).map(|n| (n, OpenStatus::Open, Some(if n % 2 == 0 { "tea" } else { "coffee" })));
        let schedule = Schedule::new(100, stretches).unwrap();
        assert_eq!(schedule.comments.len(), 2);
        assert_eq!(schedule.stretch_at(51).unwrap().comment, Some("coffee"));
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
