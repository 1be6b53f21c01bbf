// Numbered pins. They are elements, so that a screen reader and a test find them as they find the list.

import { Marker } from '../../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs';
import { element } from '../dom.js';

export class Pins {
  #markers = new Map();
  #onSelect;

  constructor(onSelect) {
    this.#onSelect = onSelect;
  }

  /** Shows exactly these pins. Those that are shown already move. */
  show(map, pins) {
    const names = new Set(pins.map(pin => pin.name));
    for (const [name, marker] of this.#markers) {
      if (names.has(name)) continue;
      marker.remove();
      this.#markers.delete(name);
    }
    // The nearest ones come last, above the others.
    for (const pin of [...pins].reverse()) {
      const marker = this.#markers.get(pin.name) ?? this.#added(map, pin);
      marker.setLngLat([pin.longitude, pin.latitude]);
      const button = marker.getElement();
      button.firstChild.textContent = String(pin.number);
      button.classList.toggle('closed', pin.isOpen === false);
      button.setAttribute('aria-label', `${pin.number}. ${pin.label}`);
      button.title = pin.label;
      button.style.zIndex = String(1000 - (Number(pin.number) || 0));
    }
  }

  highlight(name) {
    for (const [each, marker] of this.#markers) marker.getElement().classList.toggle('highlighted', each === name);
  }

  #added(map, pin) {
    // The list has the same merchants in the same order: the Tab key need not visit them twice.
    const button = element('button', {
      type: 'button', className: 'pin', tabIndex: -1,
      onclick: event => {
        event.stopPropagation();
        this.#onSelect(pin.name);
      },
    }, element('span'));
    const marker = new Marker({ element: button, anchor: 'bottom' }).setLngLat([pin.longitude, pin.latitude]).addTo(map);
    this.#markers.set(pin.name, marker);
    return marker;
  }
}
