// One merchant in the console: read, changed, saved, hidden, reviewed.

import { byId, element } from '../dom.js';
import { currentLanguage, t, translate } from '../i18n/i18n.js';
import { MANAGE_HASH, editHash, idOf, merchantHash } from '../routes.js';
import { showError } from '../shared/errors.js';
import { clearFieldError, showFieldError } from '../shared/field-errors.js';
import { askWhich, differences } from './conflict.js';
import { MerchantForm } from './merchant-form.js';
import { button, snakeCase } from './parts.js';
import { Place } from './place.js';
import { stateBadges, statesOf } from './state.js';
import { Suggestions } from './suggestions.js';

/** Shows the editor in `box`. */
export class Editor {
  #api;
  #box;
  #actions;
  #form;
  #place;
  #suggestions;
  #store;
  /** The version that the form began with: `{}` for a new merchant; null while none is loaded. */
  #base = null;
  #running = null;
  /** Ids of requests by their content, so that a repetition after an unknown outcome is not applied twice. */
  #requestIds = new Map();
  #isSaving = false;

  /** `actions` are `{onNeedKey, go, onDeleted}`. */
  constructor({ api, config, base, map, store }, box, actions) {
    this.#api = api;
    this.#box = box;
    this.#actions = actions;
    this.#form = new MerchantForm(config, base, () => {
      this.#place.changed();
      this.#suggestions.read(this.#form.position.point());
    });
    this.#suggestions = new Suggestions(api, this.#form.categories, config.maxRadiusM);
    this.#store = store;
    this.#place = new Place({ api, config, base, map, store, form: this.#form });
    for (const type of ['input', 'change']) {
      this.#form.node.addEventListener(type, event => {
        clearFieldError(event.target);
        this.#onInput();
      });
    }
  }

  /** Shows a merchant, or an empty form if there is no name. */
  async show(name) {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#base = null;
    if (name === null) {
      this.#start({});
      return;
    }
    this.#box.replaceChildren(back(), element('p', { role: 'status' }, t('loading')));
    try {
      const merchant = await this.#api.call('MerchantService/GetMerchant', { name }, { signal: running.signal });
      if (this.#running === running) this.#start(merchant);
    } catch (error) {
      if (this.#running !== running) return;
      const message = element('div', { className: 'error', role: 'alert' });
      this.#box.replaceChildren(back(), message);
      if (error.code === 'not_found') message.textContent = t('edit_not_found');
      else showError(message, error, error.violations ?? [], { onRetry: () => this.show(name), onNeedKey: this.#actions.onNeedKey });
    }
  }

  hide() {
    this.#running?.abort();
    this.#running = null;
    this.#base = null;
    this.#box.replaceChildren();
    this.#place.hide();
  }

  /** A click on the map. */
  pick(point) {
    if (this.#base) this.#place.pick(point);
  }

  /** The name of the merchant that is shown; undefined for a new one, and for none. */
  get name() {
    return this.#base?.name;
  }

  /** Whether leaving would lose changes. */
  get isDirty() {
    return this.#base !== null && Object.keys(this.#form.changes([])).length > 0;
  }

  /** Another key: what could not be loaded is loaded again, and changes stay. */
  refresh(name) {
    if (this.#base === null) this.show(name);
    else this.#showError(null);
  }

  retranslate() {
    this.#form.retranslate();
    this.#place.retranslate();
    this.#suggestions.show();
    if (this.#base) this.#showHead();
  }

  /** Draws on a map that has been loaded. */
  onMapReady() {
    if (this.#base) this.#place.show();
  }

  #start(merchant) {
    this.#base = merchant;
    this.#form.write(merchant);
    this.#box.replaceChildren(
      back(),
      element('div', { id: 'edit-head' }),
      merchant.name ? '' : this.#idField(),
      this.#form.node,
      this.#place.node,
      element('div', { className: 'save-bar' },
        element('div', { id: 'edit-error', className: 'error', role: 'alert', hidden: true }),
        element('p', { id: 'edit-status', role: 'status', 'aria-live': 'polite' }),
        element('div', { className: 'buttons' },
          button('save', () => this.#save(), { className: 'primary', id: 'save' }),
          button('discard', () => this.#discard(), { id: 'discard' }))),
    );
    translate(this.#box);
    this.#showHead();
    this.#showState();
    this.#place.show();
    this.#suggestions.show();
    this.#suggestions.read(this.#form.position.point() ?? this.#store.state.origin);
    this.#box.focus({ preventScroll: true });
    byId('panel').scrollTop = 0;
    // On a phone the map is above the form.
    scrollTo(0, 0);
  }

  #idField() {
    const control = element('input', { id: 'merchant-id', type: 'text', spellcheck: false, autocomplete: 'off' });
    return element('div', { className: 'field', 'data-path': 'merchant_id' }, element('label', { for: 'merchant-id', 'data-t': 'merchant_id' }), control,
      element('p', { className: 'hint', 'data-t': 'merchant_id_hint' }));
  }

  /** The name, the state towards searches, and what changes it. */
  #showHead() {
    const merchant = this.#base;
    const head = byId('edit-head');
    if (!merchant.name) {
      head.replaceChildren(element('h2', {}, t('new_merchant')));
      return;
    }
    const isHidden = merchant.visibility === 'VISIBILITY_HIDDEN' || merchant.visibility === 'VISIBILITY_MISSING';
    const action = (id, label, onclick) => element('button', { type: 'button', id, onclick }, t(label));
    head.replaceChildren(
      element('h2', {}, merchant.displayName),
      element('p', { className: 'sub' }, idOf(merchant.name)),
      element('p', { className: 'badges' }, stateBadges(merchant)),
      element('div', { className: 'buttons' },
        isHidden ? action('show-merchant', 'show_merchant', () => this.#act('ShowMerchant', 'shown'))
          : action('hide-merchant', 'hide_merchant', () => this.#act('HideMerchant', 'now_hidden')),
        element('a', { className: 'button', href: merchantHash(merchant.name) }, t('view')),
        action('delete-merchant', 'delete', () => this.#delete())),
      this.#review(merchant),
    );
  }

  #review({ review }) {
    const state = review?.state ?? 'REVIEW_STATE_APPROVED';
    const reason = element('input', { type: 'text', id: 'reject-reason', autocomplete: 'off' });
    const reject = () => {
      if (reason.value.trim() === '') {
        showFieldError(reason, t('reject_reason_missing'));
        reason.focus();
        return;
      }
      this.#act('RejectMerchant', 'now_rejected', { reason: reason.value.trim() });
    };
    const approve = element('button', { type: 'button', id: 'approve', onclick: () => this.#act('ApproveMerchant', 'now_approved') }, t('approve'));
    return element('details', { className: 'review', open: state === 'REVIEW_STATE_PENDING' }, element('summary', {}, t('review')),
      element('div', { className: 'field' }, element('label', { for: 'reject-reason' }, t('reject_reason')), reason),
      element('div', { className: 'buttons' }, state === 'REVIEW_STATE_APPROVED' ? null : approve,
        element('button', { type: 'button', id: 'reject', onclick: reject }, t('reject'))));
  }

  #showState() {
    if (!this.#base || !byId('save')) return;
    const isDirty = this.isDirty;
    byId('save').disabled = this.#isSaving || !(isDirty || !this.#base.name);
    byId('discard').disabled = this.#isSaving || !isDirty;
  }

  #onInput() {
    this.#showState();
    if (byId('edit-status')) this.#say(this.isDirty ? 'unsaved' : null);
  }

  #say(key) {
    const status = byId('edit-status');
    if (key) status.dataset.t = key;
    else delete status.dataset.t;
    status.textContent = key ? t(key) : '';
  }

  /** Shows an error; violations of fields beside their controls. */
  #showError(error, onRetry = () => this.#save()) {
    const left = this.#form.showViolations(error?.violations ?? []);
    showError(byId('edit-error'), error, left, { onRetry, onNeedKey: this.#actions.onNeedKey });
    if (error) this.#say(error.violations?.length > left.length ? 'check_fields' : null);
  }

  async #save() {
    const violations = [];
    const changes = this.#form.changes(violations);
    const { name, etag } = this.#base;
    const fields = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
    const id = name ? '' : byId('merchant-id').value.trim();
    const method = name ? 'UpdateMerchant' : 'CreateMerchant';
    const request = name
      ? { merchant: { name, etag, ...fields }, updateMask: Object.keys(changes).join(',') }
      : { merchant: fields, ...(id && { merchantId: id }) };
    if (violations.length > 0) this.#showError({ violations: [...violations, ...await this.#violationsOf(method, request)] });
    else await this.#write(method, request, { done: 'saved', onRetry: () => this.#save() });
  }

  /** What the server says of the other fields, so that all errors are shown at once. */
  async #violationsOf(method, request) {
    try {
      await this.#api.call(`MerchantService/${method}`, { ...request, validateOnly: true });
      return [];
    } catch (error) {
      return error.violations ?? [];
    }
  }

  #act(method, done, more = {}) {
    const { name, etag } = this.#base;
    return this.#write(method, { name, etag, ...more }, { done, onRetry: () => this.#act(method, done, more) });
  }

  async #delete() {
    if (!confirm(t('delete_confirm', { name: this.#base.displayName }))) return;
    const { name, etag } = this.#base;
    const deleted = await this.#write('DeleteMerchant', { name, etag }, { onRetry: () => this.#delete() });
    if (!deleted) return;
    const { displayName } = this.#base;
    this.#base = null;
    this.#actions.onDeleted(displayName);
    this.#actions.go(MANAGE_HASH);
  }

  /** Makes a call that changes the merchant, and goes on with its response. Returns whether it has been made. */
  async #write(method, request, { done, onRetry }) {
    const base = this.#base;
    this.#isSaving = true;
    this.#showState();
    this.#showError(null);
    this.#say('saving');
    try {
      const stored = await this.#api.call(`MerchantService/${method}`, { ...request, requestId: this.#requestId(method, request) });
      if (this.#base !== base) return true;
      this.#isSaving = false;
      if (!done) return true;
      this.#base = stored;
      this.#stored(base, stored, method);
      this.#say(done === 'saved' ? savedKey(stored) : done);
      return true;
    } catch (error) {
      if (this.#base !== base) return false;
      this.#isSaving = false;
      this.#say(null);
      if (error.reason === 'ETAG_MISMATCH') await this.#resolve(onRetry);
      else if (error.code === 'not_found') this.#showError({ code: 'gone', message: t('gone') }, null);
      else this.#showError(error, onRetry);
      return false;
    } finally {
      if (this.#base) this.#showState();
    }
  }

  #stored(base, stored, method) {
    if (!base.name) {
      this.#start(stored);
      this.#actions.go(editHash(stored.name));
      return;
    }
    if (method === 'UpdateMerchant') this.#form.write(stored);
    else this.#form.rebase(stored);
    this.#showHead();
    this.#showState();
    this.#place.changed();
  }

  /** Somebody else has changed the merchant: shows both versions, and goes on with what is chosen. */
  async #resolve(onRetry) {
    const base = this.#base;
    let current;
    try {
      current = await this.#api.call('MerchantService/GetMerchant', { name: base.name });
    } catch (error) {
      this.#showError(error.code === 'not_found' ? { code: 'gone', message: t('gone') } : error, error.code === 'not_found' ? null : onRetry);
      return;
    }
    const found = differences(base, current, this.#form.changes([]), this.#form.keys);
    if (found.length === 0) {
      // Another version with the same content.
      this.#base = current;
      this.#form.rebase(current);
      onRetry();
      return;
    }
    const taken = await askWhich(found, key => this.#labelOf(key));
    if (this.#base !== base) return;
    if (taken === null) {
      this.#say('conflict_open');
      return;
    }
    this.#base = current;
    this.#form.rebase(current, taken);
    this.#showHead();
    this.#place.changed();
    this.#showState();
    this.#say('conflict_resolved');
  }

  #labelOf(key) {
    const node = this.#form.part(key).node;
    return (node.querySelector('legend, label') ?? node).textContent || snakeCase(key);
  }

  #discard() {
    this.#form.write(this.#base);
    this.#showError(null);
    this.#say('discarded');
    this.#showState();
    this.#place.changed();
  }

  #requestId(method, request) {
    const content = `${method} ${JSON.stringify(request)}`;
    if (!this.#requestIds.has(content)) {
      // One request at a time: older ids are of no use.
      this.#requestIds.clear();
      this.#requestIds.set(content, randomUuid());
    }
    return this.#requestIds.get(content);
  }
}

/** The text for a version that has been saved: searches may not return it. */
function savedKey(merchant) {
  const [state] = statesOf(merchant);
  return state === 'pending' ? 'saved_pending' : state ? 'saved_unlisted' : 'saved';
}

const back = () => element('a', { href: MANAGE_HASH, className: 'back', lang: currentLanguage() }, t('back_to_list'));

/** A UUID of version 4. `crypto.randomUUID` is missing on pages over http. */
function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
