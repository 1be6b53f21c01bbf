// Texts, numbers and times in the language of the visitor.

import en from './en.js';
import manageEn from './manage-en.js';
import manageZh from './manage-zh.js';
import zh from './zh.js';

const TEXTS = { en: { ...en, ...manageEn }, zh: { ...zh, ...manageZh } };
const LOCALES = { en: 'en', zh: 'zh-CN' };
let language = navigator.languages?.some(tag => /^zh\b/i.test(tag)) && !/^en\b/i.test(navigator.language) ? 'zh' : 'en';

export const currentLanguage = () => language;
/** The BCP 47 tag of the language: the visitor's own, such as `en-GB` or `zh-TW`, if it is of the language. */
export const languageTag = () => navigator.languages?.find(tag => tag.toLowerCase().split('-')[0] === language) ?? LOCALES[language];

/** Sets the language, and the texts of elements with `data-t` (content) and `data-t-label` (`aria-label`). */
export function setLanguage(code) {
  language = code;
  document.documentElement.lang = languageTag();
  document.title = t('page_title');
  translate(document);
}

/** Sets the texts of a part of the document. */
export function translate(root) {
  for (const each of root.querySelectorAll('[data-t]')) each.textContent = t(each.dataset.t);
  for (const each of root.querySelectorAll('[data-t-label]')) each.setAttribute('aria-label', t(each.dataset.tLabel));
  for (const each of root.querySelectorAll('[data-t-title]')) each.title = t(each.dataset.tTitle);
  for (const each of root.querySelectorAll('[data-t-placeholder]')) each.placeholder = t(each.dataset.tPlaceholder);
}

/** A text with its values. */
export function t(key, values = {}) {
  const text = TEXTS[language][key];
  if (text === undefined) throw new Error(`no text named ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

const number = (value, options) => new Intl.NumberFormat(languageTag(), options).format(value);

/** A count. */
export const count = value => number(value, {});

/** A distance: metres up to a kilometre, then kilometres with two digits. */
export function distance(metres) {
  if (Math.round(metres) < 1000) return number(Math.round(metres), { style: 'unit', unit: 'meter' });
  return number(metres / 1000, { style: 'unit', unit: 'kilometer', maximumFractionDigits: metres < 10_000 ? 2 : 1 });
}

/**
 * A moment: the time of today, or the day too. In a time zone that is given, or in that of the browser with its name, since the place
 * that the moment is about may have another one.
 */
export function moment(date, timeZone, now = new Date()) {
  const format = options => new Intl.DateTimeFormat(languageTag(), { timeZone, hourCycle: 'h23', ...options });
  const day = format({ dateStyle: 'short' });
  const isToday = day.format(date) === day.format(now);
  return format({ hour: '2-digit', minute: '2-digit', ...(!isToday && { weekday: 'short' }), ...(!timeZone && { timeZoneName: 'short' }) }).format(date);
}

/** A date without time, of the contract: year, month and day. */
export function calendarDate({ year, month, day }) {
  const date = new Date(Date.UTC(year, month - 1, day));
  return new Intl.DateTimeFormat(languageTag(), { timeZone: 'UTC', dateStyle: 'medium' }).format(date);
}

/** A point in time. */
export const dateTime = date => new Intl.DateTimeFormat(languageTag(), { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(date);

/** Name of a weekday, 0 (Monday) to 6. */
export function weekday(index) {
  // 1 January 2024 was a Monday.
  return new Intl.DateTimeFormat(languageTag(), { timeZone: 'UTC', weekday: 'long' }).format(new Date(Date.UTC(2024, 0, 1 + index)));
}
