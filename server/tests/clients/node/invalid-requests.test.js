'use strict';
// Requests that cannot be: INVALID_ARGUMENT, naming the field, and telling nobody where the caller is.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');
const { refused } = require('./rpc-error');

// Digits that appear in no message by chance.
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
  ['radius over the most', { origin: HERE, radiusM: 5_000.001 }, 'radiusM'],
  ['radius NaN', { origin: HERE, radiusM: NaN }, 'radiusM'],
  ['page size negative', { origin: HERE, pageSize: -1 }, 'pageSize'],
  ['page token garbage', { origin: HERE, pageToken: 'garbage' }, 'pageToken'],
];

for (const [what, request, field] of SEARCHES) {
  test(`search: ${what}`, async () => refuses(client.search(request), field));
}

test('search: the page token of another query', async () => {
  const { nextPageToken: pageToken } = await client.search({ origin: HERE, pageSize: 1 });
  assert.ok(pageToken);
  await refuses(client.search({ origin: position(LATITUDE, LONGITUDE + 1e-9), pageToken }), 'pageToken');
  await refuses(client.search({ origin: HERE, radiusM: 100, pageToken }), 'pageToken');
});

for (const [what, id] of [['slash', 'a/b'], ['129 bytes', 'x'.repeat(129)], ['control character', 'a\u0007b']]) {
  test(`id: ${what}`, async () => {
    await refuses(client.create({ merchant: merchant('', LATITUDE, LONGITUDE), merchantId: id }), 'merchantId');
    await refuses(client.get({ name: `merchants/${id}` }), 'name');
  });
}

test('id: empty', async () => {
  await refuses(client.get({ name: '' }), 'name');
  await refuses(client.remove({ name: 'merchants/' }), 'name');
});

test('create: all that is wrong is said at once', async () => {
  const bad = { ...merchant('bad', 91, 24), displayName: '', categories: [''] };
  const refusal = await refused(client.create({ merchant: bad }));
  assert.equal(refusal.code, status.INVALID_ARGUMENT);
  const fields = ['merchant.categories[0]', 'merchant.display_name', 'merchant.position.latitude'];
  assert.deepEqual(refusal.fields.sort(), fields);
});

async function refuses(call, field) {
  const refusal = await refused(call);
  assert.equal(refusal.code, status.INVALID_ARGUMENT);
  // The server names fields as the contract spells them, this client as JavaScript does.
  assert.deepEqual(refusal.fields, [field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]);
  for (const digits of ['1237', '9876']) assert.ok(!refusal.text.includes(digits), refusal.text);
}
