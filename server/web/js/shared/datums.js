// The datums of China, to draw a point in the datum of the map. Searches send points as they were given: the server converts them
// itself, with the same formulas. Where they apply is the server's, too: `china-area.json`.

const KRASOVSKY_A_M = 6_378_245;
const KRASOVSKY_E2 = 0.006_693_421_622_965_943;
const BAIDU_WAVE = Math.PI * 3_000 / 180;
const BAIDU_NORTH_DEG = 0.006;
const BAIDU_EAST_DEG = 0.0065;
const MAX_ITERATIONS = 30;
const CLOSE_DEG = 1e-10;
const toDegrees = radians => radians * 180 / Math.PI;

export const DATUMS = ['wgs84', 'gcj02', 'bd09'];
/** The name of a datum in the contract. */
export const systemOf = datum => `COORDINATE_SYSTEM_${datum.toUpperCase()}`;
/** The datum of a name in the contract. */
export const datumOf = system => system.replace('COORDINATE_SYSTEM_', '').toLowerCase();

/** Degrees with seven digits: a centimetre. */
export const roundedDegrees = degrees => Math.round(degrees * 1e7) / 1e7;

let area = null;

/** A point `{latitude, longitude, datum}` in the datum of the map. */
export async function toMapDatum(point, mapDatum, base) {
  if (point.datum === mapDatum) return point;
  area ??= await load(base);
  const wgs84 = toWgs84(point, area);
  return mapDatum === 'wgs84' ? wgs84 : fromWgs84(wgs84, mapDatum, area);
}

async function load(base) {
  const response = await fetch(new URL('china-area.json', base));
  if (!response.ok) throw new Error(`china-area.json: HTTP ${response.status}`);
  return response.json();
}

/** A point in WGS-84. */
function toWgs84(point, area) {
  if (point.datum === 'wgs84') return point;
  const unshifted = point.datum === 'gcj02' ? invert(shift, point) : invert(shift, invert(baidu, point));
  return isShifted(unshifted, point.datum, area) ? { ...unshifted, datum: 'wgs84' } : { ...point, datum: 'wgs84' };
}

/** A point of WGS-84 in another datum. */
function fromWgs84(wgs84, datum, area) {
  if (!isShifted(wgs84, datum, area)) return { ...wgs84, datum };
  const shifted = shift(wgs84);
  return { ...(datum === 'gcj02' ? shifted : baidu(shifted)), datum };
}

function isShifted({ latitude, longitude }, datum, { outline, taiwan }) {
  const isInTaiwan = taiwan.some(([south, west, north, east]) => latitude >= south && latitude <= north && longitude >= west && longitude <= east);
  if (isInTaiwan) return datum === 'bd09';
  // The number of edges of the outline east of a point is odd inside.
  let isInside = false;
  for (let i = 0; i < outline.length; i += 1) {
    const [startLat, startLon] = outline[i];
    const [endLat, endLon] = outline[(i + 1) % outline.length];
    if ((startLat > latitude) === (endLat > latitude)) continue;
    if (longitude < startLon + (endLon - startLon) * (latitude - startLat) / (endLat - startLat)) isInside = !isInside;
  }
  return isInside;
}

/** Finds what a conversion makes into a point, by iteration. */
function invert(convert, target) {
  let guess = { latitude: target.latitude, longitude: target.longitude };
  for (let i = 0; i < MAX_ITERATIONS; i += 1) {
    const made = convert(guess);
    const [north, east] = [target.latitude - made.latitude, target.longitude - made.longitude];
    guess = { latitude: guess.latitude + north, longitude: guess.longitude + east };
    if (Math.abs(north) < CLOSE_DEG && Math.abs(east) < CLOSE_DEG) break;
  }
  return guess;
}

/** Applies the offset of GCJ-02. */
function shift({ latitude, longitude }) {
  const [northM, eastM] = offsetM(longitude - 105, latitude - 35);
  const radians = latitude * Math.PI / 180;
  const w2 = 1 - KRASOVSKY_E2 * Math.sin(radians) ** 2;
  const meridianM = KRASOVSKY_A_M * (1 - KRASOVSKY_E2) / (w2 * Math.sqrt(w2));
  const parallelM = KRASOVSKY_A_M / Math.sqrt(w2) * Math.cos(radians);
  return { latitude: latitude + toDegrees(northM / meridianM), longitude: longitude + toDegrees(eastM / parallelM) };
}

/** The offset in metres north and east; x and y are degrees from 105° E, 35° N. */
function offsetM(x, y) {
  const waves = (a, aTurns, b, bTurns) => (a * Math.sin(aTurns * Math.PI) + b * Math.sin(bTurns * Math.PI)) * 2 / 3;
  const common = waves(20, 6 * x, 20, 2 * x);
  const root = Math.sqrt(Math.abs(x));
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    + waves(20, y, 40, y / 3) + waves(160, y / 12, 320, y / 30);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    + waves(20, x, 40, x / 3) + waves(150, x / 12, 300, x / 30);
  return [north, east];
}

/** Applies the offset of BD-09 to GCJ-02. */
function baidu({ latitude, longitude }) {
  const radius = Math.hypot(longitude, latitude) + 0.000_02 * Math.sin(latitude * BAIDU_WAVE);
  const angle = Math.atan2(latitude, longitude) + 0.000_003 * Math.cos(longitude * BAIDU_WAVE);
  return { latitude: radius * Math.sin(angle) + BAIDU_NORTH_DEG, longitude: radius * Math.cos(angle) + BAIDU_EAST_DEG };
}
