// Parts of the form of a merchant.
//
// A part is `{key, node, write, read}`: the field of the contract that it edits, its element, a function that shows a value of that
// field, and one that returns the value shown, or undefined for none. Elements that stand for a field have its path in `data-path`;
// `read` adds texts that are no values to its list of violations, `{control, description}`.

import { element } from '../dom.js';
import { t } from '../i18n/i18n.js';

let controls = 0;
/** Names controls for labels and errors. */
export const nextId = () => `control-${controls += 1}`;

/** The name of a field in the contract. */
export const snakeCase = key => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** A control with its label and, perhaps, a hint. */
export function labelled(label, control, { hint, path } = {}) {
  control.id ||= nextId();
  const note = hint && element('p', { className: 'hint', id: `${control.id}-hint`, 'data-t': hint });
  if (note) control.setAttribute('aria-describedby', note.id);
  return element('div', { className: 'field', 'data-path': path }, element('label', { for: control.id, 'data-t': label }), control, note);
}

/** A button with a text of the page. */
export const button = (label, onclick, properties = {}) => element('button', { type: 'button', 'data-t': label, onclick, ...properties });

/** Texts by the control that shows them: an input has no line breaks, and white space at an end is cut. */
const shownTexts = new WeakMap();

/** Shows a text in a control. */
export function showText(control, text = '') {
  control.value = text;
  shownTexts.set(control, { text, value: control.value });
}

/** The text of a control, or undefined; as it was given while the control is unchanged. */
export function textOf(control) {
  const shown = shownTexts.get(control);
  const text = shown && shown.value === control.value ? shown.text : control.value.trim();
  return text === '' ? undefined : text;
}

/** A number in a control, or undefined; texts that are not numbers are violations. */
export function numberOf(control, violations) {
  const text = textOf(control);
  if (text === undefined) return undefined;
  // 1,500 may be one and a half, or one and a half thousand.
  if (/,\d{3}$/.test(text)) {
    violations.push({ control, description: t('ambiguous_number') });
    return undefined;
  }
  const value = Number(text.replace(',', '.'));
  if (Number.isFinite(value)) return value;
  violations.push({ control, description: t('invalid_number') });
  return undefined;
}

/** A control for numbers. Texts that are none stay, so that the error stands beside what was typed. */
export const numberInput = properties => element('input', { type: 'text', inputMode: 'decimal', spellcheck: false, ...properties });

/** A text. */
export function textPart(key, label, { hint, type = 'text', list, isLong = false } = {}) {
  const properties = { spellcheck: false, autocomplete: 'off', name: snakeCase(key) };
  const control = isLong ? element('textarea', { rows: 2, ...properties }) : element('input', { type, list, ...properties });
  return {
    key,
    node: labelled(label, control, { hint, path: snakeCase(key) }),
    write: value => showText(control, value),
    read: () => textOf(control),
  };
}

/** A list of texts, separated by commas; by line breaks alone if one of them has a comma and there is more than one line. */
export function listPart(key, label, { hint } = {}) {
  const control = element('textarea', { rows: 2, spellcheck: false, name: snakeCase(key) });
  let shown = { values: [], text: '' };
  return {
    key,
    node: labelled(label, control, { hint, path: snakeCase(key) }),
    write: (values = []) => {
      control.value = values.join(values.some(hasComma) ? '\n' : ', ');
      shown = { values, text: control.value };
    },
    read: () => {
      const separator = shown.values.some(hasComma) && control.value.includes('\n') ? /\n/ : /[\n,，、]/;
      const values = control.value === shown.text ? shown.values : control.value.split(separator).map(value => value.trim()).filter(value => value !== '');
      return values.length > 0 ? values : undefined;
    },
  };
}

const hasComma = text => /[,，、]/.test(text);

/** One of some values; the empty one is none. */
export function choicePart(key, label, options, { hint } = {}) {
  const control = element('select', { name: snakeCase(key) }, options.map(([value, text]) => element('option', { value, 'data-t': text })));
  return {
    key,
    node: labelled(label, control, { hint, path: snakeCase(key) }),
    write: value => { control.value = options.some(([each]) => each === value) ? value : ''; },
    read: () => control.value || undefined,
  };
}

/** A message of texts, such as an address. */
export function groupPart(key, label, fields) {
  const controls = fields.map(([name, text, { isLines = false, isUpper = false, hint } = {}]) => {
    const control = isLines ? element('textarea', { rows: 2, spellcheck: false }) : element('input', { type: 'text', spellcheck: false, autocomplete: 'off' });
    return { name, isLines, isUpper, control, node: labelled(text, control, { hint, path: `${snakeCase(key)}.${snakeCase(name)}` }) };
  });
  return {
    key,
    node: element('fieldset', { className: 'field', 'data-path': snakeCase(key) }, element('legend', { 'data-t': label }), controls.map(({ node }) => node)),
    write: (value = {}) => {
      for (const { name, isLines, control } of controls) showText(control, isLines ? (value[name] ?? []).join('\n') : value[name]);
    },
    read: () => {
      const read = {};
      for (const { name, isLines, isUpper, control } of controls) {
        const text = textOf(control);
        if (text === undefined) continue;
        if (isLines) read[name] = text.split('\n').map(line => line.trim()).filter(Boolean);
        else read[name] = isUpper ? text.toUpperCase() : text;
      }
      return Object.keys(read).length > 0 ? read : undefined;
    },
  };
}

/** A point in time, in the time zone of the browser. */
export function momentPart(key, label, { hint } = {}) {
  const control = element('input', { type: 'datetime-local', step: 1, name: snakeCase(key) });
  return {
    key,
    node: labelled(label, control, { hint, path: snakeCase(key) }),
    write: value => {
      const date = value ? new Date(value) : null;
      control.value = date ? new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19) : '';
    },
    read: violations => {
      checkTyped(control, violations);
      return control.value ? new Date(control.value).toISOString() : undefined;
    },
  };
}

/** A date without time. */
export function datePart(key, label, { hint } = {}) {
  const control = dateInput();
  return {
    key,
    node: labelled(label, control, { hint, path: snakeCase(key) }),
    write: value => writeDate(control, value),
    read: violations => readDate(control, violations),
  };
}

/** A control for a date. */
export const dateInput = () => element('input', { type: 'date', max: '9999-12-31' });

export function writeDate(control, date) {
  control.value = date ? [String(date.year).padStart(4, '0'), String(date.month).padStart(2, '0'), String(date.day).padStart(2, '0')].join('-') : '';
}

export function readDate(control, violations) {
  checkTyped(control, violations);
  if (!control.value) return undefined;
  const [year, month, day] = control.value.split('-').map(Number);
  return { year, month, day };
}

/** A date or time that is typed in part has no value, and would be lost. */
export function checkTyped(control, violations) {
  if (control.validity.badInput) violations.push({ control, description: t('incomplete') });
}
