// The head of the editor: the name, the state towards searches, and the actions that change it.

import { element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { idOf, merchantHash } from '../routes.js';
import { showFieldError } from '../shared/field-errors.js';
import { button, labelled } from './parts.js';
import { stateBadges } from './state.js';

export class EditorHead {
  #name = element('h2');
  #id = element('p', { className: 'sub' });
  #badges = element('p', { className: 'badges' });
  #show;
  #hide;
  #view = element('a', { className: 'button', 'data-t': 'view' });
  #approve;
  #reason = element('input', { type: 'text', id: 'reject-reason', autocomplete: 'off' });
  #review;
  #actions;

  /** `onAct` gets a method and the fields of its request beside name and etag; `onDelete` is called for a deletion. */
  constructor({ onAct, onDelete }) {
    this.#show = button('show_merchant', () => onAct('ShowMerchant', {}), { id: 'show-merchant' });
    this.#hide = button('hide_merchant', () => onAct('HideMerchant', {}), { id: 'hide-merchant' });
    this.#approve = button('approve', () => onAct('ApproveMerchant', {}), { id: 'approve' });
    this.#review = element('details', { className: 'review' }, element('summary', { 'data-t': 'review' }), labelled('reject_reason', this.#reason),
      element('div', { className: 'buttons' }, this.#approve, button('reject', () => this.#reject(onAct), { id: 'reject' })));
    this.#actions = element('div', {},
      element('div', { className: 'buttons' }, this.#show, this.#hide, this.#view, button('delete', onDelete, { id: 'delete-merchant' })), this.#review);
    this.node = element('div', { id: 'edit-head' }, this.#name, this.#id, this.#badges, this.#actions);
    translate(this.node);
  }

  /** Shows a merchant that is opened. */
  open(merchant) {
    this.#reason.value = '';
    this.show(merchant);
    this.#review.open = merchant.review?.state === 'REVIEW_STATE_PENDING';
  }

  /** Shows another version of the merchant. What is typed stays. */
  show(merchant) {
    const isNew = !merchant.name;
    const isHidden = merchant.visibility === 'VISIBILITY_HIDDEN' || merchant.visibility === 'VISIBILITY_MISSING';
    const isFocused = document.activeElement === this.#show || document.activeElement === this.#hide;
    this.#name.textContent = isNew ? t('new_merchant') : merchant.displayName;
    this.#actions.hidden = isNew;
    this.#id.textContent = isNew ? '' : idOf(merchant.name);
    this.#badges.replaceChildren(...(isNew ? [] : [stateBadges(merchant)].flat()));
    this.#show.hidden = !isHidden;
    this.#hide.hidden = isHidden;
    this.#view.href = isNew ? '' : merchantHash(merchant.name);
    this.#approve.hidden = (merchant.review?.state ?? 'REVIEW_STATE_APPROVED') === 'REVIEW_STATE_APPROVED';
    if (isFocused) (isHidden ? this.#show : this.#hide).focus();
  }

  #reject(onAct) {
    const reason = this.#reason.value.trim();
    if (reason !== '') {
      onAct('RejectMerchant', { reason });
      return;
    }
    showFieldError(this.#reason, t('reject_reason_missing'));
    this.#reason.focus();
  }
}
