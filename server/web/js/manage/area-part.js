// The service area: a radius, or polygons, whose rings are typed or drawn.

import { element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { DATUMS, datumOf, systemOf, toMapDatum } from '../shared/datums.js';
import { withInserted } from './edges.js';
import { button, labelled, nextId, numberInput, numberOf } from './parts.js';

const KINDS = ['none', 'radius', 'polygons'];
const digits = degrees => String(Math.round(degrees * 1e7) / 1e7);

/** The part of the field `service_area`. Event `draw` when the ring that is drawn, or whether one is, has changed; `change` after all others. */
export class AreaPart extends EventTarget {
  key = 'serviceArea';
  #config;
  #base;
  #kind;
  #radius = numberInput({ id: nextId() });
  #datum;
  #polygons = element('div', { className: 'polygons' });
  #bodies;
  /** The text of the ring that clicks on the map extend, or null. */
  #drawn = null;

  constructor(config, base) {
    super();
    this.#config = config;
    this.#base = base;
    this.#kind = element('select', { id: 'area-kind', onchange: () => this.#showKind() }, KINDS.map(kind => element('option', { value: kind, 'data-t': `area_${kind}` })));
    this.#datum = element('select', { id: 'area-datum' }, DATUMS.map(name => element('option', { value: name, 'data-t': `datum_${name}` })));
    this.#bodies = {
      radius: labelled('area_radius_m', this.#radius, { path: 'service_area.radius_m' }),
      polygons: element('div', { 'data-path': 'service_area.polygons' },
        element('p', { className: 'hint', 'data-t': 'area_hint' }), this.#polygons,
        button('add_polygon', () => this.draw(this.#addPolygon([[]]).querySelector('textarea')), { className: 'add', id: 'add-polygon' }),
        labelled('datum', this.#datum, { path: 'service_area.polygons.coordinate_system' })),
    };
    this.node = element('fieldset', { className: 'field area-part', 'data-path': 'service_area' },
      element('legend', { 'data-t': 'service_area' }), labelled('area_kind', this.#kind), Object.values(this.#bodies));
    this.node.addEventListener('input', () => this.#fire('change'));
    this.write(undefined);
  }

  write(area) {
    this.draw(null);
    const { coordinateSystem, polygons = [] } = area?.polygons ?? {};
    this.#kind.value = area?.polygons ? 'polygons' : area?.radiusM ? 'radius' : 'none';
    this.#radius.value = area?.radiusM ?? '';
    this.#datum.value = coordinateSystem ? datumOf(coordinateSystem) : this.#config.mapDatum;
    this.#polygons.replaceChildren();
    for (const { shell = {}, holes = [] } of polygons) {
      this.#addPolygon([shell, ...holes].map(({ latitudes = [], longitudes = [] }) => latitudes.map((latitude, index) => [latitude, longitudes[index]])));
    }
    this.#showKind();
  }

  read(violations) {
    if (this.#kind.value === 'none') return undefined;
    if (this.#kind.value === 'radius') {
      const radiusM = numberOf(this.#radius, violations);
      if (radiusM === undefined && this.#radius.value.trim() === '') violations.push({ control: this.#radius, description: t('area_radius_missing') });
      return { radiusM };
    }
    const polygons = [...this.#polygons.children].map((polygon, index) => {
      const path = `service_area.polygons.polygons[${index}]`;
      polygon.dataset.path = path;
      const [shell, ...holes] = [...polygon.querySelectorAll('textarea')].map((control, ring) => {
        control.closest('.field').dataset.path = ring === 0 ? `${path}.shell` : `${path}.holes[${ring - 1}]`;
        const points = withInserted(pointsOf(control, violations));
        return { latitudes: points.map(point => point[0]), longitudes: points.map(point => point[1]) };
      });
      return { shell, ...(holes.length > 0 && { holes }) };
    });
    if (polygons.length === 0) violations.push({ control: this.node.querySelector('#add-polygon'), description: t('area_missing') });
    return { polygons: { coordinateSystem: systemOf(this.#datum.value), polygons } };
  }

  /** The ring that is drawn, in the datum of the map; null if none is. */
  async drawn() {
    if (!this.#drawn) return null;
    const points = pointsOf(this.#drawn, []).map(([latitude, longitude]) => ({ latitude, longitude, datum: this.#datum.value }));
    return Promise.all(points.map(point => toMapDatum(point, this.#config.mapDatum, this.#base)));
  }

  get isDrawing() {
    return this.#drawn !== null;
  }

  /** Adds a vertex to the ring that is drawn, or moves the one of an index. */
  setVertex({ latitude, longitude, index }) {
    const points = pointsOf(this.#drawn, []);
    points[index ?? points.length] = [latitude, longitude];
    this.#drawn.value = textOf(points);
    this.#drawn.dispatchEvent(new Event('input', { bubbles: true }));
    this.#fire('draw');
  }

  /** Has clicks on the map extend the ring of a text; null to stop. What is drawn has the datum of the map. */
  async draw(control) {
    this.#drawn = control;
    for (const toggle of this.#polygons.querySelectorAll('.draw')) {
      const isDrawn = toggle.closest('.field').querySelector('textarea') === control;
      toggle.setAttribute('aria-pressed', String(isDrawn));
      toggle.dataset.t = isDrawn ? 'draw_stop' : 'draw';
      toggle.textContent = t(toggle.dataset.t);
    }
    if (control && this.#datum.value !== this.#config.mapDatum) await this.#convert();
    this.#fire('draw');
  }

  async #convert() {
    const from = this.#datum.value;
    this.#datum.value = this.#config.mapDatum;
    for (const control of this.#polygons.querySelectorAll('textarea')) {
      const points = pointsOf(control, []).map(([latitude, longitude]) => toMapDatum({ latitude, longitude, datum: from }, this.#config.mapDatum, this.#base));
      control.value = textOf((await Promise.all(points)).map(point => [point.latitude, point.longitude]));
    }
  }

  #showKind() {
    for (const [kind, body] of Object.entries(this.#bodies)) body.hidden = this.#kind.value !== kind;
    if (this.#kind.value !== 'polygons') this.draw(null);
    // The first polygon is what the choice is about.
    else if (this.#polygons.children.length === 0) this.draw(this.#addPolygon([[]]).querySelector('textarea'));
    this.#fire('change');
  }

  #addPolygon([shell, ...holes]) {
    const polygon = element('fieldset', { className: 'entry field' }, element('legend', { 'data-t': 'polygon' }), this.#ring('shell', shell), holes.map(hole => this.#ring('hole', hole)),
      element('div', { className: 'buttons' },
        button('add_hole', event => {
          const ring = this.#ring('hole', []);
          event.target.parentElement.before(ring);
          translate(ring);
          this.draw(ring.querySelector('textarea'));
        }),
        button('remove_polygon', () => this.#remove(polygon), { className: 'remove' })));
    this.#polygons.append(polygon);
    translate(polygon);
    return polygon;
  }

  #ring(kind, points) {
    const text = element('textarea', { rows: 3, spellcheck: false, value: textOf(points), className: 'ring', oninput: () => this.#fire('draw') });
    const undo = () => {
      text.value = textOf(pointsOf(text, []).slice(0, -1));
      text.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const field = labelled(kind, text);
    const toggle = button('draw', () => this.draw(this.#drawn === text ? null : text), { className: 'draw', 'aria-pressed': 'false' });
    field.append(element('div', { className: 'buttons' }, toggle, button('undo_vertex', undo),
      kind === 'hole' && button('remove_hole', () => this.#remove(field), { className: 'remove' })));
    return field;
  }

  #remove(node) {
    if (node.contains(this.#drawn)) this.draw(null);
    const { parentElement } = node;
    node.remove();
    parentElement.dispatchEvent(new Event('input', { bubbles: true }));
  }

  #fire(type) {
    this.dispatchEvent(new Event(type));
  }
}

const textOf = points => points.map(([latitude, longitude]) => `${digits(latitude)}, ${digits(longitude)}`).join('\n');

/** The vertices in a text: a line each, latitude first. Lines that are none are violations, and left out. */
function pointsOf(control, violations) {
  const points = [];
  control.value.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const numbers = line.split(/[\s,，;]+/).filter(Boolean).map(Number);
    if (numbers.length === 2 && numbers.every(Number.isFinite)) points.push(numbers);
    else violations.push({ control, description: t('invalid_vertex', { line: index + 1 }) });
  });
  return points;
}
