// The opening periods of one day, as pairs of times.

import { element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { DAY_MINUTES, clock } from '../shared/hours.js';
import { button, checkTyped, nextId } from './parts.js';

const FIRST = { start: 9 * 60, length: 8 * 60 };
const BREAK_MINUTES = 60;
const AFTERNOON_MINUTES = 4 * 60;

/** Periods `{start, length}` in minutes. An end that is not after the start belongs to the next day. */
export class Periods {
  #list = element('ul', { className: 'periods' });
  #closed = element('span', { className: 'sub', 'data-t': 'closed' });
  #nameOf;
  #onChange;
  #adder;

  /** `nameOf` returns the day, for the labels of its controls. */
  constructor(nameOf, onChange) {
    this.#nameOf = nameOf;
    this.#onChange = onChange;
    const adder = button('add_hours', () => {
      this.#add(this.#next()).querySelector('input').focus();
      this.#changed();
    }, { className: 'add' });
    /** What stands beside the name of the day: whether it is closed, and the button that adds hours. */
    this.head = [this.#closed, adder];
    this.#adder = adder;
    this.node = this.#list;
  }

  write(periods) {
    this.#list.replaceChildren();
    for (const period of periods) this.#add(period);
    this.#closed.hidden = periods.length > 0;
  }

  /** The periods as they are typed, without those that are incomplete. */
  shown() {
    return [...this.#list.children].map(read).filter(Boolean);
  }

  /** The periods; `first` is the number of the first one in the field at `path`. */
  read(path, violations, first = 0) {
    const periods = [];
    for (const entry of this.#list.children) {
      const period = read(entry);
      entry.dataset.path = `${path}[${first + periods.length}]`;
      if (period) periods.push(period);
      else this.#complain(entry, violations);
    }
    return periods;
  }

  #complain(entry, violations) {
    for (const control of entry.querySelectorAll('input[type=time]')) {
      if (control.validity.badInput) checkTyped(control, violations);
      else if (!control.value) violations.push({ control, description: t('incomplete') });
    }
  }

  /** A period after those that are there: the afternoon, if there is a morning. */
  #next() {
    const last = this.shown().at(-1);
    if (!last) return FIRST;
    const start = last.start + last.length + BREAK_MINUTES;
    return start < DAY_MINUTES ? { start, length: Math.min(AFTERNOON_MINUTES, DAY_MINUTES - start) } : FIRST;
  }

  #add({ start, length }) {
    const time = (label, minutes) => {
      const control = element('input', { type: 'time', id: nextId(), value: clock(minutes), oninput: () => this.#changed() });
      control.setAttribute('aria-label', `${this.#nameOf()} ${t(label)}`);
      return control;
    };
    // Special days may have periods of up to two days.
    const isLonger = length > DAY_MINUTES;
    const longer = isLonger && element('label', { className: 'check' },
      element('input', { type: 'checkbox', checked: true, className: 'longer', oninput: () => this.#changed() }), element('span', { 'data-t': 'and_a_day' }));
    const entry = element('li', { className: 'period field' }, time('opens', start), element('span', {}, '–'), time('closes', start + length), longer,
      element('button', { type: 'button', className: 'remove', 'data-t-label': 'remove_hours', 'data-t-title': 'remove_hours', onclick: () => this.#remove(entry) }, '×'), element('span', { className: 'sub next-day' }));
    this.#list.append(entry);
    translate(entry);
    showNextDay(entry);
    return entry;
  }

  #remove(entry) {
    entry.remove();
    this.#changed();
    this.#adder.focus();
  }

  #changed() {
    this.#closed.hidden = this.#list.children.length > 0;
    for (const entry of this.#list.children) showNextDay(entry);
    this.#onChange();
  }
}

function minutesOf(control) {
  const match = /^(\d\d):(\d\d)/.exec(control.value);
  return match ? Number(match[1]) * 60 + Number(match[2]) : null;
}

/** The period of an entry, or null while a time is missing. */
function read(entry) {
  const [start, end] = [...entry.querySelectorAll('input[type=time]')].map(minutesOf);
  if (start === null || end === null) return null;
  const length = (end > start ? end - start : end - start + DAY_MINUTES) + (entry.querySelector('.longer')?.checked ? DAY_MINUTES : 0);
  return { start, length };
}

/** Says that a period ends on the next day, or lasts all day: a typing error would otherwise look like hours. */
function showNextDay(entry) {
  const period = read(entry);
  const isAllDay = period?.length === DAY_MINUTES && period.start === 0;
  const key = isAllDay ? 'all_day' : period && period.start + period.length > DAY_MINUTES ? 'until_next_day' : null;
  const note = entry.querySelector('.next-day');
  if (key) note.dataset.t = key;
  else delete note.dataset.t;
  note.textContent = key ? t(key) : '';
}
