'use strict';
// Searches by text, within an area, and by reach, as a client in Node.js sends them.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');

const HOME = [60, 25];
// Metres of a degree of latitude at 60° N.
const DEGREE_M = 111_412;
const ORIGIN = position(...HOME);

const north = (id, metres, fields) => ({ ...merchant(id, HOME[0] + metres / DEGREE_M, HOME[1]), ...fields });

/** Returns polygons of one ring, from offsets north and east of home in degrees. */
function outline(...corners) {
  const shell = { latitudes: corners.map(([at]) => HOME[0] + at), longitudes: corners.map(([, at]) => HOME[1] + at) };
  return { coordinateSystem: 'COORDINATE_SYSTEM_WGS84', polygons: [{ shell }] };
}

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
  const outlined = { polygons: outline([-0.01, -0.01], [-0.01, 0.01], [0.08, 0.01], [0.08, -0.01]) };
  const merchants = [
    north('near', 100, { displayName: "McDonald's" }),
    north('han', 200, { displayName: 'Coffee', localizedNames: { zh: '星巴克国贸店' } }),
    north('wide', 8_000, { displayName: 'Łódź 7-Eleven', serviceArea: { radiusM: 9_000 } }),
    north('outlined', 7_000, { displayName: 'H&M', serviceArea: outlined }),
    north('far', 6_000, { displayName: 'Kiosk' }),
  ];
  await client.importAll([{ rows: merchants.map((one) => ({ merchant: one })) }]);
});
after(() => server.stop());

async function found(fields) {
  const { results } = await client.search({ origin: ORIGIN, ...fields });
  return results.map((result) => result.merchant.name.replace('merchants/', ''));
}

test('a text finds names by their words', async () => {
  for (const [text, expected] of [['mcdonalds', ['near']], ['国贸', ['han']], ['COFFEE', ['han']], ['lodz', []]]) {
    assert.deepEqual(await found({ filter: { text } }), expected, text);
  }
  assert.deepEqual(await found({ filter: { text: 'lodz 7eleven' }, reach: 'REACH_SERVING' }), ['wide']);
});

test('a reach finds those that serve the origin', async () => {
  assert.deepEqual(await found({}), ['near', 'han']);
  assert.deepEqual(await found({ reach: 'REACH_SERVING' }), ['outlined', 'wide']);
  const { results } = await client.search({ origin: ORIGIN, reach: 'REACH_NEAR_OR_SERVING' });
  assert.deepEqual(results.map((result) => result.servesOrigin), [false, false, true, true]);
});

test('results lie in the area, and an area beyond the circle is truncated', async () => {
  const box = {
    southWest: position(HOME[0] - 0.01, HOME[1] - 0.01),
    northEast: position(HOME[0] + 150 / DEGREE_M, HOME[1] + 0.01),
  };
  assert.deepEqual(await found({ area: { box } }), ['near']);
  const polygons = outline([0.001, -0.01], [0.001, 0.01], [0.2, 0]);
  const { results, areaTruncated } = await client.search({ origin: ORIGIN, area: { polygons } });
  assert.deepEqual([results.map((result) => result.merchant.name), areaTruncated], [['merchants/han'], true]);
});
