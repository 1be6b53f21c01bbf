// The merchant of the form on the map, and the preview of its rank.

import { element } from '../dom.js';
import { distance, t } from '../i18n/i18n.js';
import { areaInMapDatum } from '../map/area.js';
import { EditLayer } from '../map/edit-layer.js';
import { toMapDatum } from '../shared/datums.js';
import { textOf } from '../shared/errors.js';
import { button } from './parts.js';
import { rankFrom } from './rank.js';

/** Below it a pixel is more than 20 m: too coarse for a pin. */
const MIN_ZOOM = 12;
const TYPING_MS = 250;

export class Place {
  #api;
  #config;
  #base;
  #map;
  #store;
  #form;
  #layer;
  #isShown = false;
  /** The point of the preview `{latitude, longitude, datum}`, or null. */
  #from = null;
  #isPickingFrom = false;
  #timer = 0;
  #drawings = 0;
  #ranking = null;
  #found = null;
  #outcome = element('div', { id: 'rank', role: 'status' });
  #picker;
  #amongCategories = element('input', { type: 'checkbox', id: 'preview-categories', onchange: () => this.changed() });

  constructor({ api, config, base, map, store, form }) {
    this.#api = api;
    this.#config = config;
    this.#base = base;
    this.#map = map;
    this.#store = store;
    this.#form = form;
    this.#layer = new EditLayer(map);
    this.#picker = button('preview_pick', () => this.#pickFrom(!this.#isPickingFrom), { id: 'preview-pick', 'aria-pressed': 'false' });
    this.node = element('section', { className: 'preview', 'data-t-label': 'preview' },
      element('h3', { 'data-t': 'preview' }), element('p', { className: 'hint', 'data-t': 'preview_hint' }),
      element('div', { className: 'buttons' }, this.#picker, button('preview_search_point', () => this.#setFrom(this.#store.state.origin), { id: 'preview-search-point' })),
      element('label', { className: 'check' }, this.#amongCategories, element('span', { 'data-t': 'preview_categories' })),
      this.#outcome);
    this.#layer.addEventListener('move', ({ detail }) => this.#moved(detail));
    this.#layer.addEventListener('vertex', ({ detail }) => (form.node.inert ? this.draw() : form.area.setVertex(detail)));
    this.#layer.addEventListener('preview', ({ detail }) => this.#setFrom({ ...detail, datum: config.mapDatum }));
    form.area.addEventListener('draw', () => {
      if (form.area.isDrawing) this.#pickFrom(false);
      this.draw();
    });
  }

  /** Shows the merchant of the form, in view. */
  async show() {
    this.#isShown = true;
    this.#from = null;
    this.#found = null;
    this.#showOutcome();
    this.node.querySelector('#preview-search-point').hidden = !this.#store.state.origin;
    const point = await this.draw();
    if (point && this.#isShown) this.#map.reveal(point, MIN_ZOOM);
  }

  hide() {
    this.#isShown = false;
    this.#from = null;
    this.#ranking?.abort();
    clearTimeout(this.#timer);
    this.#pickFrom(false);
    this.#layer.clear();
  }

  /** A click on the map sets what the visitor has chosen to set: the point of the preview, a vertex, or the place of a new merchant. */
  pick(point) {
    if (this.#isPickingFrom) this.#setFrom({ ...point, datum: this.#config.mapDatum });
    else if (this.#form.area.isDrawing) this.#form.area.setVertex(point);
    else if (!this.#form.position.point()) this.#moved(point);
  }

  retranslate() {
    this.#showOutcome();
  }

  /** Draws pin, area and vertices. Returns the position in the datum of the map, or null. */
  async draw() {
    if (!this.#isShown) return null;
    this.#drawings += 1;
    const drawing = this.#drawings;
    const [mapDatum, base] = [this.#config.mapDatum, this.#base];
    const position = this.#form.position.point();
    const point = position && await toMapDatum(position, mapDatum, base);
    const area = this.#form.area.read([]);
    const hasCenter = area?.radiusM ? point : true;
    const geometry = area && hasCenter ? await areaInMapDatum(area, point, mapDatum, base) : null;
    const vertices = await this.#form.area.drawn();
    const from = this.#from && await toMapDatum(this.#from, mapDatum, base);
    // Only the latest one is true.
    if (!this.#isShown || drawing !== this.#drawings) return null;
    this.#layer.setPin(point, t('merchant_pin'));
    this.#layer.setVertices(vertices ?? []);
    this.#layer.setPreview(from, t('preview'));
    this.#layer.setPicking(this.#isPickingFrom || vertices !== null || !point);
    this.#map.setArea(geometry);
    return point;
  }

  /** Draws what the form says, and finds the rank of another position. */
  changed() {
    this.draw();
    clearTimeout(this.#timer);
    if (this.#from) this.#timer = setTimeout(() => this.#from && this.#setFrom(this.#from), TYPING_MS);
  }

  #moved(point) {
    if (this.#form.node.inert) {
      // A call runs: the pin goes back.
      this.draw();
      return;
    }
    this.#form.position.moveTo(point);
    this.#form.node.dispatchEvent(new Event('input'));
    this.changed();
  }

  #pickFrom(isPicking) {
    this.#isPickingFrom = isPicking;
    this.#picker.setAttribute('aria-pressed', String(isPicking));
    if (isPicking) this.#form.area.draw(null);
    this.draw();
  }

  async #setFrom(point) {
    this.#from = point;
    this.#pickFrom(false);
    this.#ranking?.abort();
    const ranking = new AbortController();
    this.#ranking = ranking;
    const position = this.#form.position.point();
    if (!position) {
      this.#found = { error: t('preview_no_position') };
      this.#showOutcome();
      return;
    }
    try {
      const [from, wgs84] = await Promise.all([point, position].map(each => toMapDatum(each, 'wgs84', this.#base)));
      const found = await rankFrom(this.#api, { ...point, wgs84: from }, { name: this.#form.name, wgs84 }, {
        maxRadiusM: this.#config.maxRadiusM, categories: this.#amongCategories.checked ? this.#form.categories.read() : [], signal: ranking.signal,
      });
      if (this.#ranking !== ranking) return;
      this.#found = found;
    } catch (error) {
      if (this.#ranking !== ranking || error.name === 'AbortError') return;
      this.#found = { error: textOf(error) };
    }
    this.#showOutcome();
  }

  #showOutcome() {
    const found = this.#found;
    if (!found) this.#outcome.replaceChildren();
    else if (found.error) this.#outcome.replaceChildren(element('p', {}, found.error));
    else if (found.rank === null) this.#outcome.replaceChildren(element('p', {}, t('preview_beyond', { distance: distance(found.ownM), radius: distance(this.#config.maxRadiusM) })));
    else {
      const item = (name, metres, isOwn) => element('li', { className: isOwn ? 'own' : '' }, element('span', {}, name), element('span', { className: 'distance' }, distance(metres)));
      const others = results => results.map(result => item(result.merchant.displayName, result.distanceM ?? 0, false));
      this.#outcome.replaceChildren(
        element('p', { id: 'rank-text' }, t('preview_rank', { rank: found.rank, distance: distance(found.ownM) })),
        element('ol', { className: 'neighbours', start: found.rank - found.before.length }, others(found.before), item(t('preview_own'), found.ownM, true), others(found.after)));
    }
  }
}
