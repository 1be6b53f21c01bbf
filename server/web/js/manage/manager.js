// The console: the list of merchants, the editor of one, and files.

import { byId, element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { editHash } from '../routes.js';
import { toMapDatum } from '../shared/datums.js';
import { Editor } from './editor.js';
import { Files } from './files.js';
import { MerchantList } from './merchant-list.js';

const PAGES = ['list', 'edit', 'files'];

export class Manager {
  #config;
  #base;
  #map;
  #boxes;
  #list;
  #editor;
  #files;
  /** The route that is shown, or null. */
  #route = null;

  constructor({ api, store, config, base, map, onNeedKey }) {
    this.#config = config;
    this.#base = base;
    this.#map = map;
    this.#boxes = Object.fromEntries(PAGES.map(page => [page, element('section', { id: `manage-${page}`, className: 'manage', tabIndex: -1, hidden: true })]));
    byId('manage').append(...Object.values(this.#boxes));
    this.#list = new MerchantList(api, this.#boxes.list, { config, onNeedKey });
    this.#editor = new Editor({ api, config, base, map, store }, this.#boxes.edit, {
      onNeedKey, go: hash => { location.hash = hash; }, onDeleted: name => this.#list.announce(t('deleted', { name })),
    });
    this.#files = new Files(api, this.#boxes.files, onNeedKey);
    this.#list.addEventListener('change', () => this.#drawList());
    store.onChange(['language'], () => {
      this.#list.retranslate();
      this.#editor.retranslate();
    });
    map.addEventListener('pick', ({ detail: { lat, lng } }) => {
      if (this.#route?.page === 'edit') this.#editor.pick({ latitude: lat, longitude: lng });
    });
    map.addEventListener('select', ({ detail }) => {
      if (this.#route?.page === 'list') location.hash = editHash(detail);
    });
    addEventListener('beforeunload', event => {
      if (this.#isBusy) event.preventDefault();
    });
  }

  show(route) {
    // A merchant that has just been created is shown already.
    const isShown = route.page === 'edit' && route.name !== null && route.name === this.#editor.name;
    if (!isShown) this.#leave();
    this.#route = route;
    byId('manage').hidden = false;
    document.body.classList.toggle('editing', route.page === 'edit');
    for (const [page, box] of Object.entries(this.#boxes)) box.hidden = page !== route.page;
    if (route.page === 'edit' && !isShown) this.#editor.show(route.name);
    if (route.page === 'list') this.#list.load();
    if (route.page === 'files') this.#files.reset();
  }

  hide() {
    this.#leave();
    this.#route = null;
    byId('manage').hidden = true;
    document.body.classList.remove('editing');
  }

  /** Draws on a map that has been loaded. */
  onMapReady() {
    if (this.#route?.page === 'edit') this.#editor.onMapReady();
    if (this.#route?.page === 'list') this.#drawList();
  }

  /** Asks before changes are lost. `go` leaves in spite of them. */
  canLeave(go) {
    if (!this.#isBusy) return true;
    const dialog = byId('leave-dialog');
    const answer = (id, key, act) => element('button', { type: 'button', id, onclick: () => {
      dialog.close();
      act?.();
    } }, t(key));
    dialog.replaceChildren(
      element('h2', { id: 'leave-title' }, t('leave_title')), element('p', {}, t(this.#files.isBusy ? 'leave_hint_import' : this.#editor.isSaving ? 'leave_hint_saving' : 'leave_hint')),
      element('div', { className: 'buttons' }, answer('leave-stay', 'leave_stay'), answer('leave-go', 'leave_go', () => {
        this.#leave();
        go();
      })));
    dialog.showModal();
    return false;
  }

  /** Goes on with another key. */
  refresh() {
    if (this.#route?.page === 'list') this.#list.load();
    if (this.#route?.page === 'edit') this.#editor.refresh(this.#route.name);
  }

  get #isBusy() {
    return this.#editor.isDirty || this.#editor.isSaving || this.#files.isBusy;
  }

  #leave() {
    this.#editor.hide();
    this.#files.cancel();
    this.#map.setPins([]);
  }

  async #drawList() {
    if (this.#route?.page !== 'list') return;
    const { merchants } = this.#list;
    const points = await Promise.all(merchants.map(({ wgs84Position: { latitude = 0, longitude = 0 } }) => toMapDatum({ latitude, longitude, datum: 'wgs84' }, this.#config.mapDatum, this.#base)));
    if (this.#route?.page !== 'list' || merchants !== this.#list.merchants) return;
    this.#map.setPins(merchants.map(({ name, displayName, visibility }, index) => ({
      name, number: index + 1, label: displayName, isOpen: visibility !== 'VISIBILITY_HIDDEN', latitude: points[index].latitude, longitude: points[index].longitude,
    })));
  }
}
