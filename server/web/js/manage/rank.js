// The rank that a merchant has, or would have, among those around a point.

import { systemOf } from '../shared/datums.js';
import { distanceM } from '../shared/geodesic.js';

const PAGE_SIZE = 500;
/** 20,000 merchants nearer than the one in question: the rank no longer matters. */
const MAX_PAGES = 40;
/** Neighbours that are shown on either side. */
const NEIGHBOURS = 2;

/**
 * Finds the rank of a merchant `{name, wgs84}` from a point `{latitude, longitude, datum}`, of which `wgs84` is the position, among all
 * merchants or those of some categories. Returns
 * `{rank, ownM, before, after}`, where rank is null beyond the radius of searches, or behind too many others.
 */
export async function rankFrom(api, point, merchant, { maxRadiusM, categories = [], signal }) {
  const ownM = distanceM(point.wgs84, merchant.wgs84);
  const found = { rank: null, ownM, before: [], after: [] };
  if (!(ownM <= maxRadiusM)) return found;
  const request = {
    origin: { latitude: point.latitude, longitude: point.longitude, coordinateSystem: systemOf(point.datum) }, radiusM: maxRadiusM, pageSize: PAGE_SIZE,
    ...(categories.length > 0 && { filter: { anyCategories: categories } }),
  };
  let nearer = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { results = [], nextPageToken = '' } = await api.call('NearbyService/SearchNearby', request, { signal });
    for (const result of results) {
      // The position that is stored may be another one.
      if (result.merchant.name === merchant.name) continue;
      if ((result.distanceM ?? 0) <= ownM) {
        nearer += 1;
        found.before.push(result);
      } else {
        found.after.push(result);
      }
    }
    if (found.after.length >= NEIGHBOURS || !nextPageToken) {
      return { ...found, rank: nearer + 1, before: found.before.slice(-NEIGHBOURS), after: found.after.slice(0, NEIGHBOURS) };
    }
    request.pageToken = nextPageToken;
  }
  return { ...found, before: [], after: [] };
}
