// Errors of calls, in the words of the visitor.

import { element } from '../dom.js';
import { count, t } from '../i18n/i18n.js';

/** Shows an error with its remedy, or hides the element if there is none. `onRetry` is null where trying again is no remedy. */
export function showError(box, error, violations, { onRetry, onNeedKey }) {
  // Errors of fields stand beside their controls.
  const isShown = error && !(error.violations?.length > 0 && violations.length === 0);
  box.hidden = !isShown;
  if (!isShown) {
    box.replaceChildren();
    return;
  }
  const details = violations.map(({ field, description }) => element('li', {}, `${field}: ${description}`));
  const isKey = error.code === 'unauthenticated';
  const remedy = isKey
    ? element('button', { type: 'button', onclick: onNeedKey }, t('enter_key'))
    : onRetry ? element('button', { type: 'button', onclick: onRetry }, t('try_again')) : '';
  box.replaceChildren(element('p', {}, textOf(error)), details.length > 0 ? element('ul', {}, details) : '', remedy);
}

/** The text of an error. */
export function textOf(error) {
  switch (error.code) {
    case 'unreachable': return t('error_unreachable');
    case 'unauthenticated': return t('error_unauthenticated');
    case 'permission_denied': return t('error_permission_denied', { message: error.message });
    case 'deadline_exceeded': return t('error_deadline');
    case 'unavailable': return t('error_unavailable');
    case 'resource_exhausted':
      if (error.retryAfterS !== null) return t('error_rate', { seconds: count(Math.ceil(error.retryAfterS)) });
      break;
    default:
  }
  return t('error_other', { message: error.message || String(error.code) });
}
