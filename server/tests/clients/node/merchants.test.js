'use strict';
// Life cycle of a merchant: create, read, update, list, import, delete.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { merchant, position } = require('./build');
const { start } = require('./nearby-server');
const { expectError } = require('./rpc-error');

let server;
let client;
before(async () => {
  server = await start();
  client = server.client;
});
after(() => server.stop());

test('created merchant is returned with its output-only fields', async () => {
  const given = merchant('kahvila-ä', 60.17, 24.94, {
    categories: ['shop/café'],
    labels: { tier: 'gold' },
    openingHours: {
      timeZone: 'Europe/Helsinki',
      weeklyPeriods: [{ weekday: 'WEEKDAY_MONDAY', startMinute: 0, lengthMinutes: 10080 }],
    },
  });
  const created = await client.create({ merchant: given });
  assert.deepEqual(await client.get({ name: created.name }), created);
  assert.equal(created.name, given.name);
  assert.deepEqual(created.categories, given.categories);
  assert.deepEqual(created.labels, given.labels);
  assert.deepEqual(created.openingHours.weeklyPeriods, given.openingHours.weeklyPeriods);
  assert.equal(created.visibility, 'VISIBILITY_VISIBLE');
  assert.ok(created.etag);
  assert.deepEqual(created.createTime, created.updateTime);
  const { latitude, longitude, coordinateSystem } = created.wgs84Position;
  assert.deepEqual({ latitude, longitude, coordinateSystem }, given.position);
});

test('without an id the server generates a UUID', async () => {
  const { name } = await client.create({ merchant: merchant('', 60, 25) });
  assert.match(name, /^merchants\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test('duplicate id is ALREADY_EXISTS', async () => {
  await client.create({ merchant: merchant('', 60, 25), merchantId: 'twice' });
  const error = await expectError(client.create({ merchant: merchant('twice', 1, 2) }));
  assert.equal(error.code, status.ALREADY_EXISTS);
  assert.equal(error.reason, 'MERCHANT_EXISTS');
  assert.equal(error.resource.resourceType, 'nearby.v1.Merchant');
  assert.equal(error.resource.resourceName, 'merchants/twice');
});

test('update changes the fields of its mask, if the etag is current', async () => {
  const created = await client.create({ merchant: merchant('masked', 60, 25, { phone: '1', brand: 'Old' }) });
  const given = { name: created.name, etag: created.etag, phone: '2' };
  const updateMask = { paths: ['phone'] };
  const updated = await client.update({ merchant: given, updateMask });
  assert.deepEqual([updated.phone, updated.brand], ['2', 'Old']);
  assert.notEqual(updated.etag, created.etag);
  const error = await expectError(client.update({ merchant: given, updateMask }));
  assert.equal(error.code, status.ABORTED);
  assert.equal(error.reason, 'ETAG_MISMATCH');
});

test('deleted merchant is NOT_FOUND', async () => {
  const { name } = await client.create({ merchant: merchant('gone', 30, 30) });
  await client.remove({ name });
  assert.deepEqual((await client.search({ origin: position(30, 30) })).results, []);
  for (const call of [client.get, client.remove]) {
    const error = await expectError(call({ name }));
    assert.equal(error.code, status.NOT_FOUND);
    assert.equal(error.resource.resourceName, name);
  }
});

test('import reports an outcome per row', async () => {
  const good = merchant('good', 50, 50);
  const noDatum = merchant('no-datum', 50, 50, { position: { latitude: 50, longitude: 50 } });
  const nullIsland = merchant('null-island', 0, 0);
  const rows = [good, noDatum, nullIsland].map((one, index) => ({ rowNumber: index + 1, merchant: one }));
  const { outcomes } = await client.importAll([{ rows: rows.slice(0, 1) }, { rows: rows.slice(1) }]);
  assert.deepEqual(
    outcomes.map(({ rowNumber, state, violations }) => [rowNumber, state, violations.map(({ reason }) => reason)]),
    [
      ['1', 'IMPORT_STATE_CREATED', []],
      ['2', 'IMPORT_STATE_REJECTED', ['COORDINATE_SYSTEM_UNSPECIFIED']],
      ['3', 'IMPORT_STATE_REJECTED', ['NULL_ISLAND']],
    ],
  );
});

test('list returns all merchants by id, page by page', async () => {
  const names = [];
  let pageToken = '';
  do {
    const page = await client.list({ pageSize: 2, pageToken });
    names.push(...page.merchants.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken);
  assert.ok(names.includes('merchants/good'));
  const inOrder = names.map((name) => Buffer.from(name)).sort(Buffer.compare).map(String);
  assert.deepEqual(names, [...new Set(inOrder)]);
});
