'use strict';
// SearchNearby: results, order and pages.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');

const ORIGIN = position(60.1699, 24.9384);
// Two per point, so that ids determine their order; from number 400 on they lie beyond 5 km.
const COUNT = 500;
const STEP_DEGREES = 0.000225;

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
  const rows = [];
  for (let number = 0; number < COUNT; number += 1) {
    const north = Math.floor(number / 2) * STEP_DEGREES;
    rows.push({ merchant: merchant(`m${number}`, ORIGIN.latitude + north, ORIGIN.longitude) });
  }
  // Stored farthest first, so that the insertion order differs from the expected order.
  await client.importAll([{ rows: rows.reverse() }]);
});
after(() => server.stop());

async function pages(request) {
  const responses = [];
  let pageToken = '';
  do {
    responses.push(await client.search({ ...request, pageToken }));
    pageToken = responses.at(-1).nextPageToken;
  } while (pageToken);
  return responses;
}

test('default page has the 20 nearest', async () => {
  const { results } = await client.search({ origin: ORIGIN });
  assert.equal(results.length, 20);
  assert.deepEqual([results[0].merchant.name, results[0].distanceM], ['merchants/m0', 0]);
});

test('pages have no gaps and no duplicates, by distance and then id', async () => {
  const responses = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 7 });
  const results = responses.flatMap((response) => response.results);
  for (const { results: page } of responses.slice(0, -1)) assert.equal(page.length, 7);
  for (let at = 1; at < results.length; at += 1) {
    const [before, here] = [results[at - 1], results[at]];
    const byId = Buffer.compare(Buffer.from(before.merchant.name), Buffer.from(here.merchant.name));
    assert.ok(before.distanceM < here.distanceM || (before.distanceM === here.distanceM && byId < 0), `result ${at}`);
  }
  const [whole] = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 500 });
  assert.deepEqual(results, whole.results);
  assert.ok(results.length > 380 && results.length < COUNT, `${results.length} lie within 5 km`);
});

test('radius is inclusive', async () => {
  const { results } = await client.search({ origin: ORIGIN, pageSize: 41 });
  const farthest = results.at(-1);
  assert.equal(farthest.merchant.name, 'merchants/m40');
  const within = async (radiusM) => (await client.search({ origin: ORIGIN, radiusM, pageSize: 500 })).results.length;
  assert.equal(await within(farthest.distanceM), 42, 'includes the other one at the same point');
  assert.equal(await within(below(farthest.distanceM)), 40);
});

test('default radius is 5 km', async () => {
  const [unset] = await pages({ origin: ORIGIN, pageSize: 500 });
  const [set] = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 500 });
  assert.deepEqual(unset.results, set.results);
});

for (const datum of ['COORDINATE_SYSTEM_GCJ02', 'COORDINATE_SYSTEM_BD09']) {
  test(`${datum} is accepted`, async () => {
    await client.search({ origin: position(39.908745, 116.397128, datum) });
  });
}

/** Returns the next smaller double of a positive one. */
function below(number) {
  const bits = new BigInt64Array(new Float64Array([number]).buffer);
  bits[0] -= 1n;
  return new Float64Array(bits.buffer)[0];
}
