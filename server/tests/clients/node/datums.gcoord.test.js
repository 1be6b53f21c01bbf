'use strict';
// The three datums across China, compared with gcoord, which shares no code with the server.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const gcoord = require('gcoord');
const { position } = require('./build');
const { PLACES } = require('./china');
const { start } = require('./nearby-server');

const DATUMS = ['WGS84', 'GCJ02', 'BD09'];
// The inverse formulas of gcoord are accurate to half a metre.
const MAX_ERROR_M = 1;
const METRES_PER_DEGREE = 111_320;

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
  // The same degrees in each datum: three merchants at three points.
  for (const datum of DATUMS) {
    const requests = PLACES.map(({ id, latitude, longitude }) => ({
      merchantId: `${id}-${datum}`,
      merchant: { displayName: id, position: inDatum({ latitude, longitude }, datum) },
    }));
    await client.batchCreate({ requests });
  }
});
after(() => server.stop());

const inDatum = ({ latitude, longitude }, datum) => position(latitude, longitude, `COORDINATE_SYSTEM_${datum}`);

/** Converts a position to another datum with gcoord. */
function converted({ latitude, longitude }, from, to) {
  const [east, north] = gcoord.transform([longitude, latitude], gcoord[from], gcoord[to]);
  return { latitude: north, longitude: east };
}

/** Approximate distance between two nearby positions of the same datum. */
function metresBetween(one, other) {
  const north = (one.latitude - other.latitude) * METRES_PER_DEGREE;
  const east = (one.longitude - other.longitude) * METRES_PER_DEGREE * Math.cos((one.latitude * Math.PI) / 180);
  return Math.hypot(north, east);
}

/** Runs many searches in one batch. */
async function search(requests) {
  const { results } = await client.batchSearch({ requests });
  assert.equal(results.length, requests.length);
  return results.map(({ outcome, response, status }) => {
    assert.equal(outcome, 'response', JSON.stringify(status));
    return response.results;
  });
}

for (const given of DATUMS) {
  for (const read of DATUMS) {
    test(`positions in ${given} are returned in ${read} as gcoord converts them`, async (t) => {
      const options = { radiusM: 1, view: 'MERCHANT_VIEW_FULL', outputCoordinateSystem: `COORDINATE_SYSTEM_${read}` };
      const found = await search(PLACES.map((place) => ({ origin: inDatum(place, given), ...options })));
      const differences = PLACES.map((place, at) => {
        const [{ merchant, position: there }, ...others] = found[at];
        assert.deepEqual([merchant.name, others], [`merchants/${place.id}-${given}`, []]);
        assert.equal(there.coordinateSystem, `COORDINATE_SYSTEM_${read}`);
        if (read === 'WGS84') assert.deepEqual(there, merchant.wgs84Position);
        if (read === given) assert.deepEqual(there, merchant.position);
        return metresBetween(there, converted(place, given, read));
      });
      const worst = Math.max(...differences);
      t.diagnostic(`${given} to ${read}: at most ${worst.toPrecision(2)} m from gcoord at ${differences.length} points`);
      assert.ok(worst < MAX_ERROR_M, `${worst} m`);
    });
  }
}

const SHIFTED = [
  ['Hong Kong', 22.2783, 114.1747],
  ['Macau', 22.1987, 113.5439],
];
const UNSHIFTED = [
  ['Seoul', 37.5665, 126.978],
  ['Osaka', 34.6937, 135.5023],
  ['Taipei', 25.033, 121.5654],
  ['Bangkok', 13.7563, 100.5018],
  ['Singapore', 1.3521, 103.8198],
];

/** The position of a stored place in another datum. */
async function stored([name, latitude, longitude], datum) {
  const id = `edge-${name}`;
  const merchant = { displayName: id, position: inDatum({ latitude, longitude }, 'WGS84') };
  await client.update({ merchant: { ...merchant, name: `merchants/${id}` }, allowMissing: true });
  const options = { radiusM: 1, outputCoordinateSystem: `COORDINATE_SYSTEM_${datum}` };
  const [[{ position: there }]] = await search([{ origin: inDatum({ latitude, longitude }, 'WGS84'), ...options }]);
  return there;
}

test('Hong Kong and Macau are shifted as gcoord does it', async () => {
  for (const place of SHIFTED) {
    const [, latitude, longitude] = place;
    for (const datum of ['GCJ02', 'BD09']) {
      const expected = converted({ latitude, longitude }, 'WGS84', datum);
      assert.ok(metresBetween(await stored(place, datum), expected) < MAX_ERROR_M, `${place[0]} ${datum}`);
    }
  }
});

test('places abroad are not shifted, unlike in the rectangle of gcoord', async () => {
  for (const place of UNSHIFTED) {
    const [name, latitude, longitude] = place;
    const there = await stored(place, 'GCJ02');
    assert.deepEqual([there.latitude, there.longitude], [latitude, longitude], name);
    assert.ok(metresBetween(there, converted({ latitude, longitude }, 'WGS84', 'GCJ02')) > 100, name);
  }
});

test('the same origin in three datums gives the same order', async () => {
  const orders = [];
  for (const datum of DATUMS) {
    const origins = PLACES.map((place) => inDatum(converted(place, 'WGS84', datum), datum));
    const found = await search(origins.map((origin) => ({ origin, view: 'MERCHANT_VIEW_ID_ONLY' })));
    orders.push(found.map((results) => results.map(({ merchant }) => merchant.name)));
  }
  const [wgs84, ...others] = orders;
  for (const order of others) assert.deepEqual(order, wgs84);
  // Each search must have several results.
  assert.ok(wgs84.every((names) => names.length >= 3));
});
