// Geometry of what the map draws. What is drawn never decides what is found: that is up to the server.

const EQUATOR_M = 6_378_137;
const ECCENTRICITY_SQUARED = 0.006_694_379_990_14;
const toRadians = degrees => degrees * Math.PI / 180;
const toDegrees = radians => radians * 180 / Math.PI;

/** Decodes a line of `server/web/tools/base_map.py`: differences of integers. */
export function decodeLine(numbers, scale) {
  const line = [];
  let x = 0;
  let y = 0;
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    x += numbers[i];
    y += numbers[i + 1];
    line.push([x / scale, y / scale]);
  }
  return line;
}

/**
 * A circle around a point, as a ring of longitudes and latitudes. It is walked in the tangent plane of the ellipsoid, so that poles
 * and the antimeridian are no special cases: within 0.01 % of the radius up to 50 km. Longitudes go on beyond 180 degrees.
 */
export function circle({ latitude, longitude }, radiusM, points = 128) {
  const [lat, lon] = [toRadians(latitude), toRadians(longitude)];
  const [sinLat, cosLat, sinLon, cosLon] = [Math.sin(lat), Math.cos(lat), Math.sin(lon), Math.cos(lon)];
  const verticalM = EQUATOR_M / Math.sqrt(1 - ECCENTRICITY_SQUARED * sinLat * sinLat);
  const center = [verticalM * cosLat * cosLon, verticalM * cosLat * sinLon, verticalM * (1 - ECCENTRICITY_SQUARED) * sinLat];
  const [east, north] = [[-sinLon, cosLon, 0], [-sinLat * cosLon, -sinLat * sinLon, cosLat]];
  const up = [cosLat * cosLon, cosLat * sinLon, sinLat];
  const angle = radiusM / verticalM;
  const ring = [];
  for (let i = 0; i <= points; i += 1) {
    const azimuth = 2 * Math.PI * i / points;
    const [x, y, z] = [0, 1, 2].map(axis => center[axis]
      + verticalM * Math.sin(angle) * (Math.sin(azimuth) * east[axis] + Math.cos(azimuth) * north[axis])
      - verticalM * (1 - Math.cos(angle)) * up[axis]);
    const pointLon = toDegrees(Math.atan2(y, x));
    const turns = Math.round((longitude - pointLon) / 360);
    ring.push([pointLon + 360 * turns, toDegrees(Math.atan2(z, Math.hypot(x, y) * (1 - ECCENTRICITY_SQUARED)))]);
  }
  return ring;
}
