// The merchants of the console, found by name.

import { byId, element } from '../dom.js';
import { count, t, translate } from '../i18n/i18n.js';
import { FILES_HASH, NEW_HASH, editHash, idOf } from '../routes.js';
import { showError } from '../shared/errors.js';
import { clearErrors, showFieldError } from '../shared/field-errors.js';
import { stateBadges } from './state.js';

const PAGE_SIZE = 50;
const TYPING_MS = 250;
const SCOPES = [['VISIBILITY_SCOPE_ALL', 'scope_all'], ['VISIBILITY_SCOPE_VISIBLE', 'scope_visible'], ['VISIBILITY_SCOPE_HIDDEN', 'scope_hidden']];

/** Event `change` when other merchants are listed. */
export class MerchantList extends EventTarget {
  #api;
  #onNeedKey;
  #running = null;
  #timer = 0;
  #nextPageToken = '';
  #notice = '';
  #text;
  #scope;
  merchants = [];

  constructor(api, box, { config, onNeedKey }) {
    super();
    this.#api = api;
    this.#onNeedKey = onNeedKey;
    this.#text = element('input', { id: 'find', type: 'search', spellcheck: false, autocomplete: 'off', 'data-t-placeholder': 'text_hint', oninput: () => this.#soon() });
    this.#scope = element('select', { id: 'find-scope', onchange: () => this.load() }, SCOPES.map(([value, label]) => element('option', { value, 'data-t': label })));
    box.append(
      config.needsKey ? '' : element('p', { className: 'hint', id: 'no-keys', 'data-t': 'no_keys' }),
      element('div', { className: 'buttons' },
        element('a', { className: 'button primary', id: 'new-merchant', href: NEW_HASH, 'data-t': 'new_merchant' }),
        element('a', { className: 'button', id: 'to-files', href: FILES_HASH, 'data-t': 'files' })),
      element('div', { className: 'field' }, element('label', { for: 'find', 'data-t': 'find' }), this.#text),
      element('div', { className: 'field' }, element('label', { for: 'find-scope', 'data-t': 'scope' }), this.#scope),
      element('p', { id: 'list-notice', role: 'status' }),
      element('p', { id: 'list-status', className: 'hint', role: 'status', 'aria-live': 'polite' }),
      element('div', { id: 'list-error', className: 'error', role: 'alert', hidden: true }),
      element('ul', { id: 'merchants', className: 'merchants' }),
      element('button', { type: 'button', id: 'list-more', hidden: true, 'data-t': 'more', onclick: () => this.#page(this.#nextPageToken) }));
    translate(box);
  }

  /** Says something of what is listed next, until something else is. */
  announce(text) {
    this.#notice = text;
  }

  /** Lists from the first page on. */
  load() {
    byId('list-notice').textContent = this.#notice;
    this.#notice = '';
    return this.#page('');
  }

  retranslate() {
    this.#show();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), TYPING_MS);
  }

  async #page(pageToken) {
    clearTimeout(this.#timer);
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    const text = this.#text.value.trim();
    const filter = { visibilityScope: this.#scope.value, ...(text && { text }) };
    byId('merchants').setAttribute('aria-busy', 'true');
    let error = null;
    try {
      const { merchants = [], nextPageToken = '' } = await this.#api.call('MerchantService/ListMerchants', { filter, pageSize: PAGE_SIZE, pageToken }, { signal: running.signal });
      if (this.#running !== running) return;
      this.merchants = pageToken ? [...this.merchants, ...merchants] : merchants;
      this.#nextPageToken = nextPageToken;
    } catch (failed) {
      if (this.#running !== running) return;
      error = failed;
      // What is listed must belong to what is searched for.
      if (!pageToken) this.merchants = [];
      this.#nextPageToken = pageToken;
    }
    byId('merchants').setAttribute('aria-busy', 'false');
    this.#show();
    this.#showError(error, pageToken);
    this.dispatchEvent(new Event('change'));
  }

  #showError(error, pageToken) {
    clearErrors(this.#text.closest('section'));
    const left = (error?.violations ?? []).filter(({ field, description }) => {
      if (field !== 'filter.text') return true;
      showFieldError(this.#text, description);
      return false;
    });
    showError(byId('list-error'), error, left, { onRetry: () => this.#page(pageToken), onNeedKey: this.#onNeedKey });
    if (error) byId('list-status').textContent = '';
  }

  #show() {
    byId('merchants').replaceChildren(...this.merchants.map(merchant => element('li', {},
      element('a', { href: editHash(merchant.name), className: 'result', 'data-name': merchant.name },
        element('span', { className: 'main' },
          element('span', { className: 'name' }, merchant.displayName),
          element('span', { className: 'details' }, [idOf(merchant.name), ...(merchant.categories ?? [])].join(' · ')),
          element('span', { className: 'badges' }, stateBadges(merchant)))))));
    byId('list-more').hidden = !this.#nextPageToken;
    const key = this.merchants.length === 0 ? 'list_none' : this.#nextPageToken ? 'list_some' : 'list_all';
    byId('list-status').textContent = t(key, { count: count(this.merchants.length) });
  }
}
