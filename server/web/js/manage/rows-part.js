// Lists of messages, and maps, as rows of controls.

import { element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { button, nextId, numberInput, numberOf, showText, snakeCase, textOf } from './parts.js';

/**
 * A part for a list. `columns` are `{name, label, type, options}` with the type `text`, `number` or `choice`; `toRow` and `fromRow`
 * convert between an entry of the contract and `{name: value}`. Rows without any text are left out.
 */
export function rowsPart(key, label, columns, { hint, toRow = entry => entry, fromRow = row => row } = {}) {
  return makeRows({
    key, label, columns, hint,
    entriesOf: (value = []) => value.map(toRow),
    valueOf: rows => (rows.length > 0 ? rows.map(fromRow) : undefined),
    pathOf: (path, _, index) => `${path}[${index}]`,
  });
}

/** A part for a map, with the columns `key` and `value`. */
export function mapPart(key, label, columns, { hint } = {}) {
  const isNumber = columns[1].type === 'number';
  return makeRows({
    key, label, columns, hint,
    entriesOf: (value = {}) => Object.entries(value).map(([name, each]) => ({ key: name, value: each })),
    // Equal keys would replace each other without notice.
    valueOf: (rows, violations, controls) => {
      const map = new Map();
      rows.forEach(({ key: name = '', value }, index) => {
        if (map.has(name)) violations.push({ control: controls[index], description: t('duplicate_key') });
        if (isNumber && value === undefined) violations.push({ control: controls[index], description: t('number_missing') });
        map.set(name, value ?? '');
      });
      return map.size > 0 ? Object.fromEntries(map) : undefined;
    },
    pathOf: (path, row) => `${path}[${row.key ?? ''}]`,
  });
}

function makeRows({ key, label, columns, hint, entriesOf, valueOf, pathOf }) {
  const path = snakeCase(key);
  const list = element('ul', { className: 'entries' });
  const changed = () => list.dispatchEvent(new Event('input', { bubbles: true }));
  const add = (row = {}) => {
    const entry = makeEntry(columns, row, () => {
      const next = entry.nextElementSibling ?? entry.previousElementSibling;
      entry.remove();
      changed();
      (next?.querySelector('input, select, textarea') ?? adder).focus();
    });
    list.append(entry);
    translate(entry);
    return entry;
  };
  const adder = button('add', () => {
    add().querySelector('input, select').focus();
    changed();
  }, { className: 'add' });
  const node = element('fieldset', { className: 'field', 'data-path': path },
    element('legend', { 'data-t': label }), hint && element('p', { className: 'hint', 'data-t': hint }), list, adder);
  return {
    key,
    node,
    write: value => {
      list.replaceChildren();
      entriesOf(value).forEach(add);
    },
    read: violations => {
      const rows = [];
      const controls = [];
      for (const entry of list.children) {
        const row = readEntry(columns, entry, violations);
        if (!row) continue;
        entry.dataset.path = pathOf(path, row, rows.length);
        for (const control of entry.querySelectorAll('[data-name]')) control.closest('.field').dataset.path = `${entry.dataset.path}.${control.dataset.name}`;
        rows.push(row);
        controls.push(entry.querySelector('input'));
      }
      return valueOf(rows, violations, controls);
    },
  };
}

function makeEntry(columns, row, onRemove) {
  const cells = columns.map(({ name, label, type = 'text', options = [] }) => {
    const id = nextId();
    const control = type === 'choice'
      ? element('select', { id }, options.map(([value, text]) => element('option', { value, 'data-t': text })))
      : type === 'number' ? numberInput({ id }) : element('input', { id, type: 'text', spellcheck: false, autocomplete: 'off' });
    if (type === 'choice') control.value = row[name] ?? options[0][0];
    else showText(control, row[name] === undefined ? '' : String(row[name]));
    control.dataset.column = name;
    control.dataset.name = snakeCase(name);
    return element('div', { className: 'field' }, element('label', { for: id, 'data-t': label }), control);
  });
  return element('li', { className: 'entry field' }, cells, button('remove', onRemove, { className: 'remove' }));
}

/** The values of a row, or null if it has no text. */
function readEntry(columns, entry, violations) {
  const row = {};
  let isBlank = true;
  for (const { name, type = 'text' } of columns) {
    const control = entry.querySelector(`[data-column="${name}"]`);
    if (type === 'choice') {
      row[name] = control.value;
      continue;
    }
    const text = textOf(control);
    if (text === undefined) continue;
    isBlank = false;
    const value = type === 'number' ? numberOf(control, violations) : text;
    if (value !== undefined) row[name] = value;
  }
  return isBlank ? null : row;
}
