// Opening hours as lines of text.

const WEEKDAYS = ['周一', '周二', '周三', '周四', '周五', '周六', '周日'];
const NONE = '休息';

/** @param {{start: string, end: string, daysLater: number}} period */
function periodText({ start, end, daysLater }) {
  const day = ['', '次日'][daysLater];
  return `${start}–${day === undefined ? `${daysLater} 天后` : day}${end}`;
}

/** @param {{start: string, end: string, daysLater: number}[]} periods */
const dayText = (periods) => (periods.length ? periods.map(periodText).join('、') : NONE);

/**
 * Converts the hours of a shop, or null, to lines with a label and a text.
 * @param {any} hours
 * @returns {{label: string, text: string}[]}
 */
function toLines(hours) {
  if (!hours) return [];
  const text = hours.text || hours.expression;
  if (hours.alwaysOpen) return [{ label: '每天', text: '24 小时营业' }, ...specialLines(hours)];
  if (hours.weekly.length === 0) return [...(text ? [{ label: '', text }] : []), ...specialLines(hours)];
  const weekly = WEEKDAYS.map((label, index) => ({ label, text: dayText(hours.weekly[index]) }));
  return [...weekly, ...specialLines(hours)];
}

/** @param {any} hours */
const specialLines = ({ special }) =>
  special.map((/** @type {any} */ { date, periods }) => ({ label: date, text: dayText(periods) }));

module.exports = { toLines };
