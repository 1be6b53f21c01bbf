'use strict';
// Converts opening hours to the JSON that a page shows.

const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const MINUTES_OF_DAY = 1_440;
const MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY;
// A page shows the coming special days; a shop can have 400.
const MAX_SPECIAL_DAYS = 14;

/** Returns the hours, or null if none are known. `now` is the time in milliseconds. */
function hoursToJson(hours, now) {
  if (!hours) return null;
  const { timeZone, weeklyPeriods, specialDays, displayText, osmExpression } = hours;
  if (!weeklyPeriods.length && !specialDays.length && !displayText && !osmExpression) return null;
  const today = localDate(now, timeZone);
  return {
    timeZone,
    alwaysOpen: osmExpression.trim() === '24/7' || weeklyPeriods.some(({ lengthMinutes }) => lengthMinutes === MINUTES_OF_WEEK),
    // Seven lists, from Monday; none if no weekly hours are known.
    weekly: weeklyPeriods.length
      ? DAYS.map((day) => periodsOf(weeklyPeriods.filter(({ weekday }) => weekday === `WEEKDAY_${day}`)))
      : [],
    special: specialDays
      .map(({ date, periods }) => ({ date: dateText(date), periods: periodsOf(periods) }))
      .filter(({ date }) => date >= today)
      .sort((one, other) => (one.date < other.date ? -1 : 1))
      .slice(0, MAX_SPECIAL_DAYS),
    text: displayText,
    expression: osmExpression,
  };
}

const periodsOf = (periods) =>
  periods
    .toSorted((one, other) => one.startMinute - other.startMinute)
    .map(({ startMinute, lengthMinutes }) => {
      const end = startMinute + lengthMinutes;
      // Midnight ends the day rather than starting the next one.
      const daysLater = Math.ceil(end / MINUTES_OF_DAY) - 1;
      return { start: timeText(startMinute), end: timeText(end - daysLater * MINUTES_OF_DAY), daysLater };
    });

const digits = (number, count) => String(number).padStart(count, '0');
const timeText = (minutes) => `${digits(Math.floor(minutes / 60), 2)}:${digits(minutes % 60, 2)}`;

/** Formats a CalendarDate as YYYY-MM-DD. */
const dateText = ({ year, month, day }) => `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;

/** Returns the date at a place as YYYY-MM-DD. */
function localDate(now, timeZone) {
  const date = new Date(now);
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(date);
  } catch {
    // A zone that this Node.js does not know, or none.
    return date.toISOString().slice(0, 10);
  }
}

module.exports = { dateText, hoursToJson, localDate };
