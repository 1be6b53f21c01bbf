// Two versions of a merchant side by side, after somebody else has changed it.

import { byId, element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { hoursSection } from '../shared/hours.js';
import { isEqual } from './merchant-form.js';
import { snakeCase } from './parts.js';

/**
 * The fields that differ between the versions `theirs` and `ours`: `{key, theirs, ours, isOurs, isTheirs}`, where the last two say who
 * has changed them since `base`. All are values as the form returns them.
 */
export function differences(base, theirs, ours) {
  return Object.keys(ours).filter(key => !isEqual(theirs[key], ours[key])).map(key => ({
    key, theirs: theirs[key], ours: ours[key], isOurs: !isEqual(ours[key], base[key]), isTheirs: !isEqual(theirs[key], base[key]),
  }));
}

/** Opens the dialog; resolves with `{theirs, ours}`, the fields by the version that is chosen, or null if the visitor goes back. */
export function askWhich(found, labelOf) {
  const dialog = byId('conflict-dialog');
  return new Promise(resolve => {
    const chosen = new Map();
    const apply = element('button', { type: 'button', className: 'primary', id: 'conflict-apply' }, t('conflict_apply'));
    const showReady = () => { apply.disabled = chosen.size < found.length; };
    const rows = found.map(difference => row(difference, labelOf(difference.key), isTheirs => {
      chosen.set(difference.key, isTheirs);
      showReady();
    }));
    // Fields that only one side has changed are no conflict: the change stays.
    for (const { key, isOurs, isTheirs } of found) if (isOurs !== isTheirs) chosen.set(key, isTheirs);
    showReady();
    const finish = answer => {
      dialog.removeEventListener('cancel', cancel);
      dialog.close();
      resolve(answer);
    };
    const cancel = () => finish(null);
    dialog.addEventListener('cancel', cancel);
    const keysOf = side => [...chosen].filter(([, isTheirs]) => isTheirs === (side === 'theirs')).map(([key]) => key);
    apply.addEventListener('click', () => finish({ theirs: keysOf('theirs'), ours: keysOf('ours') }));
    dialog.replaceChildren(
      element('h2', { id: 'conflict-title' }, t('conflict_title')),
      element('p', {}, t('conflict_hint')),
      element('div', { className: 'scroll' }, element('table', { className: 'conflict' },
        element('thead', {}, element('tr', {}, ['conflict_field', 'conflict_theirs', 'conflict_ours'].map(key => element('th', { scope: 'col' }, t(key))))),
        element('tbody', {}, rows))),
      element('div', { className: 'buttons' }, apply, element('button', { type: 'button', id: 'conflict-cancel', onclick: cancel }, t('conflict_cancel'))),
    );
    dialog.showModal();
  });
}

function row({ key, theirs, ours, isOurs, isTheirs }, label, onChoose) {
  const cell = (value, isTheirVersion) => {
    const isOnly = isOurs !== isTheirs && isTheirs === isTheirVersion;
    const radio = element('input', { type: 'radio', name: `conflict-${key}`, value: isTheirVersion ? 'theirs' : 'ours', checked: isOnly, onchange: () => onChoose(isTheirVersion) });
    return element('td', {}, element('label', {}, radio, element('span', { className: 'version' }, shown(key, value))));
  };
  return element('tr', { 'data-field': snakeCase(key) }, element('th', { scope: 'row' }, label), cell(theirs, true), cell(ours, false));
}

/** A value to be compared by a person. */
function shown(key, value) {
  if (value === undefined || value === null || value === '') return element('i', {}, t('conflict_empty'));
  // A date that is not typed yet is no date.
  if (key === 'openingHours' && (value.specialDays ?? []).every(day => day.date)) return hoursSection(value);
  if (Array.isArray(value) && value.every(each => typeof each === 'string')) return value.join(', ');
  return typeof value === 'object' ? element('pre', {}, lines(value).join('\n')) : String(value);
}

/** The leaves of a message, a line each. */
function lines(value, path = '') {
  if (value === null || typeof value !== 'object') return [`${path}: ${value}`];
  return Object.entries(value).flatMap(([name, each]) => lines(each, path ? `${path}.${name}` : name));
}
