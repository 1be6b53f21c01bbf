'use strict';
// SearchNearby: who is found, in which order, page by page.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');

const ORIGIN = position(60.1699, 24.9384);
// Two at every place, so that the id has to order them; beyond number 400 they lie outside of 5 km.
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
  // Stored farthest first: the order of the answers must not be that of the rows.
  await client.importAll([{ rows: rows.reverse() }]);
});
after(() => server.stop());

async function pages(request) {
  const answers = [];
  let pageToken = '';
  do {
    answers.push(await client.search({ ...request, pageToken }));
    pageToken = answers.at(-1).nextPageToken;
  } while (pageToken);
  return answers;
}

test('the nearest come first, and 20 unless more are asked for', async () => {
  const { results } = await client.search({ origin: ORIGIN });
  assert.equal(results.length, 20);
  assert.deepEqual([results[0].merchant.name, results[0].distanceM], ['merchants/m0', 0]);
});

test('pages have no gaps and no duplicates, by distance and then id', async () => {
  const answers = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 7 });
  const results = answers.flatMap((answer) => answer.results);
  for (const { results: page } of answers.slice(0, -1)) assert.equal(page.length, 7);
  for (let at = 1; at < results.length; at += 1) {
    const [before, here] = [results[at - 1], results[at]];
    const byId = Buffer.compare(Buffer.from(before.merchant.name), Buffer.from(here.merchant.name));
    assert.ok(before.distanceM < here.distanceM || (before.distanceM === here.distanceM && byId < 0), `result ${at}`);
  }
  const [whole] = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 500 });
  assert.deepEqual(results, whole.results);
  assert.ok(results.length > 380 && results.length < COUNT, `${results.length} lie within 5 km`);
});

test('the edge is inclusive', async () => {
  const { results } = await client.search({ origin: ORIGIN, pageSize: 41 });
  const farthest = results.at(-1);
  assert.equal(farthest.merchant.name, 'merchants/m40');
  const within = async (radiusM) => (await client.search({ origin: ORIGIN, radiusM, pageSize: 500 })).results.length;
  assert.equal(await within(farthest.distanceM), 42, 'with the other at the same place');
  assert.equal(await within(below(farthest.distanceM)), 40);
});

test('a request without a radius is one of 5 km, not of 0', async () => {
  const [unset] = await pages({ origin: ORIGIN, pageSize: 500 });
  const [set] = await pages({ origin: ORIGIN, radiusM: 5_000, pageSize: 500 });
  assert.deepEqual(unset.results, set.results);
});

for (const datum of ['COORDINATE_SYSTEM_GCJ02', 'COORDINATE_SYSTEM_BD09']) {
  test(`${datum} is taken`, async () => {
    await client.search({ origin: position(39.908745, 116.397128, datum) });
  });
}

/** The next number below a positive one. */
function below(number) {
  const bits = new BigInt64Array(new Float64Array([number]).buffer);
  bits[0] -= 1n;
  return new Float64Array(bits.buffer)[0];
}
