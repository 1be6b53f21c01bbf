// The service area: a radius, or polygons, whose rings are typed or drawn.

import { element } from '../dom.js';
import { t, translate } from '../i18n/i18n.js';
import { DATUMS, datumOf, roundedDegrees, systemOf, toMapDatum } from '../shared/datums.js';
import { showFieldError } from '../shared/field-errors.js';
import { withInserted } from './edges.js';
import { button, labelled, nextId, numberInput, numberOf } from './parts.js';

const KINDS = ['none', 'radius', 'polygons'];

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
        button('add_polygon', () => this.draw(this.#addPolygon([{}]).querySelector('textarea')), { className: 'add', id: 'add-polygon' }),
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
      this.#addPolygon([shell, ...holes]);
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
        return ringOf(control, violations);
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
    // Lines that are not corners yet stay as they are typed.
    const lines = linesOf(this.#drawn);
    const corners = lines.flatMap((line, number) => (cornerOf(line) ? [number] : []));
    lines[index === undefined ? lines.length : corners[index]] = lineOf([latitude, longitude]);
    this.#drawn.value = lines.join('\n');
    this.#drawn.dispatchEvent(new Event('input', { bubbles: true }));
    this.#fire('draw');
  }

  /** Has clicks on the map extend the ring of a text; null to stop. The area gets the datum of the map, in which it is drawn. */
  async draw(control) {
    this.#setDrawn(null);
    if (!control) return;
    if (this.#datum.value !== this.#config.mapDatum) {
      const isConverted = await this.#convert();
      if (!isConverted) {
        showFieldError(control, t('area_not_converted'));
        return;
      }
      this.#polygons.dispatchEvent(new Event('input', { bubbles: true }));
    }
    if (control.isConnected) this.#setDrawn(control);
  }

  #setDrawn(control) {
    this.#drawn = control;
    for (const toggle of this.#polygons.querySelectorAll('.draw')) {
      const isDrawn = toggle.closest('.field').querySelector('textarea') === control;
      toggle.setAttribute('aria-pressed', String(isDrawn));
      toggle.dataset.t = isDrawn ? 'draw_stop' : 'draw';
      toggle.textContent = t(toggle.dataset.t);
    }
    this.#fire('draw');
  }

  /** Converts all corners to the datum of the map at once, or none. Returns whether it has. */
  async #convert() {
    const [from, to] = [this.#datum.value, this.#config.mapDatum];
    const texts = [...this.#polygons.querySelectorAll('textarea')].map(control => ({ control, before: control.value }));
    try {
      const converted = await Promise.all(texts.map(({ before }) => Promise.all(before.split('\n').map(async line => {
        const corner = cornerOf(line);
        if (!corner) return line;
        const point = await toMapDatum({ latitude: corner[0], longitude: corner[1], datum: from }, to, this.#base);
        return lineOf([point.latitude, point.longitude]);
      }))));
      // Another version, or another datum, may have been shown meanwhile.
      if (this.#datum.value !== from || texts.some(({ control, before }) => !control.isConnected || control.value !== before)) return false;
      texts.forEach(({ control }, index) => { control.value = converted[index].join('\n'); });
      this.#datum.value = to;
      return true;
    } catch {
      return false;
    }
  }

  #showKind() {
    for (const [kind, body] of Object.entries(this.#bodies)) body.hidden = this.#kind.value !== kind;
    if (this.#kind.value !== 'polygons') this.draw(null);
    // The first polygon is what the choice is about.
    else if (this.#polygons.children.length === 0) this.draw(this.#addPolygon([{}]).querySelector('textarea'));
    this.#fire('change');
  }

  #addPolygon([shell, ...holes]) {
    const polygon = element('fieldset', { className: 'entry field' }, element('legend', { 'data-t': 'polygon' }), this.#ring('shell', shell), holes.map(hole => this.#ring('hole', hole)),
      element('div', { className: 'buttons' },
        button('add_hole', event => {
          const ring = this.#ring('hole', {});
          event.target.parentElement.before(ring);
          translate(ring);
          this.draw(ring.querySelector('textarea'));
        }),
        button('remove_polygon', () => this.#remove(polygon), { className: 'remove' })));
    this.#polygons.append(polygon);
    translate(polygon);
    return polygon;
  }

  #ring(kind, ring) {
    const text = element('textarea', { rows: 3, spellcheck: false, className: 'ring', oninput: () => this.#fire('draw') });
    showRing(text, ring);
    const undo = () => {
      text.value = linesOf(text).slice(0, -1).join('\n');
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
    this.node.querySelector('#add-polygon').focus();
  }

  #fire(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** Rings by the text that shows them, which rounds: one that is not edited stays as it was given. */
const shownRings = new WeakMap();

function showRing(control, ring) {
  const { latitudes = [], longitudes = [] } = ring;
  control.value = latitudes.map((latitude, index) => lineOf([latitude, longitudes[index]])).join('\n');
  if (latitudes.length > 0) shownRings.set(control, { ring, text: control.value });
}

/** The ring in a text, with the vertices that its edges need. */
function ringOf(control, violations) {
  const shown = shownRings.get(control);
  if (shown?.text === control.value) return shown.ring;
  const points = withInserted(pointsOf(control, violations));
  return { latitudes: points.map(point => point[0]), longitudes: points.map(point => point[1]) };
}

const lineOf = ([latitude, longitude]) => `${roundedDegrees(latitude)}, ${roundedDegrees(longitude)}`;

/** The lines of a text that are not blank. */
const linesOf = control => control.value.split('\n').filter(line => line.trim() !== '');

/** The corner in a line, latitude first; null if it is not one. */
function cornerOf(line) {
  const numbers = line.split(/[\s,，;]+/).filter(Boolean).map(Number);
  return numbers.length === 2 && numbers.every(Number.isFinite) ? numbers : null;
}

/** The corners in a text, a line each. Lines that are not corners are violations, and left out. */
function pointsOf(control, violations) {
  const points = [];
  control.value.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const corner = cornerOf(line);
    if (corner) points.push(corner);
    else violations.push({ control, description: t('invalid_vertex', { line: index + 1 }) });
  });
  return points;
}
