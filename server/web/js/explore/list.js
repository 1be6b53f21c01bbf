// The ranked list of results.

import { byId, element } from '../dom.js';
import { count, distance, moment, t } from '../i18n/i18n.js';
import { idOf, merchantHash } from '../routes.js';

/** The name of a result in the language of the page. */
export const nameOf = result => result.localizedName?.text || result.merchant.displayName || idOf(result.merchant.name);

/** Shows results, and how many there are. */
export function showOutcome(outcome, state, { onHighlight }) {
  const list = byId('results');
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  list.replaceChildren(...outcome.results.map((result, index) => item(result, index + 1, onHighlight)));
  list.setAttribute('aria-busy', String(outcome.phase === 'searching'));
  if (focused) list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  byId('more').hidden = !outcome.nextPageToken || outcome.phase === 'failed';
  setStatus(summary(outcome, state));
}

/** Shows and announces a text. */
export function setStatus(text) {
  const status = byId('status');
  if (status.textContent !== text) status.textContent = text;
}

function summary(outcome, state) {
  if (!state.origin) return t('no_point');
  if (outcome.phase === 'searching' && outcome.results.length === 0) return t('searching');
  if (outcome.phase === 'failed') return '';
  const shown = outcome.results.length;
  if (shown === 0) return t('found_none', { radius: distance(state.radiusM) }) + omissions(outcome);
  const total = Math.max(outcome.total, shown);
  const key = shown < total ? 'found_some' : 'found_all';
  const beyond = outcome.results.filter(result => result.beyondRadius).length;
  const more = beyond > 0 ? ` · ${t('beyond_count', { count: count(beyond) })}` : '';
  return t(key, { shown: count(shown), total: count(total) }) + more + omissions(outcome);
}

const omissions = outcome => (outcome.omissions > 0 ? ` ${t('omissions', { count: count(outcome.omissions) })}` : '');

function item(result, number, onHighlight) {
  const { merchant } = result;
  const name = nameOf(result);
  const details = [merchant.brand && merchant.brand !== name ? merchant.brand : '', ...(merchant.categories ?? [])].filter(Boolean);
  const link = element('a', { href: merchantHash(merchant.name), className: 'result', 'data-name': merchant.name },
    element('span', { className: 'number', 'aria-hidden': 'true' }, String(number)),
    element('span', { className: 'main' },
      element('span', { className: 'name' }, name),
      element('span', { className: 'details' }, details.join(' · ')),
      element('span', { className: 'badges' }, openBadge(result), flags(result))),
    element('span', { className: 'distance' }, distance(result.distanceM ?? 0)));
  const highlight = () => onHighlight(merchant.name);
  return element('li', { onmouseenter: highlight, onfocusin: highlight, onmouseleave: () => onHighlight(null) }, link);
}

/** Badges for the relation of a result to the point. */
export function flags(result) {
  const badge = (key, className) => element('span', { className: `badge ${className}`, title: key === 'uncertain' ? t('uncertain_hint') : '' }, t(key));
  return [
    result.beyondRadius && badge('beyond_radius', 'beyond'),
    result.uncertain && badge('uncertain', 'uncertain'),
    result.servesOrigin && badge('serves_origin', 'serves'),
  ];
}

const OPEN_STATES = { OPEN_STATE_OPEN: 'open', OPEN_STATE_CLOSED: 'closed', OPEN_STATE_UNKNOWN: 'hours_unknown' };

/** The state of a result by its hours, and until when, in the time zone of the merchant if it is known. */
export function openBadge(result, timeZone) {
  if (result.merchant.businessStatus === 'BUSINESS_STATUS_CLOSED_TEMPORARILY') {
    return element('span', { className: 'badge closed' }, t('temporarily_closed'));
  }
  const key = OPEN_STATES[result.openState];
  if (!key) return null;
  const until = result.openStateUntil ? ` ${t('until', { time: moment(new Date(result.openStateUntil), timeZone) })}` : '';
  const comment = result.openStateComment ? ` (${result.openStateComment})` : '';
  return element('span', { className: `badge ${key}` }, t(key) + until + comment);
}
