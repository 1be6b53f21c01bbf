// The controls of a search.

import { byId, element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { DATUMS, roundedDegrees } from '../shared/datums.js';
import { clearErrors, showFieldError } from '../shared/field-errors.js';
import { canLocate, locate } from './locate.js';
import { noFilters } from './request.js';

const MIN_RADIUS_M = 50;
const MAX_CATEGORIES = 200;

/** Controls by the last part of the field of the contract that they set, for errors of the server. */
const FIELDS = {
  origin: 'latitude', latitude: 'latitude', longitude: 'longitude', accuracy_m: 'accuracy', radius_m: 'radius', min_distance_m: 'min-distance',
  text: 'text', any_category_prefixes: 'categories', any_brands: 'brands', any_services: 'services', opening: 'open', open_at: 'open-at',
  min_results: 'min-results', max_radius_m: 'min-results',
};

/** Makes the controls in `form`, which set values of the store. */
export class Form {
  #form;
  #store;
  #config;

  constructor(form, store, config) {
    this.#form = form;
    this.#store = store;
    this.#config = config;
    form.append(this.#point(), this.#distances(), this.#filters());
    form.addEventListener('submit', event => {
      event.preventDefault();
      this.#readPoint();
    });
    byId('categories').setAttribute('list', 'seen-categories');
    translate(form);
    this.#show(store.state);
    store.subscribe(state => this.#show(state));
  }

  /** Shows errors of the server beside the controls of their fields; returns those that have none. */
  showViolations(violations) {
    clearErrors(this.#form);
    return violations.filter(({ field, description }) => {
      const parts = field.replace(/\[\d+\]/g, '').split('.').reverse();
      const id = parts.map(part => FIELDS[part]).find(Boolean);
      if (!id) return true;
      showFieldError(byId(id), description);
      return false;
    });
  }

  /** Offers the categories of results: a filter must have their names. */
  offerCategories(results) {
    const options = byId('seen-categories');
    const seen = new Set([...options.children].map(option => option.value));
    for (const { merchant } of results) {
      for (const category of merchant.categories ?? []) {
        if (seen.has(category) || seen.size >= MAX_CATEGORIES) continue;
        seen.add(category);
        options.append(element('option', { value: category }));
      }
    }
  }

  #point() {
    const coordinate = id => field(id, element('input', { id, type: 'text', inputMode: 'decimal', spellcheck: false }));
    const datum = element('select', { id: 'datum' },
      DATUMS.map(name => element('option', { value: name, 'data-t': `datum_${name}` })));
    const here = element('button', { type: 'button', id: 'my-position', 'data-t': 'my_position', onclick: () => this.#locate() });
    here.disabled = !canLocate();
    return element('fieldset', { className: 'point' },
      element('legend', { 'data-t': 'point' }),
      element('p', { className: 'hint', 'data-t': 'point_hint' }),
      // A phone has no room for what its own position or a tap makes superfluous.
      element('details', { id: 'coordinates', open: !matchMedia('(max-width: 760px)').matches },
        element('summary', {}, element('span', { 'data-t': 'coordinates' })),
        element('div', { className: 'row' }, coordinate('latitude'), coordinate('longitude')),
        element('div', { className: 'row' }, field('datum', datum), numberField('accuracy', this.#setNumber('accuracyM'))),
        element('p', { className: 'hint', 'data-t': 'accuracy_hint' }),
        element('div', { className: 'buttons' }, element('button', { type: 'submit', className: 'primary', 'data-t': 'go' }))),
      element('div', { className: 'buttons' }, here),
      element('p', { id: 'locate-status', className: 'hint', role: 'status', ...(canLocate() ? {} : { 'data-t': 'locate_insecure' }) }));
  }

  #distances() {
    const max = this.#config.maxRadiusM;
    const range = element('input', {
      id: 'radius-range', type: 'range', min: MIN_RADIUS_M, max, step: 50, 'data-t-label': 'radius',
      oninput: event => this.#store.set({ radiusM: Number(event.target.value) }),
    });
    const radius = element('input', {
      id: 'radius', type: 'number', min: 1, max, step: 'any', 'data-t-label': 'radius_m', onchange: this.#setNumber('radiusM'),
    });
    return element('div', { className: 'field radius' },
      element('label', { for: 'radius-range', 'data-t': 'radius' }), element('div', { className: 'row range' }, range, radius));
  }

  #filters() {
    const text = id => element('input', { id, type: 'text', spellcheck: false, oninput: event => this.#store.set({ [id]: event.target.value }) });
    const withHint = (id, label, hint) => {
      const input = text(id);
      input.setAttribute('data-t-placeholder', hint);
      return field(id, input, label);
    };
    const choice = (id, values, prefix) => element('select', { id, onchange: event => this.#store.set({ [id]: event.target.value }) },
      values.map(value => element('option', { value, 'data-t': `${prefix}_${value}` })));
    const time = element('input', { id: 'open-at', type: 'datetime-local', onchange: event => this.#store.set({ openAt: event.target.value }) });
    const unknown = element('input', { id: 'unknown', type: 'checkbox', onchange: event => this.#store.set({ includeUnknown: event.target.checked }) });
    return element('div', {},
      withHint('text', 'text', 'text_hint'),
      field('open', choice('open', ['any', 'now', 'at'], 'open'), 'opening'),
      element('div', { className: 'row', id: 'open-details' },
        field('open-at', time, 'open_at_time'),
        element('label', { className: 'check' }, unknown, element('span', { 'data-t': 'include_unknown' }))),
      element('details', { id: 'filters' },
        element('summary', {}, element('span', { 'data-t': 'filters' })),
        withHint('categories', 'category', 'category_hint'),
        element('datalist', { id: 'seen-categories' }),
        element('div', { className: 'row' }, withHint('brands', 'brand', 'brand_hint'), withHint('services', 'service', 'service_hint')),
        element('p', { className: 'hint', 'data-t': 'list_hint' }),
        field('reach', choice('reach', ['near', 'serving', 'near_or_serving'], 'reach')),
        element('div', { className: 'row' },
          numberField('min-distance', this.#setNumber('minDistanceM'), 'min_distance'),
          numberField('min-results', this.#setNumber('minResults'), 'min_results')),
        element('p', { className: 'hint', 'data-t': 'min_results_hint' }),
        element('button', { type: 'button', id: 'clear', 'data-t': 'clear_filters', onclick: () => this.#clear() })));
  }

  #setNumber(name) {
    return event => {
      const value = Number(event.target.value);
      // An empty field is none. The server says which numbers are too large or too small.
      this.#store.set({ [name]: Number.isFinite(value) ? value : 0 });
    };
  }

  #clear() {
    this.#store.set({ ...noFilters(), minDistanceM: 0, minResults: 0 });
  }

  /** Takes over typed coordinates; the point is that of the visitor, also in its datum. */
  #readPoint() {
    const read = id => {
      const text = byId(id).value.trim().replace(',', '.');
      return text === '' ? NaN : Number(text);
    };
    const [latitude, longitude] = [read('latitude'), read('longitude')];
    this.showViolations([]);
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) {
      showFieldError(byId(Math.abs(latitude) <= 90 ? 'longitude' : 'latitude'), t('invalid_coordinates'));
      return;
    }
    this.#store.set({ origin: { latitude, longitude, datum: byId('datum').value, isTyped: true } });
  }

  async #locate() {
    const status = byId('locate-status');
    status.textContent = t('locating');
    try {
      const { latitude, longitude, accuracyM } = await locate();
      this.#store.set({ origin: { latitude, longitude, datum: 'wgs84', isTyped: true }, accuracyM });
      status.textContent = '';
    } catch (error) {
      status.textContent = t(error.message);
    }
  }

  #show(state) {
    const set = (id, value) => {
      const control = byId(id);
      // A control with the focus has the value already, perhaps with a decimal point that the number lacks.
      if (control !== document.activeElement && control.value !== String(value)) control.value = value;
    };
    if (state.origin && state.origin !== this.shownOrigin) {
      this.shownOrigin = state.origin;
      byId('latitude').value = roundedDegrees(state.origin.latitude);
      byId('longitude').value = roundedDegrees(state.origin.longitude);
      byId('datum').value = state.origin.datum;
    }
    if (!state.origin) byId('datum').value ||= this.#config.mapDatum;
    set('accuracy', state.accuracyM || '');
    set('radius', state.radiusM);
    set('radius-range', state.radiusM);
    set('min-distance', state.minDistanceM || '');
    set('min-results', state.minResults || '');
    for (const id of ['text', 'categories', 'brands', 'services', 'open', 'reach']) set(id, state[id]);
    set('open-at', state.openAt);
    byId('unknown').checked = state.includeUnknown;
    byId('open-details').hidden = state.open === 'any';
    byId('open-at').closest('.field').hidden = state.open !== 'at';
  }
}

function field(id, control, label = id) {
  return element('div', { className: 'field' }, element('label', { for: id, 'data-t': label }), control);
}

function numberField(id, onchange, label = id) {
  return field(id, element('input', { id, type: 'number', min: 0, step: 'any', onchange }), label);
}
