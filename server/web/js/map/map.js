// The map: its base, the point of the search with its circle and ring, numbered pins, a service area, and cells of density.

import * as maplibre from '../../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs';
import { byId } from '../dom.js';
import { currentLanguage, t } from '../i18n/i18n.js';
import { baseMap } from './basemap.js';
import { circle } from './geometry.js';
import { Pins } from './pins.js';

const TEXTS_ZH = { 'NavigationControl.ZoomIn': '放大', 'NavigationControl.ZoomOut': '缩小', 'Map.Title': '地图' };
const EMPTY = { type: 'FeatureCollection', features: [] };
const COLOR = {
  light: { area: '#7a3fb5', circle: '#0b6e4f', cells: ['#d9f0e6', '#0b6e4f'] },
  dark: { area: '#c9a2f2', circle: '#57d0a2', cells: ['#1d4a3a', '#8ff0c6'] },
};

/** Events: `pick` with the position of a click or of the end of a drag; `view` after a move; `select` with the name of a pin. */
export class MapView extends EventTarget {
  #map;
  #origin = null;
  #drawn = { circle: EMPTY, cells: EMPTY, area: EMPTY };
  #bounds = null;
  #config;
  #base;
  #scheme = matchMedia('(prefers-color-scheme: dark)');
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #pins;
  #marker = null;
  /** Reason for which there is no map. */
  #failure = '';

  constructor(container, config, base) {
    super();
    this.#config = config;
    this.#base = base;
    maplibre.setWorkerUrl(new URL('vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs', base).href);
    this.#pins = new Pins(name => this.#fire('select', name));
    this.container = container;
  }

  /** The map of MapLibre; undefined before the start, and if there is no WebGL. */
  get native() {
    return this.#map;
  }

  /** Shows the map, or why there is none: lists and forms work without it. */
  async start() {
    try {
      await this.#start();
    } catch (error) {
      this.#failure = error.message;
    }
    this.showNotice();
  }

  /** Shows what the visitor should know of the map: where it ends, or who sees what is looked at. */
  showNotice() {
    const notice = byId('map-notice');
    const key = this.#failure ? 'map_failed' : this.#config.map ? 'map_foreign' : this.isBeyondStreets ? 'map_beyond' : null;
    notice.hidden = !key;
    notice.textContent = key ? t(key, { reason: this.#failure }) : '';
  }

  async #start() {
    const { style, bounds } = await baseMap(this.#config, this.#scheme.matches, this.#base);
    this.#bounds = bounds;
    const start = this.#config.start;
    this.#map = new maplibre.Map({
      container: this.container, style, locale: currentLanguage() === 'zh' ? TEXTS_ZH : undefined,
      center: start ? [start.longitude, start.latitude] : [10, 25], zoom: start ? 14 : 0.8, maxZoom: 20,
      attributionControl: { compact: false },
      // Rotation and pitch do not help to find a shop, and are hard to undo by keyboard and touch.
      dragRotate: false, pitchWithRotate: false, touchPitch: false,
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new maplibre.NavigationControl({ showCompass: false }), 'top-right');
    this.#map.addControl(new maplibre.ScaleControl({ unit: 'metric' }), 'bottom-left');
    this.#map.on('click', event => this.#fire('pick', event.lngLat.wrap()));
    this.#map.on('moveend', () => {
      this.showNotice();
      this.#fire('view');
    });
    this.#map.on('styledata', () => this.#addLayers());
    // A style that cannot be loaded must not take the pins with it.
    this.#map.on('error', event => console.warn(`map: ${event.error?.message ?? ''}`));
    this.#scheme.addEventListener('change', () => this.#restyle());
    await new Promise(resolve => this.#map.once('styledata', resolve));
    this.#fire('view');
  }

