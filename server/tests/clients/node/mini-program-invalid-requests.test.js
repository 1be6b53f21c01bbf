'use strict';
// The mini-program example with a real server: rejected requests, and the absence of positions in responses and logs.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant } = require('./build');
const { post, start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

// Coordinates whose digits appear in nothing by chance.
const HERE = { latitude: 60.12378564, longitude: 24.98761243, datum: 'wgs84' };
const DIGITS = ['.1237', '.9876'];

let server;
let backend;
before(async () => {
  server = await startNearby();
  const rows = Array.from({ length: 21 }, (_, number) => ({
    merchant: merchant(`shop-${number}`, HERE.latitude, HERE.longitude),
  }));
  await server.client.importAll([{ rows }]);
  backend = await startBackend(server.address, { DEADLINE_MS: '20000' });
});
after(async () => {
  await backend?.stop();
  await server?.stop();
});

const at = (change) => ({ position: { ...HERE, ...change } });

const INVALID = [
  ['empty object', {}, [['position', 'REQUIRED']]],
  ['no datum', { position: { latitude: HERE.latitude, longitude: HERE.longitude } }, [['position.datum', 'REQUIRED']]],
  ['a datum by another name', at({ datum: 'GCJ-02' }), [['position.datum', 'NOT_ALLOWED']]],
  ['a datum of another provider', at({ datum: 'bd09' }), [['position.datum', 'NOT_ALLOWED']]],
  ['a datum that is an enum of the contract', at({ datum: 1 }), [['position.datum', 'NOT_ALLOWED']]],
  ['degrees as text', at({ latitude: '60.12378564' }), [['position.latitude', 'WRONG_TYPE']]],
  // JSON.stringify converts NaN to null.
  ['degrees that are not a number', at({ longitude: NaN }), [['position.longitude', 'WRONG_TYPE']]],
  ['a latitude out of range', at({ latitude: 91.12378564 }), [['position.latitude', 'LATITUDE_OUT_OF_RANGE']]],
  ['a longitude out of range', at({ longitude: -180.98761243 }), [['position.longitude', 'LONGITUDE_OUT_OF_RANGE']]],
  ['a position that a phone reports without a fix', at({ latitude: 0, longitude: 0 }), [['position', 'NULL_ISLAND']]],
  ['an accuracy below 0', at({ accuracy: -1 }), [['position.accuracy', 'OUT_OF_RANGE']]],
  ['a position as text', { position: '60.12378564,24.98761243' }, [['position', 'WRONG_TYPE']]],
  ['a position as a list', { position: [60.12378564, 24.98761243] }, [['position', 'WRONG_TYPE']]],
  ['a field misspelt', at({ acuracy: 30 }), [['position.acuracy', 'UNKNOWN_FIELD']]],
  ['a field that is a position', at({ '60.12378564,24.98761243': 1 }), [['position', 'UNKNOWN_FIELD']]],
  ['a radius that is too large', { position: HERE, radius: 5_000.1 }, [['radius', 'OUT_OF_RANGE']]],
  ['an empty category', { position: HERE, category: '' }, [['category', 'REQUIRED']]],
  ['an invalid page token', { position: HERE, pageToken: 'garbage' }, [['pageToken', 'INVALID_PAGE_TOKEN']]],
  ['text instead of a boolean', { position: HERE, openNow: 'true' }, [['openNow', 'WRONG_TYPE']]],
  ['null', null, [['body', 'WRONG_TYPE']]],
  [
    'several invalid fields',
    { position: { latitude: null, longitude: 24 }, radius: '1' },
    [
      ['position.datum', 'REQUIRED'],
      ['position.latitude', 'WRONG_TYPE'],
      ['radius', 'WRONG_TYPE'],
    ],
  ],
];

for (const [what, body, fields] of INVALID) {
  test(`400: ${what}`, async () => {
    const response = await backend.nearby(body);
    assert.deepEqual(fieldsOf(assertError(response, 400, 'INVALID_ARGUMENT')), fields);
  });
}

test('400: page token of another position', async () => {
  const { body } = await backend.nearby({ position: HERE });
  assert.ok(body.nextPageToken);
  const elsewhere = await backend.nearby({ ...at({ latitude: HERE.latitude + 1e-6 }), pageToken: body.nextPageToken });
  assert.deepEqual(fieldsOf(assertError(elsewhere, 400, 'INVALID_ARGUMENT')), [['pageToken', 'INVALID_PAGE_TOKEN']]);
});

const JSON_OF_HERE = JSON.stringify({ position: HERE });

const UNREADABLE = [
  ['truncated JSON', '/nearby', post(JSON_OF_HERE.slice(0, -9)), 400, 'INVALID_ARGUMENT'],
  ['no body', '/nearby', post(''), 400, 'INVALID_ARGUMENT'],
  ['a prototype', '/nearby', post(`{"__proto__": ${JSON_OF_HERE}}`), 400, 'INVALID_ARGUMENT'],
  ['a query', '/nearby?latitude=60.12378564', post(JSON_OF_HERE), 400, 'INVALID_ARGUMENT'],
  ['another method', '/nearby?at=60.12378564,24.98761243', {}, 404, 'NOT_FOUND'],
  ['another path', '/nearby/60.12378564,24.98761243', post(JSON_OF_HERE), 404, 'NOT_FOUND'],
  ['a malformed path', '/60.12378564/%zz/24.98761243', {}, 404, 'NOT_FOUND'],
  ['too large', '/nearby', post(JSON_OF_HERE + ' '.repeat(8 * 1024)), 413, 'PAYLOAD_TOO_LARGE'],
  ['a form', '/nearby', post('at=60.12378564', 'application/x-www-form-urlencoded'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['plain text', '/nearby', post(JSON_OF_HERE, 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
];

for (const [what, target, init, status, code] of UNREADABLE) {
  test(`${status}: ${what}`, async () => {
    assertError(await backend.request(target, init), status, code);
  });
}

test('503: server down, and no position in the log', async (t) => {
  const other = await startNearby();
  t.after(other.kill);
  const orphaned = await startBackend(other.address, { DEADLINE_MS: '20000' });
  t.after(orphaned.kill);
  assert.equal((await orphaned.nearby({ position: HERE })).status, 200);
  await other.stop();
  assertError(await orphaned.nearby({ position: HERE }), 503, 'UNAVAILABLE');
  const log = await orphaned.stop();
  assert.match(log, /"grpc":"UNAVAILABLE"/);
  assertNoPosition(log);
});

// Runs last: reads the log of all requests above.
test('log has a line per request and no position', async () => {
  const { status, body } = await backend.nearby({ position: HERE });
  assert.deepEqual([status, body.merchants.length], [200, 20]);
  const log = await backend.stop();
  backend = undefined;
  const requests = log.match(/incoming request/g).length;
  assert.ok(requests > INVALID.length + UNREADABLE.length, `${requests} requests`);
  assertNoPosition(log);
});

function assertError({ status, body, text }, wanted, code) {
  assert.equal(status, wanted, text);
  assertNoPosition(text);
  // The same shape for errors of Fastify, of this backend and of Nearby.
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual(Object.keys(body.error), ['code', 'message', 'fields']);
  assert.equal(body.error.code, code);
  for (const field of body.error.fields) assert.deepEqual(Object.keys(field), ['field', 'reason', 'description']);
  return body.error;
}

const fieldsOf = ({ fields }) =>
  fields.map(({ field, reason }) => [field, reason]).sort(([one], [other]) => (one < other ? -1 : 1));

function assertNoPosition(text) {
  for (const digits of DIGITS) assert.ok(!text.includes(digits), text);
}
