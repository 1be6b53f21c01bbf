// The explorer: controls, list and map of one search, and one merchant in full.

import { byId } from '../dom.js';
import { currentLanguage, t } from '../i18n/i18n.js';
import { ExplorerMap } from '../map/map.js';
import { toMapDatum } from './datums.js';
import { Density } from './density.js';
import { showCommands } from './dialogs.js';
import { showError } from './errors.js';
import { Form } from './form.js';
import { merchantHash, nameOf, showOutcome } from './list.js';
import { Live } from './live.js';
import { MerchantView, merchantOfHash } from './merchant.js';
import { searchRequest } from './request.js';
import { Search } from './search.js';
import { showLiveStatus, showTools } from './tools.js';

const MAP_TEXTS_ZH = { 'NavigationControl.ZoomIn': '放大', 'NavigationControl.ZoomOut': '缩小', 'Map.Title': '地图' };

export class Explorer {
  #api;
  #store;
  #config;
  #base;
  #onNeedKey;
  #map;
  #search;
  #form;
  #merchant;
  /** The merchant that is shown in full, if no result has a pin for it: `{name, label, latitude, longitude}`. */
  #opened = null;

  constructor({ api, store, config, base, onNeedKey }) {
    this.#api = api;
    this.#store = store;
    this.#config = config;
    this.#base = base;
    this.#onNeedKey = onNeedKey;
    this.#map = new ExplorerMap(byId('map'), config, base);
    this.#search = new Search(api, store, config);
    this.#form = new Form(byId('search'), store, config);
    this.#merchant = new MerchantView(api, config, {
      resultOf: name => this.#search.outcome.results.find(result => result.merchant.name === name),
      onShown: merchant => this.#showOnMap(merchant),
      onSearchHere: merchant => this.#searchAround(merchant),
      onNeedKey,
    });
    const live = new Live(api, store, config, this.#search);
    live.addEventListener('status', ({ detail }) => showLiveStatus(detail));
    new Density(api, store, config, this.#map, text => {
      byId('legend').hidden = text === null;
      byId('legend').textContent = text ?? '';
    });
    showTools(store, () => showCommands(searchRequest(store.state, config), api, config));
    this.#listen();
  }

  /** Runs the first search, and shows the map. */
  async start() {
    this.#showFound();
    const searching = this.#search.run();
    this.#route();
    try {
      await this.#map.start(currentLanguage() === 'zh' ? MAP_TEXTS_ZH : undefined);
      const origin = await this.#drawOrigin();
      if (origin) this.#map.fit(origin, this.#store.state.radiusM);
    } catch (error) {
      failMap(error.message);
    }
    await searching;
    this.#drawPins();
  }

  /** Searches again, with another key. */
  refresh() {
    this.#search.run();
    this.#route();
  }

  #listen() {
    const [map, store] = [this.#map, this.#store];
    map.addEventListener('pick', ({ detail }) => {
      store.set({ origin: { latitude: detail.lat, longitude: detail.lng, datum: this.#config.mapDatum }, accuracyM: 0 });
      // A picked point asks for the list of what is near it.
      if (merchantOfHash(location.hash)) location.hash = '#/';
    });
    map.addEventListener('select', ({ detail }) => { location.hash = merchantHash(detail); });
    map.addEventListener('view', () => this.#showNotice());
    map.addEventListener('failure', ({ detail }) => console.warn(`map: ${detail}`));
    this.#search.addEventListener('change', () => this.#showFound());
    store.onChange(['origin', 'radiusM', 'minDistanceM', 'accuracyM', 'language'], async (state, old) => {
      const origin = await this.#drawOrigin();
      // A typed point is often elsewhere; a clicked one is where the visitor looks.
      if (state.origin !== old.origin && state.origin?.isTyped) map.fit(origin, state.radiusM);
    });
    store.onChange(['language'], () => {
      this.#showFound();
      this.#showNotice();
      this.#merchant.refresh();
    });
    byId('more').addEventListener('click', () => this.#search.more());
    addEventListener('hashchange', () => this.#route());
  }

  /** Shows what the fragment of the URL names: one merchant, or the search. */
  #route() {
    const name = merchantOfHash(location.hash);
    for (const id of ['search', 'found']) byId(id).hidden = name !== null;
    byId('merchant').hidden = name === null;
    this.#opened = null;
    this.#map.highlight(name);
    if (name === null) {
      this.#merchant.hide();
      this.#drawPins();
    } else {
      this.#merchant.show(name);
    }
  }

  async #showOnMap({ name, displayName, wgs84Position }) {
    const { latitude = 0, longitude = 0 } = wgs84Position;
    const point = await toMapDatum({ latitude, longitude, datum: 'wgs84' }, this.#config.mapDatum, this.#base);
    if (merchantOfHash(location.hash) !== name) return;
    this.#opened = { name, label: displayName, latitude: point.latitude, longitude: point.longitude };
    this.#drawPins();
    this.#map.reveal(point);
  }

  #searchAround({ wgs84Position: { latitude = 0, longitude = 0 } }) {
    this.#store.set({ origin: { latitude, longitude, datum: 'wgs84', isTyped: true }, accuracyM: 0 });
    location.hash = '#/';
  }

  async #drawOrigin() {
    const { state } = this.#store;
    const origin = state.origin && await toMapDatum(state.origin, this.#config.mapDatum, this.#base);
    if (state.origin === this.#store.state.origin) this.#map.setOrigin(origin, this.#store.state, t('point'));
    return origin;
  }

  #drawPins() {
    const pins = this.#search.outcome.results.map((result, index) => ({
      name: result.merchant.name, number: index + 1, label: nameOf(result), isOpen: result.openState !== 'OPEN_STATE_CLOSED',
      latitude: result.position.latitude ?? 0, longitude: result.position.longitude ?? 0,
    }));
    if (this.#opened && !pins.some(pin => pin.name === this.#opened.name)) pins.push({ ...this.#opened, number: '•', isOpen: true });
    this.#map.setPins(pins);
    this.#map.highlight(merchantOfHash(location.hash));
  }

  #showFound() {
    const { outcome } = this.#search;
    showOutcome(outcome, this.#store.state, { onHighlight: name => this.#map.highlight(name ?? merchantOfHash(location.hash)) });
    this.#drawPins();
    const violations = this.#form.showViolations(outcome.error?.violations ?? []);
    showError(byId('error'), outcome.error, violations, { onRetry: () => this.#search.run(), onNeedKey: this.#onNeedKey });
  }

  /** Shows what the visitor should know of the map: where it ends, or who sees what is looked at. */
  #showNotice() {
    const notice = byId('map-notice');
    if (notice.dataset.failed) return;
    const key = this.#config.map ? 'map_foreign' : this.#map.isBeyondStreets ? 'map_beyond' : null;
    notice.hidden = !key;
    notice.textContent = key ? t(key) : '';
  }
}

function failMap(reason) {
  const notice = byId('map-notice');
  notice.dataset.failed = 'true';
  notice.hidden = false;
  notice.textContent = t('map_failed', { reason });
}
