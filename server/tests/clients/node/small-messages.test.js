'use strict';
// Streams of small messages, one row or search in each, which a busy server slows down but never ends.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');

const ROWS = 10_000;
const SEARCHES = 20_000;
// The tests share the machine with the server and with the calls that keep it busy.
const DEADLINE_MS = 300_000;
const ORIGIN = position(50, 10);

let server;
let client;
let isDone = false;
let busy;
before(async () => {
  server = await start();
  client = server.client;
  busy = (async () => {
    while (!isDone) await client.search({ origin: ORIGIN, pageSize: 500 });
  })();
});
after(async () => {
  isDone = true;
  await busy;
  await server.stop();
});

test('ten thousand rows of a message each', async () => {
  const messages = [];
  for (let row = 1; row <= ROWS; row += 1) messages.push({ rows: [{ rowNumber: row, merchant: merchant(`${row}`, 50, 10) }] });
  const { outcomes } = await client.importAll(messages, DEADLINE_MS);
  assert.equal(outcomes.length, ROWS);
  assert.ok(outcomes.every(({ state }) => state === 'IMPORT_STATE_CREATED'));
});

test('twenty thousand searches of a message each', async () => {
  const requests = [];
  for (let tag = 0; tag < SEARCHES; tag += 1) requests.push({ tag, request: { origin: ORIGIN, pageSize: 1 } });
  const responses = await client.streamSearch(requests, DEADLINE_MS);
  assert.equal(responses.length, SEARCHES);
  assert.ok(responses.every(({ tag, response }, at) => Number(tag) === at && response), 'each has a response, in order');
});
