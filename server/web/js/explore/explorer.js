// The explorer: controls, list and map of one search, and one merchant in full.

import { byId } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { areaInMapDatum } from '../map/area.js';
import { EXPLORE_HASH, merchantHash } from '../routes.js';
import { toMapDatum } from '../shared/datums.js';
import { showError } from '../shared/errors.js';
import { showCommands } from './copy-dialog.js';
import { Density } from './density.js';
import { Form } from './form.js';
import { nameOf, showOutcome } from './list.js';
import { Live } from './live.js';
import { MerchantView } from './merchant.js';
import { searchRequest } from './request.js';
import { Search } from './search.js';
import { showLiveStatus, showTools } from './tools.js';

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
  /** The merchant that the URL names, or null. */
  #name = null;
  #isShown = false;
  #isStale = true;
  #searching = null;

  constructor({ api, store, config, base, map, onNeedKey }) {
    this.#api = api;
    this.#store = store;
    this.#config = config;
    this.#base = base;
    this.#onNeedKey = onNeedKey;
    this.#map = map;
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

  /** Shows the search, or the merchant of a route. */
  show({ name }) {
    this.#isShown = true;
    this.#name = name;
    for (const id of ['search', 'found']) byId(id).hidden = name !== null;
    byId('merchant').hidden = name === null;
    this.#opened = null;
    this.#map.setArea(null);
    this.#showFound();
    this.#drawOrigin();
    if (name === null) this.#merchant.hide();
    else this.#merchant.show(name);
    // Another view may have changed merchants, or the key.
    if (this.#isStale) this.#searching = this.#search.run();
    this.#isStale = false;
  }

  /** Leaves the map to another view. */
  hide() {
    this.#isShown = false;
    this.#isStale = true;
    for (const id of ['search', 'found', 'merchant']) byId(id).hidden = true;
    this.#merchant.hide();
    this.#map.setPins([]);
    this.#map.setArea(null);
    this.#map.setOrigin(null, {}, '');
    this.#store.set({ live: false, density: false });
  }

  /** Draws on a map that has been loaded. */
  async onMapReady() {
    if (!this.#isShown) return;
    const origin = await this.#drawOrigin();
    if (origin) this.#map.fit(origin, this.#store.state.radiusM);
    await this.#searching;
    this.#drawPins();
  }

  /** Nothing is lost by leaving. */
  canLeave() {
    return true;
  }

  /** Searches again, with another key. */
  refresh() {
    if (!this.#isShown) return;
    this.#search.run();
    if (this.#name !== null) this.#merchant.show(this.#name);
  }

  #listen() {
    const [map, store] = [this.#map, this.#store];
    map.addEventListener('pick', ({ detail }) => {
      if (!this.#isShown) return;
      store.set({ origin: { latitude: detail.lat, longitude: detail.lng, datum: this.#config.mapDatum }, accuracyM: 0 });
      // A picked point asks for the list of what is near it.
      if (this.#name !== null) location.hash = EXPLORE_HASH;
    });
    map.addEventListener('select', ({ detail }) => {
      if (this.#isShown) location.hash = merchantHash(detail);
    });
    this.#search.addEventListener('change', () => this.#showFound());
    store.onChange(['origin', 'radiusM', 'minDistanceM', 'accuracyM', 'language'], async (state, old) => {
      const origin = await this.#drawOrigin();
      // A typed point is often elsewhere; a clicked one is where the visitor looks.
      if (state.origin !== old.origin && state.origin?.isTyped) map.fit(origin, state.radiusM);
    });
    store.onChange(['language'], () => {
      this.#showFound();
      this.#merchant.refresh();
    });
    byId('more').addEventListener('click', () => this.#search.more());
  }

  async #showOnMap({ name, displayName, wgs84Position, serviceArea }) {
    const { latitude = 0, longitude = 0 } = wgs84Position;
    const point = await toMapDatum({ latitude, longitude, datum: 'wgs84' }, this.#config.mapDatum, this.#base);
    const area = serviceArea && await areaInMapDatum(serviceArea, point, this.#config.mapDatum, this.#base);
    if (this.#name !== name || !this.#isShown) return;
    this.#map.setArea(area);
    this.#opened = { name, label: displayName, latitude: point.latitude, longitude: point.longitude };
    this.#drawPins();
    this.#map.reveal(point);
  }

  #searchAround({ wgs84Position: { latitude = 0, longitude = 0 } }) {
    this.#store.set({ origin: { latitude, longitude, datum: 'wgs84', isTyped: true }, accuracyM: 0 });
    location.hash = EXPLORE_HASH;
  }

  async #drawOrigin() {
    const { state } = this.#store;
    const origin = state.origin && await toMapDatum(state.origin, this.#config.mapDatum, this.#base);
    if (this.#isShown && state.origin === this.#store.state.origin) this.#map.setOrigin(origin, this.#store.state, t('point'));
    return origin;
  }

  #drawPins() {
    if (!this.#isShown) return;
    const pins = this.#search.outcome.results.map((result, index) => ({
      name: result.merchant.name, number: index + 1, label: nameOf(result), isOpen: result.openState !== 'OPEN_STATE_CLOSED',
      latitude: result.position.latitude ?? 0, longitude: result.position.longitude ?? 0,
    }));
    if (this.#opened && !pins.some(pin => pin.name === this.#opened.name)) pins.push({ ...this.#opened, number: '•', isOpen: true });
    this.#map.setPins(pins);
    this.#map.highlight(this.#name);
  }

  #showFound() {
    const { outcome } = this.#search;
    showOutcome(outcome, this.#store.state, { onHighlight: name => this.#map.highlight(name ?? this.#name) });
    this.#form.offerCategories(outcome.results);
    this.#drawPins();
    const violations = this.#form.showViolations(outcome.error?.violations ?? []);
    showError(byId('error'), outcome.error, violations, { onRetry: () => this.#search.run(), onNeedKey: this.#onNeedKey });
  }
}
