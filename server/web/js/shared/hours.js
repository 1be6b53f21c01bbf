// Opening hours as a table.

import { element } from '../dom.js';
import { calendarDate, t, weekday } from '../i18n/i18n.js';
import { weekOfExpression } from './hours-expression.js';

export const DAY_MINUTES = 1440;
export const WEEKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'].map(day => `WEEKDAY_${day}`);

/** The hours of each weekday, Monday first: lists of `{start, length}` in minutes, by start. */
export function weekOf(periods) {
  const week = WEEKDAYS.map(() => []);
  for (const { weekday: day, startMinute = 0, lengthMinutes } of periods) {
    const index = WEEKDAYS.indexOf(day);
    if (lengthMinutes <= DAY_MINUTES) {
      week[index].push({ start: startMinute, length: lengthMinutes });
      continue;
    }
    // The part of a longer period after the first midnight belongs to the days that it covers.
    let left = lengthMinutes;
    for (let offset = 0, start = startMinute; left > 0; offset += 1, start = 0) {
      const length = Math.min(left, DAY_MINUTES - start);
      week[(index + offset) % 7].push({ start, length });
      left -= length;
    }
  }
  for (const day of week) day.sort((a, b) => a.start - b.start);
  return week;
}

/** Minutes of a day as a time. */
export const clock = minutes => `${String(Math.floor(minutes / 60) % 24).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** The hours of a day, such as `09:00–12:00, 13:00–17:00`. */
function periodsText(periods) {
  if (periods.length === 0) return t('closed');
  const text = ({ start, length }) => {
    if (start === 0 && length >= DAY_MINUTES) return t('all_day');
    const end = start + length;
    return `${clock(start)}–${end === DAY_MINUTES ? '24:00' : clock(end)}`;
  };
  return [...new Set(periods.map(text))].join(', ');
}

/** The weekday in a time zone, 0 (Monday) to 6; -1 if the browser does not know the zone. */
function todayIn(timeZone, now = new Date()) {
  try {
    const name = new Intl.DateTimeFormat('en', { timeZone, weekday: 'long' }).format(now);
    return WEEKDAYS.indexOf(`WEEKDAY_${name.toUpperCase()}`);
  } catch {
    return -1;
  }
}

/** Makes the section of the hours. */
export function hoursSection(hours) {
  const parts = [element('h3', {}, t('hours'))];
  const { weeklyPeriods = [], specialDays = [], osmExpression, displayText, timeZone } = hours ?? {};
  if (weeklyPeriods.length > 0) parts.push(weekTable({ week: weekOf(weeklyPeriods) }, timeZone));
  const readable = osmExpression ? weekOfExpression(osmExpression) : null;
  if (readable) parts.push(weekTable(readable, timeZone));
  if (osmExpression) parts.push(element('p', { className: 'sub' }, element('code', {}, osmExpression)));
  if (displayText && displayText !== osmExpression) parts.push(element('p', {}, displayText));
  if (parts.length === 1) parts.push(element('p', { className: 'sub' }, t('hours_none')));
  if (specialDays.length > 0) parts.push(specialTable(specialDays));
  if (timeZone) parts.push(element('p', { className: 'sub' }, t('time_zone', { zone: timeZone })));
  return element('section', { className: 'hours' }, parts);
}

function row(head, text, className = '') {
  return element('tr', { className }, element('th', { scope: 'row' }, head), element('td', {}, text));
}

/** The hours of a week as a table. */
export function weekTable({ week, holidays }, timeZone) {
  const today = todayIn(timeZone);
  const rows = week.map((day, index) => row(weekday(index), periodsText(day), index === today ? 'today' : ''));
  if (holidays) rows.push(row(t('public_holidays'), periodsText(holidays)));
  return element('table', { className: 'week' }, element('tbody', {}, rows));
}

function specialTable(days) {
  const sorted = [...days].sort((a, b) => key(a.date) - key(b.date));
  const rows = sorted.map(({ date, periods = [] }) =>
    row(calendarDate(date), periodsText(periods.map(({ startMinute = 0, lengthMinutes }) => ({ start: startMinute, length: lengthMinutes })))));
  return element('div', {}, element('h3', {}, t('special_days')), element('table', {}, element('tbody', {}, rows)));
}

const key = ({ year, month, day }) => (year * 100 + month) * 100 + day;
