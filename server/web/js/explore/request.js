// Requests from the state of the page. Calls and copied commands use the same ones.

import { languageTag } from '../i18n/i18n.js';
import { systemOf } from '../shared/datums.js';

export const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 500;

/** The state of the controls at the start. */
export function initialState(config) {
  const start = config.start;
  return {
    origin: start ? { latitude: start.latitude, longitude: start.longitude, datum: 'wgs84' } : null,
    accuracyM: 0,
    radiusM: Math.min(start?.radiusM ?? 500, config.maxRadiusM),
    minDistanceM: 0,
    minResults: 0,
    live: false,
    density: false,
    language: '',
    ...noFilters(),
  };
}

/** Filters that are not set. */
export function noFilters() {
  return { text: '', categories: '', brands: '', services: '', open: 'any', openAt: '', includeUnknown: true, reach: 'near' };
}

/** The values of the state that a search depends on. */
export const SEARCHED = [
  'origin', 'accuracyM', 'radiusM', 'minDistanceM', 'minResults', 'text', 'categories', 'brands', 'services', 'open', 'openAt',
  'includeUnknown', 'reach', 'language',
];

/** The values of the state that the density depends on. */
export const COUNTED = ['text', 'categories', 'brands', 'services', 'density'];

const listOf = text => text.split(/[,，、]/).map(value => value.trim()).filter(value => value !== '');

/** The filter, or undefined if it is empty. */
export function filterOf(state) {
  const filter = {};
  if (state.text.trim()) filter.text = state.text.trim();
  const lists = { anyCategoryPrefixes: state.categories, anyBrands: state.brands, anyServices: state.services };
  for (const [name, text] of Object.entries(lists)) {
    const values = listOf(text);
    if (values.length > 0) filter[name] = values;
  }
  return Object.keys(filter).length > 0 ? filter : undefined;
}

function openingOf(state) {
  // Without a filter, the state of each result is shown all the same.
  if (state.open === 'any') return { openNow: true, policy: 'OPENING_POLICY_SHOW_ALL' };
  const policy = state.includeUnknown ? 'OPENING_POLICY_OPEN_OR_UNKNOWN' : 'OPENING_POLICY_OPEN_ONLY';
  const at = state.open === 'at' ? new Date(state.openAt) : null;
  return at && !Number.isNaN(at.getTime()) ? { openAt: at.toISOString(), policy } : { openNow: true, policy };
}

const REACHES = { near: undefined, serving: 'REACH_SERVING', near_or_serving: 'REACH_NEAR_OR_SERVING' };

/** What searches and watches have in common. */
function around(state, config) {
  const { latitude, longitude, datum } = state.origin;
  const origin = { latitude, longitude, coordinateSystem: systemOf(datum) };
  if (state.accuracyM > 0) origin.accuracyM = state.accuracyM;
  return {
    origin,
    radiusM: state.radiusM,
    minDistanceM: state.minDistanceM || undefined,
    filter: filterOf(state),
    reach: REACHES[state.reach],
    languageCode: languageTag(),
    outputCoordinateSystem: systemOf(config.mapDatum),
  };
}

/** A search: the first page, or that of a token. */
export function searchRequest(state, config, { pageSize = PAGE_SIZE, pageToken } = {}) {
  const expands = state.minResults > 0 && state.reach !== 'serving' && state.radiusM < config.maxRadiusM;
  return {
    ...around(state, config),
    pageSize: Math.min(pageSize, MAX_PAGE_SIZE),
    pageToken,
    opening: openingOf(state),
    includeTotal: true,
    expansion: expands ? { minResults: state.minResults } : undefined,
  };
}

/** A watch of the merchants of a search. It has no opening hours and no expansion: see `live.js`. */
export function watchRequest(state, config, { maxResults, resumeToken }) {
  return { ...around(state, config), maxResults, resumeToken };
}

/** Counts of merchants by cell in a box of the map. */
export function densityRequest(state, config, { box, resolution }) {
  const corner = (latitude, longitude) => ({ latitude, longitude, coordinateSystem: systemOf(config.mapDatum) });
  return {
    box: { southWest: corner(box.south, box.west), northEast: corner(box.north, box.east) },
    resolution,
    filter: filterOf(state),
    outputCoordinateSystem: systemOf(config.mapDatum),
  };
}
