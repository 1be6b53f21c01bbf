//! Evaluates an expression for a local day.
//!
//! Semantics, where the specification leaves a choice:
//!
//! - A rule after `;` replaces the earlier rules on its days, unless it closes. A rule without days replaces only those without days,
//!   so that `Mo-Sa 08:00-13:00; 15:00-18:00` adds the afternoon. A rule that closes applies on top: with hours it cuts those hours.
//! - Hours past midnight belong to the day on which they start. Rules of the next day do not cut them; where one of the two closes hours
//!   explicitly, the later rule decides.
//! - A comment without a state is unknown. An open end is unknown from the time given to the start of the next span of the rule, or
//!   else to an assumed end, as in opening_hours.js: the end of the day, or after 17:00 ten hours and after 22:00 eight hours later.
//! - A fallback applies where the rules before it leave a day closed; without hours, from midnight to midnight.
//! - A span whose event of the sun does not occur, near the poles, makes the day unknown.

use jiff::civil::Date;
use nearby_index::OpenStatus;

use super::{
    syntax::{Expression, HolidayKind, Operator, Rule, SunEvent, TimePoint, TimeSpan},
    timeline::{Cell, END, Mark, Timeline},
};
use crate::opening_hours::DAY_MINUTES;

/// Facts of a place on which an expression depends.
pub(crate) trait Place {
    /// Returns whether a local date is a holiday.
    fn is_holiday(&self, day: Date, kind: HolidayKind) -> bool;

    /// Returns the minutes from midnight of a local date to an event of the sun. `None` if the sun does not rise or set.
    fn sun_minutes(&self, day: Date, event: SunEvent) -> Option<i32>;
}

/// Minutes of a local day in which the state does not change: `from` is inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch<'e> {
    pub(crate) from: i32,
    pub(crate) to: i32,
    pub(crate) status: OpenStatus,
    pub(crate) comment: Option<&'e str>,
}

/// Returns the states of a local day, from minute 0 to 1,440 without gaps.
pub(crate) fn stretches_of_day<'e>(
    expression: &'e Expression,
    day: Date,
    place: &dyn Place,
) -> Vec<Stretch<'e>> {
    let today = timeline(expression, day, place);
    let yesterday = day.yesterday().ok().map(|day| timeline(expression, day, place));
    let night: Vec<Cell<'e>> =
        yesterday.iter().flat_map(|timeline| timeline.within(DAY_MINUTES, END)).map(by_next_day).collect();
    let mut stretches: Vec<Stretch<'e>> = Vec::new();
    for cell in today.within(0, DAY_MINUTES) {
        let mut from = cell.from;
        while from < cell.to {
            let of_night = night.iter().find(|night| (night.from..night.to).contains(&from));
            let to = of_night.map_or(cell.to, |night| night.to.min(cell.to));
            let (status, comment) = combined(cell, of_night);
            match stretches.last_mut() {
                Some(last) if (last.status, last.comment) == (status, comment) => last.to = to,
                _ => stretches.push(Stretch { from, to, status, comment }),
            }
            from = to;
        }
    }
    stretches
}

/// Returns a cell of a night in minutes of the next day.
fn by_next_day(cell: Cell<'_>) -> Cell<'_> {
    Cell { from: cell.from - DAY_MINUTES, to: cell.to - DAY_MINUTES, ..cell }
}

/// Combines the state of a day with that of the night that started the day before. If one of them closes hours explicitly, the later
/// rule decides; otherwise what is open wins, and then what is unknown.
fn combined<'e>(today: Cell<'e>, night: Option<&Cell<'e>>) -> (OpenStatus, Option<&'e str>) {
    const BY_WEIGHT: [Mark; 4] = [Mark::Open, Mark::Unknown, Mark::ClosedHours, Mark::Closed];
    let status = |cell: &Cell<'e>| match cell.mark {
        Mark::Open => (OpenStatus::Open, cell.comment),
        Mark::Unknown => (OpenStatus::Unknown, cell.comment),
        Mark::Closed | Mark::ClosedHours => (OpenStatus::Closed, cell.comment),
    };
    let Some(night) = night.filter(|night| night.mark != Mark::Closed) else { return status(&today) };
    if [today.mark, night.mark].contains(&Mark::ClosedHours) {
        return status(if night.rule > today.rule { night } else { &today });
    }
    let weight = |cell: &Cell<'e>| BY_WEIGHT.iter().position(|mark| *mark == cell.mark);
    status(if weight(night) < weight(&today) { night } else { &today })
}

