// Simple opening hours expressions as a week: days and times, as nearly all shops have them. Anything else stays text.

const DAYS = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];
const DAY = '(?:Mo|Tu|We|Th|Fr|Sa|Su|PH)';
const SPAN = '\\d{1,2}:\\d{2}-\\d{1,2}:\\d{2}';
const RULE = new RegExp(`^(${DAY}(?:-${DAY})?(?:,${DAY}(?:-${DAY})?)*) +(off|closed|${SPAN}(?:, ?${SPAN})*)$`);
const DAY_MINUTES = 1440;

/**
 * The periods of each weekday, Monday first, and those of public holidays if the expression names them: `{week, holidays}`, with
 * `{start, length}` in minutes. Null for an expression that this does not read with certainty.
 */
export function weekOfExpression(expression) {
  const week = DAYS.map(() => []);
  let holidays = null;
  const rules = expression.trim().split(/ *; */).filter(rule => rule !== '');
  if (rules.length === 0) return null;
  for (const rule of rules) {
    if (rule === '24/7') {
      week.fill([{ start: 0, length: DAY_MINUTES }]);
      continue;
    }
    const match = RULE.exec(rule);
    const days = match && daysOf(match[1]);
    const periods = match && periodsOf(match[2]);
    if (!days || !periods) return null;
    // A later rule replaces earlier ones on its days.
    for (const day of days) {
      if (day === 'PH') holidays = periods;
      else week[day] = periods;
    }
  }
  return { week, holidays };
}

/** Indices of days, and `PH`; null for a range with holidays. */
function daysOf(text) {
  const days = [];
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('-');
    if (first === 'PH' && last === 'PH' && !part.includes('-')) {
      days.push('PH');
      continue;
    }
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    if (from < 0 || to < 0) return null;
    for (let day = from; ; day = (day + 1) % 7) {
      days.push(day);
      if (day === to) break;
    }
  }
  return days;
}

function periodsOf(text) {
  if (text === 'off' || text === 'closed') return [];
  const minutes = clock => {
    const [hour, minute] = clock.split(':').map(Number);
    return minute < 60 && hour <= 26 ? hour * 60 + minute : NaN;
  };
  const periods = text.split(/, ?/).map(span => {
    const [start, end] = span.split('-').map(minutes);
    return { start, length: end > start ? end - start : end - start + DAY_MINUTES };
  });
  const isValid = periods.every(({ start, length }) => start < DAY_MINUTES && length > 0 && length <= DAY_MINUTES);
  return isValid ? periods.sort((a, b) => a.start - b.start) : null;
}
