// One merchant in the console: read, changed, saved, hidden, reviewed, deleted.

import { byId, element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { MANAGE_HASH, editHash } from '../routes.js';
import { showError } from '../shared/errors.js';
import { askWhich, differences } from './conflict.js';
import { EditorHead } from './editor-head.js';
import { MerchantForm } from './merchant-form.js';
import { button, snakeCase } from './parts.js';
import { Place } from './place.js';
import { statesOf } from './state.js';
import { Suggestions } from './suggestions.js';
import { Writes } from './writes.js';

/** Statuses after calls that succeed. */
const DONE = { ShowMerchant: 'shown', HideMerchant: 'now_hidden', ApproveMerchant: 'now_approved', RejectMerchant: 'now_rejected' };

/** Shows the editor in `box`. */
export class Editor {
  #api;
  #box;
  #actions;
  #store;
  #form;
  #head;
  #place;
  #suggestions;
  #writes;
  /** The version that the form began with: `{}` for a new merchant; null while none is shown. */
  #base = null;
  /** Another object for each merchant that is opened: responses to calls for an earlier one are dropped. */
  #opening = {};
  #running = null;
  #isSaving = false;

  /** `actions` are `{onNeedKey, go, onDeleted}`. */
  constructor({ api, config, base, map, store }, box, actions) {
    this.#api = api;
    this.#box = box;
    this.#actions = actions;
    this.#store = store;
    this.#writes = new Writes(api);
    this.#head = new EditorHead({ onAct: (method, fields) => this.#act(method, fields), onDelete: () => this.#delete() });
    this.#form = new MerchantForm(config, base, () => {
      this.#place.changed();
      this.#suggestions.read(this.#form.position.point());
    });
    this.#suggestions = new Suggestions(api, this.#form.categories, config.maxRadiusM);
    this.#place = new Place({ api, config, base, map, store, form: this.#form });
    for (const type of ['input', 'change']) this.#form.node.addEventListener(type, () => this.#onInput());
  }

  /** Shows a merchant, or an empty form if there is no name. */
  async show(name) {
    this.hide();
    if (name === null) {
      this.#start({});
      return;
    }
    const running = new AbortController();
    this.#running = running;
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
    this.#opening = {};
    this.#setSaving(false);
    this.#box.replaceChildren();
    this.#place.hide();
  }

  /** A click on the map. */
  pick(point) {
    if (this.#base && !this.#isSaving) this.#place.pick(point);
  }

  /** The name of the merchant that is shown; undefined for a new one, and for none. */
  get name() {
    return this.#base?.name;
  }

  /** True while a call has not been answered whose outcome leaving would not show. */
  get isSaving() {
    return this.#isSaving;
  }

  /** True if leaving would lose changes. */
  get isDirty() {
    return this.#base !== null && this.#form.isChanged;
  }

  /** Another key: a merchant that could not be read is read again, and changes stay. */
  refresh(name) {
    if (this.#base === null) this.show(name);
    else this.#showError(null);
  }

  retranslate() {
    this.#form.retranslate();
    this.#place.retranslate();
    this.#suggestions.show();
    if (this.#base) this.#head.show(this.#base);
  }

  /** Draws on a map that has been loaded. */
  onMapReady() {
    if (this.#base) this.#place.show();
  }

  #start(merchant) {
    this.#base = merchant;
    this.#opening = {};
    this.#setSaving(false);
    this.#form.write(merchant);
    this.#head.open(merchant);
    this.#box.replaceChildren(
      back(), this.#head.node, this.#form.node, this.#place.node,
      element('div', { className: 'save-bar' },
        element('div', { id: 'edit-error', className: 'error', role: 'alert', hidden: true }),
        element('p', { id: 'edit-status', role: 'status', 'aria-live': 'polite' }),
        element('div', { className: 'buttons' },
          button('save', () => this.#save(), { className: 'primary', id: 'save' }),
          button('discard', () => this.#discard(), { id: 'discard' }))),
    );
    translate(this.#box);
    this.#showButtons();
    this.#place.show();
    this.#suggestions.show();
    this.#suggestions.read(this.#form.position.point() ?? this.#store.state.origin);
    this.#box.focus({ preventScroll: true });
    byId('panel').scrollTop = 0;
    // On a phone the map is above the form.
    scrollTo(0, 0);
  }

  /** While a call runs, nothing can be changed: its response becomes what the form shows. */
  #setSaving(isSaving) {
    this.#isSaving = isSaving;
    for (const node of [this.#head.node, this.#form.node, this.#place.node]) node.inert = isSaving;
    this.#showButtons();
  }

  /** Enables what can be pressed. Each look at what is changed reads the whole form. */
  #showButtons(isDirty = this.isDirty) {
    if (!this.#base || !byId('save')) return;
    byId('save').disabled = this.#isSaving || !(isDirty || !this.#base.name);
    byId('discard').disabled = this.#isSaving || !isDirty;
  }

  #onInput() {
    const { isDirty } = this;
    this.#showButtons(isDirty);
    if (byId('edit-status')) this.#say(isDirty ? 'unsaved' : null);
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
    const { id } = this.#form;
    const method = name ? 'UpdateMerchant' : 'CreateMerchant';
    const request = name
      ? { merchant: { name, etag, ...fields }, updateMask: Object.keys(changes).join(',') }
      : { merchant: fields, ...(id && { merchantId: id }) };
    if (violations.length > 0) {
      // The server names the errors of all other fields, so that all are shown at once.
      const others = await this.#during(() => this.#writes.violationsOf(method, request));
      if (others) this.#showError({ violations: [...violations, ...others] });
      return;
    }
    const stored = await this.#write(method, request, () => this.#save());
    if (!stored) return;
    if (name) {
      this.#form.write(stored);
      this.#showStored(stored);
    } else {
      this.#start(stored);
      this.#actions.go(editHash(stored.name));
    }
    this.#say(savedKey(stored));
  }

  async #act(method, fields) {
    const { name, etag } = this.#base;
    const stored = await this.#write(method, { name, etag, ...fields }, () => this.#act(method, fields));
    if (!stored) return;
    this.#form.rebase(stored);
    this.#showStored(stored);
    this.#say(DONE[method]);
  }

  async #delete() {
    const { name, etag, displayName } = this.#base;
    if (!confirm(t('delete_confirm', { name: displayName }))) return;
    const deleted = await this.#write('DeleteMerchant', { name, etag }, () => this.#delete());
    if (!deleted) return;
    this.hide();
    this.#actions.onDeleted(displayName);
    this.#actions.go(MANAGE_HASH);
  }

  #showStored(stored) {
    this.#base = stored;
    this.#head.show(stored);
    this.#showButtons();
    this.#place.changed();
  }

  /** Makes a call that changes the merchant. Returns its response, or null if it has failed, or the visitor has left meanwhile. */
  async #write(method, request, onRetry) {
    this.#showError(null);
    this.#say('saving');
    const opening = this.#opening;
    try {
      return await this.#during(() => this.#writes.make(method, request));
    } catch (error) {
      if (this.#opening !== opening) return null;
      this.#say(null);
      if (error.reason === 'ETAG_MISMATCH') await this.#resolve(opening, onRetry, method === 'UpdateMerchant');
      else if (error.code === 'not_found') this.#showError({ code: 'gone', message: t('gone') }, null);
      else this.#showError(error, onRetry);
      return null;
    }
  }

  /** Runs a call while nothing can be changed. Returns null if the visitor has left meanwhile. */
  async #during(call) {
    const opening = this.#opening;
    const focused = document.activeElement;
    this.#setSaving(true);
    try {
      const response = await call();
      return this.#opening === opening ? response : null;
    } finally {
      if (this.#opening === opening) {
        this.#setSaving(false);
        // An inert element loses the focus.
        if (document.activeElement === document.body) focused.focus({ preventScroll: true });
      }
    }
  }

  /** Somebody else has changed the merchant: shows both versions, and continues with what is chosen. */
  async #resolve(opening, onRetry, isSave) {
    let current;
    try {
      current = await this.#during(() => this.#api.call('MerchantService/GetMerchant', { name: this.#base.name }));
    } catch (error) {
      if (this.#opening !== opening) return;
      const isGone = error.code === 'not_found';
      this.#showError(isGone ? { code: 'gone', message: t('gone') } : error, isGone ? null : onRetry);
      return;
    }
    if (!current) return;
    const base = this.#form.valuesOf(this.#base);
    const found = differences(base, this.#form.valuesOf(current), { ...base, ...undefinedForNull(this.#form.changes([])) });
    const answer = found.length > 0 ? await askWhich(found, key => this.#labelOf(key)) : {};
    if (this.#opening !== opening) return;
    if (answer === null) {
      this.#say('conflict_open');
      return;
    }
    this.#form.rebase(current, answer);
    this.#showStored(current);
    // Only the state has changed: a change of fields does not depend on it, an action may.
    if (found.length === 0 && isSave) onRetry();
    else this.#say(found.length > 0 ? 'conflict_resolved' : 'conflict_state');
  }

  #labelOf(key) {
    const { node } = this.#form.part(key);
    return (node.querySelector('legend, label') ?? node).textContent || snakeCase(key);
  }

  #discard() {
    this.#form.write(this.#base);
    this.#showError(null);
    this.#say('discarded');
    this.#showButtons();
    this.#place.changed();
  }
}

const undefinedForNull = changes => Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, value ?? undefined]));

/** The text for a version that has been saved: searches may not return it. */
function savedKey(merchant) {
  const [state] = statesOf(merchant);
  return state === 'pending' ? 'saved_pending' : state ? 'saved_unlisted' : 'saved';
}

const back = () => element('a', { href: MANAGE_HASH, className: 'back', 'data-t': 'back_to_list' }, t('back_to_list'));
