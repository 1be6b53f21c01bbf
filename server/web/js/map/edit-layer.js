// What the form of a merchant has on the map: its pin, the vertices of a ring that is drawn, and the point of the preview.

import { Marker } from '../../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs';
import { element } from '../dom.js';

/** Events with positions in the datum of the map: `move` of the pin, `vertex` with its `index`, and `preview`. */
export class EditLayer extends EventTarget {
  #map;
  #pin = null;
  #preview = null;
  #vertices = [];

  constructor(map) {
    super();
    this.#map = map;
  }

  /** Shows the pin of the merchant, which can be dragged; null to remove it. */
  setPin(point, label) {
    this.#pin = this.#marker(this.#pin, point, { className: 'pin edited', label, anchor: 'bottom', onDrag: at => this.#fire('move', at) });
  }

  /** Shows the point of the preview, which can be dragged; null to remove it. */
  setPreview(point, label) {
    this.#preview = this.#marker(this.#preview, point, { className: 'origin-dot', label, anchor: 'center', onDrag: at => this.#fire('preview', at) });
  }

  /** Shows the vertices of a ring, which can be dragged. */
  setVertices(points) {
    while (this.#vertices.length > points.length) this.#vertices.pop()?.remove();
    points.forEach((point, index) => {
      this.#vertices[index] = this.#marker(this.#vertices[index] ?? null, point, {
        className: 'vertex', label: String(index + 1), anchor: 'center', onDrag: at => this.#fire('vertex', { ...at, index }),
      });
    });
  }

  /** Shows with the cursor that a click sets a point. */
  setPicking(isPicking) {
    this.#map.container.classList.toggle('picking', isPicking);
  }

  clear() {
    this.setPin(null);
    this.setPreview(null);
    this.setVertices([]);
    this.setPicking(false);
    this.#map.setArea(null);
  }

  #marker(shown, point, { className, label, anchor, onDrag }) {
    const { native } = this.#map;
    if (!point || !native) {
      shown?.remove();
      return null;
    }
    const place = [point.longitude, point.latitude];
    let marker = shown;
    if (!marker) {
      const handle = element('div', { className, role: 'img' });
      // A click on it is none on the map below.
      handle.addEventListener('click', event => event.stopPropagation());
      marker = new Marker({ element: handle, draggable: true, anchor }).setLngLat(place).addTo(native);
      marker.on('dragend', () => {
        const { lat, lng } = marker.getLngLat().wrap();
        onDrag({ latitude: lat, longitude: lng });
      });
    }
    marker.getElement().setAttribute('aria-label', label);
    marker.setLngLat(place);
    return marker;
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
