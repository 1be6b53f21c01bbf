'use strict';
// The reasons for which the server and opening_hours.js may differ. The first class whose `applies` holds explains a difference.
// Sentences in quotes are of https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification.

const CLASSES = [
  {
    name: 'calendar',
    decision: 'The two have different public holidays for the day: the server those of its calendar, which an operator can replace.',
    applies: ({ value, calendarsDiffer }) => /PH/i.test(value) && calendarsDiffer,
  },
  {
    name: 'night',
    decision: '"Rules with a time range that extends over midnight" belong to the day they start on: a rule for the next day replaces '
      + 'the hours of that day, not the night before it. opening_hours.js ends the night at midnight if a later rule names the next day.',
    applies: ({ value, hour, theirs, ours, theirsAtMidnight }) =>
      hour < 6 && /;|,/.test(value) && /-0\d:\d\d|-2[4-9]/.test(value) && theirs === 'CLOSED' && ours === theirsAtMidnight,
  },
  {
    name: 'open end',
    decision: '"Open end: closing time is not known": the state is unknown after the time given. opening_hours.js reports closed after '
      + 'a span such as 16:00-22:00+.',
    applies: ({ value, ours }) => /\d\d:\d\d\+/.test(value) && ours === 'UNKNOWN',
  },
  {
    name: 'missing separator',
    decision: 'The grammar has no rule with days after its times: `Mo-Fr 08:00-17:00 Sa 09:00-12:00` is read as two rules. '
      + 'opening_hours.js applies both times to all of the days.',
    applies: ({ value }) => /(?:Mo|Tu|We|Th|Fr|Sa|Su)\s+\d\S*\d\s+(?:Mo|Tu|We|Th|Fr|Sa|Su)\s+\d/.test(value),
  },
];

module.exports = { CLASSES };
