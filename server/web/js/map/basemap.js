// The base map: that of the operator, or the streets and outlines that the server has in its binary.

import { decodeLine } from './geometry.js';

const FONT = ['sans-serif'];
const COLORS = {
  light: {
    sea: '#cfdfe8', land: '#f3f1ec', ground: '#f3f1ec', water: '#b9d6e6', green: '#d5e6cc', building: '#e2dcd2', path: '#ddd5c8',
    minor: '#ffffff', major: '#ffe3a6', casing: '#cfc8bb', rail: '#a8a39b', tram: '#c3bcb0', text: '#4a4640', halo: '#ffffff',
  },
  dark: {
    sea: '#152028', land: '#20262b', ground: '#1d2226', water: '#16303f', green: '#22342a', building: '#2b3137', path: '#353b41',
    minor: '#444b52', major: '#665a3c', casing: '#15191c', rail: '#565c62', tram: '#4a5056', text: '#c4c9cd', halo: '#15191c',
  },
};
/** From this zoom on the streets are shown instead of outlines of continents. */
const STREETS_ZOOM = 5;

/** Returns the style of the base map, and the box of the streets in it: null for an operator's map, which ends nowhere. */
export async function baseMap(config, isDark, base) {
  if (config.map?.style) return { style: absolute(config.map.style, base), bounds: null };
  if (config.map?.tiles) return { style: rasterStyle(config.map), bounds: null };
  const [streets, land] = await Promise.all(['helsinki', 'land'].map(async name => {
    const response = await fetch(new URL(`map/${name}.json`, base));
    if (!response.ok) throw new Error(`map/${name}.json: HTTP ${response.status}`);
    return response.json();
  }));
  return { style: embeddedStyle(streets, land, COLORS[isDark ? 'dark' : 'light']), bounds: streets.bounds };
}

/** A style's URL, if it is relative, is one below the page. */
function absolute(style, base) {
  return typeof style === 'string' ? new URL(style, base).href : style;
}

function rasterStyle({ tiles, attribution }) {
  return {
    version: 8,
    sources: { tiles: { type: 'raster', tiles: [tiles], tileSize: 256, attribution: asText(attribution) } },
    layers: [{ id: 'tiles', type: 'raster', source: 'tiles' }],
  };
}

/** Attributions are markup to MapLibre, and texts to the operator. */
function asText(text) {
  const escaped = document.createElement('span');
  escaped.textContent = text;
  return escaped.innerHTML;
}

function embeddedStyle(streets, land, color) {
  const feature = (type, coordinates, properties = {}) => ({ type: 'Feature', properties, geometry: { type, coordinates } });
  const collection = features => ({ type: 'FeatureCollection', features });
  const lines = name => streets.layers[name].map(line => feature('LineString', decodeLine(line, streets.scale)));
  const named = name => streets.layers[name].map(([index, ...line]) =>
    feature('LineString', decodeLine(line, streets.scale), { name: streets.names[index] ?? '' }));
  const areas = name => streets.layers[name].map(ring => feature('Polygon', [decodeLine(ring, streets.scale)]));
  const source = (features, attribution) => ({ type: 'geojson', data: collection(features), attribution });
  const continents = land.polygons.map(rings => feature('Polygon', rings.map(ring => decodeLine(ring, land.scale))));
  const osm = streets.attribution;
  return {
    version: 8,
    sources: {
      land: source(continents, land.attribution),
      water: source(areas('water'), osm), green: source(areas('green'), osm), building: source(areas('building'), osm),
      path: source(lines('path'), osm), minor: source(named('minor'), osm), major: source(named('major'), osm),
      tram: source(lines('tram'), osm), rail: source(lines('rail'), osm),
    },
    layers: layers(color),
  };
}

function layers(color) {
  const fadeIn = { 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 13, 0, 14, 1] };
  const width = (at12, at18) => ['interpolate', ['exponential', 1.6], ['zoom'], 12, at12, 18, at18];
  const line = (id, source, lineColor, lineWidth, more = {}) => ({
    id, type: 'line', source, minzoom: STREETS_ZOOM, layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': lineColor, 'line-width': lineWidth, ...more },
  });
  const fill = (id, fillColor, paint = {}) => ({ id, type: 'fill', source: id, minzoom: 11, paint: { 'fill-color': fillColor, ...paint } });
  const label = source => ({
    id: `${source}-name`, type: 'symbol', source, minzoom: source === 'major' ? 14 : 15,
    layout: {
      'symbol-placement': 'line', 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11.5, 'symbol-spacing': 280,
    },
    paint: { 'text-color': color.text, 'text-halo-color': color.halo, 'text-halo-width': 1.4 },
  });
  return [
    {
      id: 'background', type: 'background',
      paint: { 'background-color': ['interpolate', ['linear'], ['zoom'], STREETS_ZOOM, color.sea, STREETS_ZOOM + 1.5, color.ground] },
    },
    {
      id: 'land', type: 'fill', source: 'land', maxzoom: STREETS_ZOOM + 1.5,
      paint: {
        'fill-color': color.land, 'fill-outline-color': color.rail,
        'fill-opacity': ['interpolate', ['linear'], ['zoom'], STREETS_ZOOM, 1, STREETS_ZOOM + 1.5, 0],
      },
    },
    fill('green', color.green), fill('water', color.water), fill('building', color.building, fadeIn),
    line('path', 'path', color.path, width(0.3, 4), { 'line-opacity': ['interpolate', ['linear'], ['zoom'], 14, 0, 15, 1] }),
    line('minor-casing', 'minor', color.casing, width(1.2, 15)),
    line('major-casing', 'major', color.casing, width(2, 19)),
    line('minor', 'minor', color.minor, width(0.7, 12.5)),
    line('major', 'major', color.major, width(1.4, 16.5)),
    line('tram', 'tram', color.tram, width(0.3, 2)),
    line('rail', 'rail', color.rail, width(0.5, 2.4)),
    label('minor'), label('major'),
  ];
}
