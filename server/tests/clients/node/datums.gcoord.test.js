'use strict';
// The three datums all over China, against gcoord, which shares no code with the server.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const gcoord = require('gcoord');
const { position } = require('./build');
const { PLACES } = require('./china');
const { start } = require('./nearby-server');

const DATUMS = ['WGS84', 'GCJ02', 'BD09'];
// gcoord turns positions back by formulas that are good to half a metre.
const MOST_METRES = 1;
const METRES_A_DEGREE = 111_320;

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
  // The same degrees in each datum: three merchants at three places.
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

/** The same place in another datum, as gcoord has it. */
function turned({ latitude, longitude }, from, to) {
  const [east, north] = gcoord.transform([longitude, latitude], gcoord[from], gcoord[to]);
  return { latitude: north, longitude: east };
}

/** How far apart two positions of one datum are, if not far. */
function metresBetween(one, other) {
  const north = (one.latitude - other.latitude) * METRES_A_DEGREE;
  const east = (one.longitude - other.longitude) * METRES_A_DEGREE * Math.cos((one.latitude * Math.PI) / 180);
  return Math.hypot(north, east);
}

/** The results of many searches at once. */
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
    test(`what is given in ${given} is where gcoord has it in ${read}`, async (t) => {
      const options = { radiusM: 1, view: 'MERCHANT_VIEW_FULL', outputCoordinateSystem: `COORDINATE_SYSTEM_${read}` };
      const found = await search(PLACES.map((place) => ({ origin: inDatum(place, given), ...options })));
      const differences = PLACES.map((place, at) => {
        const [{ merchant, position: there }, ...others] = found[at];
        assert.deepEqual([merchant.name, others], [`merchants/${place.id}-${given}`, []]);
        assert.equal(there.coordinateSystem, `COORDINATE_SYSTEM_${read}`);
        if (read === 'WGS84') assert.deepEqual(there, merchant.wgs84Position);
        if (read === given) assert.deepEqual(there, merchant.position);
        return metresBetween(there, turned(place, given, read));
      });
      const worst = Math.max(...differences);
      t.diagnostic(`${given} to ${read}: at most ${worst.toPrecision(2)} m from gcoord in ${differences.length} places`);
      assert.ok(worst < MOST_METRES, `${worst} m`);
    });
  }
}

test('one origin in three datums gives one order', async () => {
  const orders = [];
  for (const datum of DATUMS) {
    const origins = PLACES.map((place) => inDatum(turned(place, 'WGS84', datum), datum));
    const found = await search(origins.map((origin) => ({ origin, view: 'MERCHANT_VIEW_ID_ONLY' })));
    orders.push(found.map((results) => results.map(({ merchant }) => merchant.name)));
  }
  const [wgs84, ...others] = orders;
  for (const order of others) assert.deepEqual(order, wgs84);
  // There was something to put in order.
  assert.ok(wgs84.every((names) => names.length >= 3));
});
