// Categories that merchants nearby have, to be taken over by a click.

import { element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { systemOf } from '../shared/datums.js';

const MAX_SHOWN = 8;
const MAX_READ = 200;

export class Suggestions {
  #api;
  #part;
  #maxRadiusM;
  #box = element('p', { className: 'suggestions' });
  #categories = [];

  /** Shows suggestions below a part for a list of texts. */
  constructor(api, part, maxRadiusM) {
    this.#api = api;
    this.#part = part;
    this.#maxRadiusM = maxRadiusM;
    part.node.append(this.#box);
    part.node.addEventListener('input', () => this.show());
  }

  /** Reads the categories around a point, the most frequent ones first; once there are some, they stay. */
  async read(point) {
    if (this.#categories.length > 0 || !point) return;
    const origin = { latitude: point.latitude, longitude: point.longitude, coordinateSystem: systemOf(point.datum) };
    try {
      const { results = [] } = await this.#api.call('NearbyService/SearchNearby', { origin, radiusM: this.#maxRadiusM, pageSize: MAX_READ });
      const counts = new Map();
      for (const { merchant } of results) for (const category of merchant.categories ?? []) counts.set(category, (counts.get(category) ?? 0) + 1);
      this.#categories = [...counts].sort((a, b) => b[1] - a[1]).map(([category]) => category);
    } catch {
      // Without suggestions, categories are typed.
    }
    this.show();
  }

  /** Shows those that the part has not, and that contain what is typed last. */
  show() {
    const chosen = this.#part.read() ?? [];
    const typed = (chosen.at(-1) ?? '').toLowerCase();
    const isKnown = this.#categories.includes(chosen.at(-1));
    const others = this.#categories.filter(category => !chosen.includes(category));
    const matching = isKnown ? [] : others.filter(category => category.toLowerCase().includes(typed));
    const shown = (matching.length > 0 ? matching : others).slice(0, MAX_SHOWN);
    const replacesTyped = !isKnown && typed !== '' && matching.length > 0;
    this.#box.replaceChildren(...(shown.length > 0 ? [`${t('categories_used')} `] : []), ...shown.map(category =>
      element('button', { type: 'button', className: 'suggestion', onclick: () => this.#take(category, replacesTyped) }, category)));
  }

  #take(category, replacesTyped) {
    const chosen = this.#part.read() ?? [];
    this.#part.write([...(replacesTyped ? chosen.slice(0, -1) : chosen), category]);
    this.#part.node.dispatchEvent(new Event('input', { bubbles: true }));
  }
}
