// Opening hours: weekly periods with special days, or an expression.

import { element } from '../dom.js';
import { t, translate, weekday } from '../i18n/i18n.js';
import { weekOfExpression } from '../shared/hours-expression.js';
import { WEEKDAYS, weekOf, weekTable } from '../shared/hours.js';
import { button, dateInput, labelled, nextId, readDate, textPart, writeDate } from './parts.js';
import { Periods } from './periods.js';

const MODES = ['unknown', 'weekly', 'expression'];
/** Days that the hours of a day can be copied to. */
const COPIES = { all: [0, 1, 2, 3, 4, 5, 6], weekdays: [0, 1, 2, 3, 4], weekend: [5, 6] };

/** The part of the field `opening_hours`. */
export class HoursPart {
  key = 'openingHours';
  #mode = 'unknown';
  #days;
  #special = element('ul', { className: 'entries special-days' });
  #expression = element('textarea', { rows: 2, spellcheck: false, id: nextId() });
  #preview = element('div');
  #zone;
  #displayText;
  #modes;
  #bodies;

  constructor() {
    this.#zone = textPart('timeZone', 'time_zone_label', { hint: 'time_zone_hint', list: 'time-zones' });
    this.#zone.node.dataset.path = 'opening_hours.time_zone';
    this.#displayText = textPart('displayText', 'display_text', { hint: 'display_text_hint', isLong: true });
    this.#displayText.node.dataset.path = 'opening_hours.display_text';
    this.#days = WEEKDAYS.map((_, index) => this.#dayRow(index));
    this.#bodies = { weekly: this.#weeklyBody(), expression: this.#expressionBody() };
    this.#modes = MODES.map(mode => {
      const radio = element('input', { type: 'radio', name: 'hours-mode', value: mode, id: `hours-${mode}`, onchange: () => this.#setMode(mode) });
      return element('label', { className: 'check' }, radio, element('span', { 'data-t': `hours_mode_${mode}` }));
    });
    this.node = element('fieldset', { className: 'field hours-part', 'data-path': 'opening_hours' },
      element('legend', { 'data-t': 'hours' }),
      element('div', { className: 'choices', role: 'radiogroup', 'data-t-label': 'hours' }, this.#modes),
      Object.values(this.#bodies), this.#zone.node, this.#displayText.node,
      element('datalist', { id: 'time-zones' }, zones().map(value => element('option', { value }))));
    this.#setMode('unknown');
  }

  write(hours = {}) {
    const { weeklyPeriods = [], specialDays = [], osmExpression = '', timeZone, displayText } = hours;
    const week = weekOf(weeklyPeriods);
    this.#days.forEach(({ periods }, index) => periods.write(week[index]));
    this.#special.replaceChildren();
    for (const day of specialDays) this.#addSpecialDay(day);
    this.#expression.value = osmExpression;
    this.#zone.write(timeZone);
    this.#displayText.write(displayText);
    this.#setMode(osmExpression ? 'expression' : weeklyPeriods.length + specialDays.length > 0 ? 'weekly' : 'unknown');
  }

  read(violations) {
    const hours = {};
    if (this.#mode === 'weekly') this.#readWeekly(hours, violations);
    if (this.#mode === 'expression') {
      hours.osmExpression = this.#expression.value.trim();
      if (hours.osmExpression === '') violations.push({ control: this.#expression, description: t('hours_missing') });
    }
    const zone = this.#zone.read();
    if (zone !== undefined) hours.timeZone = zone;
    const text = this.#displayText.read();
    if (text !== undefined) hours.displayText = text;
    // A zone alone is no hours.
    const isEmpty = this.#mode === 'unknown' && text === undefined;
    return isEmpty ? undefined : hours;
  }

  /** Renews what depends on the language beyond the texts of the page. */
  retranslate() {
    this.#days.forEach(({ name }, index) => { name.textContent = weekday(index); });
    for (const copy of this.node.querySelectorAll('.copy-hours')) fillCopies(copy);
    this.#showPreview();
  }

  #setMode(mode) {
    // The zone of the browser is right for most who enter the hours of their own shop.
    if (mode !== 'unknown' && this.#mode === 'unknown' && this.#zone.read() === undefined) this.#zone.write(new Intl.DateTimeFormat().resolvedOptions().timeZone);
    this.#mode = mode;
    this.#modes.forEach((label, index) => { label.firstChild.checked = MODES[index] === mode; });
    for (const [name, body] of Object.entries(this.#bodies)) body.hidden = name !== mode;
    this.#zone.node.hidden = mode === 'unknown';
    this.#showPreview();
  }

  #weeklyBody() {
    return element('div', {},
      element('p', { className: 'hint', 'data-t': 'hours_hint' }),
      element('ul', { className: 'week-editor' }, this.#days.map(({ row }) => row)),
      element('fieldset', { className: 'field', 'data-path': 'opening_hours.special_days' },
        element('legend', { 'data-t': 'special_days' }),
        element('p', { className: 'hint', 'data-t': 'special_days_hint' }), this.#special,
        button('add_day', () => {
          this.#addSpecialDay({}).querySelector('input').focus();
          this.#changed();
        }, { className: 'add', id: 'add-special-day' })));
  }

  #expressionBody() {
    this.#expression.addEventListener('input', () => this.#showPreview());
    const field = labelled('expression', this.#expression, { hint: 'expression_hint', path: 'opening_hours.osm_expression' });
    return element('div', {}, field, this.#preview);
  }

  #dayRow(index) {
    const periods = new Periods(() => weekday(index), () => this.#changed());
    const copy = element('select', { className: 'copy-hours', 'data-t-label': 'copy_hours', onchange: () => this.#copy(index, copy.value) });
    fillCopies(copy);
    copy.addEventListener('change', () => { copy.value = ''; });
    const name = element('span', { className: 'weekday' }, weekday(index));
    const row = element('li', { className: 'field', 'data-weekday': String(index) }, element('div', { className: 'day-head' }, name, periods.head, copy), periods.node);
    return { row, name, periods };
  }

  #copy(from, choice) {
    const targets = COPIES[choice] ?? [Number(choice)];
    const periods = this.#days[from].periods.shown();
    for (const target of targets) if (target !== from) this.#days[target].periods.write(periods);
    this.#changed();
  }

  #addSpecialDay({ date, periods = [] }) {
    const control = dateInput();
    writeDate(control, date);
    const rows = new Periods(() => control.value, () => this.#changed());
    rows.write(periods.map(({ startMinute = 0, lengthMinutes }) => ({ start: startMinute, length: lengthMinutes })));
    const entry = element('li', { className: 'entry field' }, labelled('date', control), element('div', { className: 'day-head' }, rows.head), rows.node, button('remove', () => {
      entry.remove();
      this.#changed();
      this.node.querySelector('#add-special-day').focus();
    }, { className: 'remove' }));
    entry.readDay = (path, violations) => {
      entry.dataset.path = path;
      const day = { date: readDate(control, violations), periods: rows.read(`${path}.periods`, violations).map(asPeriod) };
      if (!day.date && !control.validity.badInput) violations.push({ control, description: t('date_missing') });
      return day;
    };
    this.#special.append(entry);
    translate(entry);
    return entry;
  }

  #readWeekly(hours, violations) {
    const weeklyPeriods = [];
    this.#days.forEach(({ periods }, index) => {
      const read = periods.read('opening_hours.weekly_periods', violations, weeklyPeriods.length);
      weeklyPeriods.push(...read.map(period => ({ weekday: WEEKDAYS[index], ...asPeriod(period) })));
    });
    const specialDays = [...this.#special.children].map((entry, index) => entry.readDay(`opening_hours.special_days[${index}]`, violations));
    if (weeklyPeriods.length > 0) hours.weeklyPeriods = weeklyPeriods;
    if (specialDays.length > 0) hours.specialDays = specialDays;
    if (weeklyPeriods.length + specialDays.length === 0) violations.push({ control: this.node.querySelector('.week-editor button'), description: t('hours_missing') });
  }

  #showPreview() {
    const week = this.#mode === 'expression' ? weekOfExpression(this.#expression.value) : null;
    this.#preview.replaceChildren(week ? weekTable(week, this.#zone.read()) : '');
  }

  #changed() {
    this.node.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

const asPeriod = ({ start, length }) => ({ startMinute: start, lengthMinutes: length });

function fillCopies(select) {
  const option = (value, text) => element('option', { value }, text);
  select.replaceChildren(option('', t('copy_hours')), ...Object.keys(COPIES).map(name => option(name, t(`copy_hours_${name}`))),
    ...WEEKDAYS.map((_, index) => option(String(index), weekday(index))));
}

function zones() {
  try {
    return Intl.supportedValuesOf('timeZone');
  } catch {
    return [];
  }
}
