'use strict';
// Invalid requests: INVALID_ARGUMENT that names the field and contains no coordinate.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');
const { expectError } = require('./rpc-error');

// Coordinates whose digits appear in no message by chance.
const LATITUDE = 60.12378564;
const LONGITUDE = 24.98761243;
const HERE = position(LATITUDE, LONGITUDE);

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
  const rows = [1, 2, 3].map((number) => ({ merchant: merchant(`m${number}`, LATITUDE, LONGITUDE) }));
  await client.importAll([{ rows }]);
});
after(() => server.stop());

const SEARCHES = [
  ['no origin', {}, 'origin'],
  ['latitude NaN', { origin: position(NaN, LONGITUDE) }, 'origin.latitude'],
  ['latitude infinite', { origin: position(-Infinity, LONGITUDE) }, 'origin.latitude'],
  ['latitude out of range', { origin: position(90.12378564, LONGITUDE) }, 'origin.latitude'],
  ['longitude infinite', { origin: position(LATITUDE, Infinity) }, 'origin.longitude'],
  ['longitude out of range', { origin: position(LATITUDE, 180.98761243) }, 'origin.longitude'],
  ['datum unset', { origin: { latitude: LATITUDE, longitude: LONGITUDE } }, 'origin.coordinateSystem'],
  ['datum unknown', { origin: position(LATITUDE, LONGITUDE, 99) }, 'origin.coordinateSystem'],
  ['radius 0', { origin: HERE, radiusM: 0 }, 'radiusM'],
  ['radius negative', { origin: HERE, radiusM: -1 }, 'radiusM'],
  ['radius over the limit', { origin: HERE, radiusM: 5_000.001 }, 'radiusM'],
  ['radius NaN', { origin: HERE, radiusM: NaN }, 'radiusM'],
  ['page size negative', { origin: HERE, pageSize: -1 }, 'pageSize'],
  ['page token garbage', { origin: HERE, pageToken: 'garbage' }, 'pageToken'],
];

for (const [what, request, field] of SEARCHES) {
  test(`search: ${what}`, async () => assertInvalid(client.search(request), field));
}

test('search: page token of another query', async () => {
  const { nextPageToken: pageToken } = await client.search({ origin: HERE, pageSize: 1 });
  assert.ok(pageToken);
  await assertInvalid(client.search({ origin: position(LATITUDE, LONGITUDE + 1e-9), pageToken }), 'pageToken');
  await assertInvalid(client.search({ origin: HERE, radiusM: 100, pageToken }), 'pageToken');
});

for (const [what, id] of [['slash', 'a/b'], ['129 bytes', 'x'.repeat(129)], ['control character', 'a\u0007b']]) {
  test(`id: ${what}`, async () => {
    await assertInvalid(client.create({ merchant: merchant('', LATITUDE, LONGITUDE), merchantId: id }), 'merchantId');
    await assertInvalid(client.get({ name: `merchants/${id}` }), 'name');
  });
}

test('id: empty', async () => {
  await assertInvalid(client.get({ name: '' }), 'name');
  await assertInvalid(client.remove({ name: 'merchants/' }), 'name');
});

test('create: all invalid fields are reported at once', async () => {
  const bad = { ...merchant('bad', 91, 24), displayName: '', categories: [''] };
  const error = await expectError(client.create({ merchant: bad }));
  assert.equal(error.code, status.INVALID_ARGUMENT);
  const fields = ['merchant.categories[0]', 'merchant.display_name', 'merchant.position.latitude'];
  assert.deepEqual(error.fields.sort(), fields);
});

async function assertInvalid(call, field) {
  const error = await expectError(call);
  assert.equal(error.code, status.INVALID_ARGUMENT);
  // The server uses the field names of the contract, this client those of JavaScript.
  assert.deepEqual(error.fields, [field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]);
  for (const digits of ['1237', '9876']) assert.ok(!error.text.includes(digits), error.text);
}