  /** True while the streets in the binary do not reach the middle of the view, although their scale does. */
  get isBeyondStreets() {
    if (!this.#bounds || !this.#map || this.#map.getZoom() < 8) return false;
    const { lng, lat } = this.#map.getCenter();
    const [west, south, east, north] = this.#bounds;
    return lng < west || lng > east || lat < south || lat > north;
  }

  /** The box of the view, with the zoom. */
  get view() {
    const bounds = this.#map.getBounds();
    return { south: bounds.getSouth(), west: bounds.getWest(), north: bounds.getNorth(), east: bounds.getEast(), zoom: this.#map.getZoom() };
  }

  /** Shows the point of the search in the datum of the map: `{latitude, longitude}`; null to hide it. */
  setOrigin(origin, { radiusM, minDistanceM, accuracyM }, label) {
    this.#origin = origin;
    if (!this.#map) return;
    if (!origin) {
      this.#marker?.remove();
      this.#marker = null;
      this.#draw('circle', EMPTY);
      return;
    }
    if (!this.#marker) {
      const dot = document.createElement('div');
      dot.className = 'origin-dot';
      dot.setAttribute('role', 'img');
      this.#marker = new maplibre.Marker({ element: dot, draggable: true }).setLngLat([origin.longitude, origin.latitude]).addTo(this.#map);
      this.#marker.on('dragend', () => this.#fire('pick', this.#marker.getLngLat().wrap()));
    }
    this.#marker.getElement().setAttribute('aria-label', label);
    this.#marker.setLngLat([origin.longitude, origin.latitude]);
    const rings = [circle(origin, radiusM)];
    if (minDistanceM > 0) rings.push(circle(origin, minDistanceM).reverse());
    const features = [{ type: 'Feature', properties: { kind: 'radius' }, geometry: { type: 'Polygon', coordinates: rings } }];
    if (accuracyM > 0) {
      const coordinates = [circle(origin, accuracyM)];
      features.push({ type: 'Feature', properties: { kind: 'accuracy' }, geometry: { type: 'Polygon', coordinates } });
    }
    this.#draw('circle', { type: 'FeatureCollection', features });
  }

  /** Shows numbered pins: `{name, number, label, latitude, longitude, isOpen}` in the datum of the map. */
  setPins(pins) {
    if (this.#map) this.#pins.show(this.#map, pins);
  }

  /** Marks the pin of a merchant. */
  highlight(name) {
    this.#pins.highlight(name);
  }

  /** Shows cells: `{count, share, ring}`, where share is 0 to 1; null to hide them. */
  setCells(cells) {
    const features = (cells ?? []).map(({ count, share, ring }) => ({
      type: 'Feature', properties: { count: String(count), share }, geometry: { type: 'Polygon', coordinates: [ring] },
    }));
    this.#draw('cells', { type: 'FeatureCollection', features });
  }

  /** Shows a service area: a geometry of GeoJSON in the datum of the map, or null to hide it. */
  setArea(geometry) {
    this.#draw('area', geometry ? { type: 'Feature', properties: {}, geometry } : EMPTY);
  }

  /** Shows a circle as a whole. */
  fit(center, radiusM) {
    const ring = circle(center, radiusM, 16);
    const [lons, lats] = [ring.map(point => point[0]), ring.map(point => point[1])];
    const box = [[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]];
    this.#map?.fitBounds(box, { padding: 24, maxZoom: 17, animate: !this.#calm.matches, duration: 500 });
  }

  /** Shows a point, if it is not in view or less than `minZoom` enlarged. */
  reveal({ latitude, longitude }, minZoom = 0) {
    if (!this.#map || (this.#map.getZoom() >= minZoom && this.#map.getBounds().contains([longitude, latitude]))) return;
    const center = [longitude, latitude];
    const zoom = Math.max(this.#map.getZoom(), 14);
    if (this.#calm.matches) this.#map.jumpTo({ center, zoom });
    else this.#map.easeTo({ center, zoom, duration: 400 });
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  async #restyle() {
    const { style } = await baseMap(this.#config, this.#scheme.matches, this.#base);
    this.#map.setStyle(style);
  }

  #draw(source, data) {
    this.#drawn[source] = data;
    this.#map?.getSource(`nearby-${source}`)?.setData(data);
  }

  /** Adds what the page draws to a style, once. */
  #addLayers() {
    const map = this.#map;
    if (map.getSource('nearby-circle')) return;
    const color = COLOR[this.#scheme.matches ? 'dark' : 'light'];
    for (const name of ['cells', 'circle', 'area']) map.addSource(`nearby-${name}`, { type: 'geojson', data: this.#drawn[name] });
    map.addLayer({
      id: 'nearby-cells', type: 'fill', source: 'nearby-cells',
      paint: {
        'fill-color': ['interpolate', ['linear'], ['get', 'share'], 0, color.cells[0], 1, color.cells[1]],
        'fill-opacity': 0.6, 'fill-outline-color': color.circle,
      },
    });
    map.addLayer({
      id: 'nearby-cell-counts', type: 'symbol', source: 'nearby-cells',
      layout: { 'text-field': ['get', 'count'], 'text-font': ['sans-serif'], 'text-size': 12 },
      paint: { 'text-color': '#111', 'text-halo-color': '#fff', 'text-halo-width': 1.2 },
    });
    map.addLayer({ id: 'nearby-area', type: 'fill', source: 'nearby-area', paint: { 'fill-color': color.area, 'fill-opacity': 0.12 } });
    map.addLayer({
      id: 'nearby-area-edge', type: 'line', source: 'nearby-area', paint: { 'line-color': color.area, 'line-width': 2, 'line-dasharray': [3, 2] },
    });
    const isKind = kind => ['==', ['get', 'kind'], kind];
    map.addLayer({
      id: 'nearby-radius', type: 'fill', source: 'nearby-circle', filter: isKind('radius'),
      paint: { 'fill-color': color.circle, 'fill-opacity': 0.09 },
    });
    map.addLayer({
      id: 'nearby-radius-edge', type: 'line', source: 'nearby-circle', filter: isKind('radius'),
      paint: { 'line-color': color.circle, 'line-width': 1.6 },
    });
    map.addLayer({
      id: 'nearby-accuracy', type: 'line', source: 'nearby-circle', filter: isKind('accuracy'),
      paint: { 'line-color': color.circle, 'line-width': 1.2, 'line-dasharray': [2, 3] },
    });
  }
}
