// Density: the number of merchants by H3 cell in view, while the view fits into what the server counts.

import { count, t } from '../i18n/i18n.js';
import { COUNTED, densityRequest } from './request.js';

/** No corner of the box may be farther from its centre. */
const MAX_CORNER_M = 49_000;
const MOVING_MS = 200;
/** Length of the edge of cells in metres, by H3 resolution. */
const EDGE_M = [1_281_256, 483_057, 182_513, 68_979, 26_072, 9_854, 3_725, 1_406, 531, 201, 76, 29, 11];
const MIN_EDGE_PX = 22;
const METRES_PER_DEGREE = 111_320;
const TILE_PX = 512;
const EARTH_M = 40_075_017;

/** Shows cells on the map while the state says so. `showText` gets the text of the legend, or null. */
export class Density {
  #api;
  #store;
  #config;
  #map;
  #showText;
  #running = null;
  #timer = 0;

  constructor(api, store, config, map, showText) {
    this.#api = api;
    this.#store = store;
    this.#config = config;
    this.#map = map;
    this.#showText = showText;
    const soon = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#update(), MOVING_MS);
    };
    store.onChange([...COUNTED, 'language'], soon);
    map.addEventListener('view', soon);
  }

  async #update() {
    this.#running?.abort();
    if (!this.#store.state.density) {
      this.#show(null, null);
      return;
    }
    const { view } = this.#map;
    if (cornerM(view) > MAX_CORNER_M) {
      this.#show(null, t('density_zoom'));
      return;
    }
    const running = new AbortController();
    this.#running = running;
    try {
      const request = densityRequest(this.#store.state, this.#config, { box: view, resolution: resolutionOf(view) });
      const found = await this.#api.call('NearbyService/GetDensity', request, { signal: running.signal });
      if (this.#running !== running) return;
      const cells = found.cells ?? [];
      this.#show(cells.map(cell => shape(cell, cells[0].merchantCount)),
        t('density_legend', { total: count(found.totalSize ?? 0), cells: count(cells.length) }));
    } catch (error) {
      if (this.#running !== running) return;
      this.#show(null, error.reason === 'TOO_MANY_CELLS' ? t('density_truncated') : error.message);
    }
  }

  #show(cells, text) {
    this.#map.setCells(cells);
    this.#showText(text);
  }
}

/** A cell as the map draws it, with its share of the greatest count. */
function shape({ merchantCount, outline }, max) {
  const first = outline[0].longitude ?? 0;
  // A ring across the antimeridian goes on beyond 180 degrees.
  const ring = outline.map(({ latitude = 0, longitude = 0 }) => [longitude - 360 * Math.round((longitude - first) / 360), latitude]);
  return { count: merchantCount, share: Math.log1p(merchantCount) / Math.log1p(max), ring: [...ring, ring[0]] };
}

/** Distance from the middle of a box to its farthest corner, within a percent below 50 km; infinite for a box that is no real one. */
export function cornerM({ south, west, north, east }) {
  if (east - west >= 180 || south <= -90 || north >= 90) return Infinity;
  const widest = Math.min(Math.abs(south), Math.abs(north), south < 0 && north > 0 ? 0 : 90);
  const halfWidthM = (east - west) / 2 * METRES_PER_DEGREE * Math.cos(widest * Math.PI / 180);
  return Math.hypot(halfWidthM, (north - south) / 2 * METRES_PER_DEGREE);
}

/** The finest resolution whose cells have room for their counts. */
export function resolutionOf({ south, north, zoom }) {
  const metresPerPixel = EARTH_M * Math.cos((south + north) / 2 * Math.PI / 180) / (TILE_PX * 2 ** zoom);
  const fine = EDGE_M.findIndex(edge => edge / metresPerPixel < MIN_EDGE_PX);
  return fine === -1 ? EDGE_M.length - 1 : Math.max(fine - 1, 0);
}
