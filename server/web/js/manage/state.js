// What keeps a merchant out of searches.

import { element } from '../dom.js';
import { t } from '../i18n/i18n.js';

/** Names of the states of a merchant, such as `hidden`; empty if searches return it. */
export function statesOf({ visibility, businessStatus, review, validFrom, validUntil }, now = new Date()) {
  return [
    visibility === 'VISIBILITY_HIDDEN' && 'hidden',
    visibility === 'VISIBILITY_MISSING' && 'missing',
    review?.state === 'REVIEW_STATE_PENDING' && 'pending',
    review?.state === 'REVIEW_STATE_REJECTED' && 'rejected',
    businessStatus === 'BUSINESS_STATUS_CLOSED_PERMANENTLY' && 'permanently_closed',
    validFrom && new Date(validFrom) > now && 'not_yet_valid',
    validUntil && new Date(validUntil) <= now && 'no_longer_valid',
  ].filter(Boolean);
}

/** The states as badges: that searches return the merchant, or why they do not. */
export function stateBadges(merchant) {
  const found = statesOf(merchant);
  if (found.length === 0) return element('span', { className: 'badge open' }, t('in_searches'));
  const reason = merchant.review?.reason;
  return found.map(state => element('span', { className: 'badge closed', 'data-state': state }, t(state) + (state === 'rejected' && reason ? `: ${reason}` : '')));
}
