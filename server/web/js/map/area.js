// Service areas as what the map draws.

import { datumOf, toMapDatum } from '../shared/datums.js';
import { circle } from './geometry.js';

/** The geometry of a service area around a point in the datum of the map. */
export async function areaInMapDatum(area, center, mapDatum, base) {
  if (area.radiusM) return { type: 'Polygon', coordinates: [circle(center, area.radiusM)] };
  const { coordinateSystem, polygons = [] } = area.polygons ?? {};
  const rings = polygons.map(({ shell, holes = [] }) => [shell, ...holes].filter(Boolean));
  return {
    type: 'MultiPolygon',
    coordinates: await Promise.all(rings.map(each => Promise.all(each.map(ring => lineOf(ring, datumOf(coordinateSystem), mapDatum, base))))),
  };
}

/** A ring as a closed line of longitudes and latitudes. */
async function lineOf({ latitudes = [], longitudes = [] }, datum, mapDatum, base) {
  const points = await Promise.all(latitudes.map((latitude, index) => toMapDatum({ latitude, longitude: longitudes[index], datum }, mapDatum, base)));
  const line = points.map(({ latitude, longitude }) => [nearTo(longitude, points[0].longitude), latitude]);
  return line.length > 0 ? [...line, line[0]] : [];
}

/** A longitude within half a turn of another one, so that a ring across the antimeridian stays together. */
const nearTo = (longitude, other) => longitude - 360 * Math.round((longitude - other) / 360);