/// Returns the states that start on a day.
fn timeline<'e>(expression: &'e Expression, day: Date, place: &dyn Place) -> Timeline<'e> {
    let mut matching: Vec<(usize, &Rule)> = Vec::new();
    for (number, rule) in (1..).zip(&expression.rules) {
        if !rule.days.includes(day, place) {
            continue;
        }
        if rule.operator == Operator::Override && rule.status != OpenStatus::Closed {
            // A rule without days replaces those without days only, and a comment none of them.
            let every_day = rule.days.is_empty();
            let is_comment = rule.status == OpenStatus::Unknown;
            matching.retain(|(_, earlier)| every_day && (is_comment || !earlier.days.is_empty()));
        }
        matching.push((number, rule));
    }
    let mut timeline = Timeline::closed();
    for (number, rule) in matching {
        apply((number, rule), day, place, &mut timeline);
    }
    timeline
}

fn apply<'e>((number, rule): (usize, &'e Rule), day: Date, place: &dyn Place, timeline: &mut Timeline<'e>) {
    let only_closed = rule.operator == Operator::Fallback;
    let comment = rule.comment.as_deref();
    let mut put = |from, to, mark| timeline.put(Cell { from, to, mark, rule: number, comment }, only_closed);
    let mark = match rule.status {
        OpenStatus::Open => Mark::Open,
        OpenStatus::Unknown => Mark::Unknown,
        OpenStatus::Closed => Mark::ClosedHours,
    };
    if rule.times.is_empty() {
        match rule.status {
            // Also the night that starts on this day.
            OpenStatus::Closed => put(0, END, Mark::Closed),
            OpenStatus::Open | OpenStatus::Unknown => put(0, DAY_MINUTES, mark),
        }
        return;
    }
    let spans: Vec<Option<(i32, i32)>> = rule.times.iter().map(|span| minutes(span, day, place)).collect();
    // First the ends that are unknown, so that spans of the same rule overwrite them.
    for (span, minutes) in rule.times.iter().zip(&spans) {
        match minutes {
            None => put(0, DAY_MINUTES, Mark::Unknown),
            Some((_, end)) if span.open_end && mark != Mark::ClosedHours => {
                let next = spans.iter().flatten().map(|(from, _)| *from).filter(|from| from > end).min();
                put(*end, next.unwrap_or_else(|| assumed_end(*end)), Mark::Unknown);
            }
            Some(_) => {}
        }
    }
    for (from, to) in spans.iter().flatten() {
        put(*from, *to, mark);
    }
}

/// Returns start and end of a span in minutes from midnight; both are equal if its end is not given. `None` if an event of the sun
/// does not occur.
///
/// The kinds of its ends, not the season, decide if a span runs past midnight: `sunrise-08:00` is empty on a day on which the sun rises
/// later.
fn minutes(span: &TimeSpan, day: Date, place: &dyn Place) -> Option<(i32, i32)> {
    let minutes = |point: TimePoint| match point {
        TimePoint::Clock(minutes) => Some(minutes),
        TimePoint::Sun { event, offset_minutes } => Some(place.sun_minutes(day, event)? + offset_minutes),
    };
    let from = minutes(span.from)?;
    let to = match span.to {
        None => from,
        Some(end) => match minutes(end)? {
            to if to > from => to,
            to if ends_next_day(span.from, end) => to + DAY_MINUTES,
            _ => from,
        },
    };
    Some((from, to))
}

/// Returns whether a span that does not end after its start on the same day ends on the next. Ends at clock times are normalised
/// already.
fn ends_next_day(from: TimePoint, to: TimePoint) -> bool {
    let is_evening = |point: TimePoint| match point {
        TimePoint::Clock(minutes) => minutes >= DAY_MINUTES / 2,
        TimePoint::Sun { event, .. } => matches!(event, SunEvent::Sunset | SunEvent::Dusk),
    };
    match (from, to) {
        // `sunset-02:00`, but not `sunrise-08:00`; `20:00-sunrise`, but not `20:00-sunset`.
        (TimePoint::Sun { .. }, TimePoint::Clock(_)) => is_evening(from) || is_early(to),
        (_, TimePoint::Sun { .. }) => is_evening(from) && !is_evening(to),
        (TimePoint::Clock(_), TimePoint::Clock(_)) => true,
    }
}

/// Returns whether a clock time is before any sunrise in most places, so that a span from sunrise to it lasts until the next morning.
fn is_early(point: TimePoint) -> bool {
    matches!(point, TimePoint::Clock(minutes) if minutes < 180)
}

/// Returns the end that is assumed for an open end after `minutes`.
fn assumed_end(minutes: i32) -> i32 {
    match minutes {
        ..1_020 => DAY_MINUTES,
        1_020..1_320 => minutes + 600,
        1_320.. => minutes + 480,
    }
}
