'use strict';
// Every unary and server-streaming method over HTTP with the Connect client, in JSON and in protobuf.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { createFileRegistry, fromBinary } = require('@bufbuild/protobuf');
const { FileDescriptorSetSchema } = require('@bufbuild/protobuf/wkt');
const { Code, ConnectError, createClient } = require('@connectrpc/connect');
const { createConnectTransport } = require('@connectrpc/connect-node');
const { start } = require('./nearby-server');

const DESCRIPTORS = path.join(__dirname, '../../../../proto/src/generated/file_descriptor_set.bin');
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(DESCRIPTORS)));
const [NearbyService, MerchantService] = ['NearbyService', 'MerchantService'].map((name) => registry.getService(`nearby.v1.${name}`));
const WGS84 = 1;
const HOME = { latitude: 60, longitude: 25, coordinateSystem: WGS84 };

let server;
let folder;
let baseUrl;
before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-connect-'));
  const file = path.join(folder, 'http');
  server = await start(['--http-listen', '127.0.0.1:0', '--http-address-file', file]);
  baseUrl = `http://${fs.readFileSync(file, 'utf8').trim()}`;
});
after(async () => {
  await server.stop();
  fs.rmSync(folder, { recursive: true });
});

function merchant(id) {
  return { name: `merchants/${id}`, displayName: id, position: HOME };
}

for (const useBinaryFormat of [false, true]) {
  const format = useBinaryFormat ? 'protobuf' : 'JSON';
  const id = (name) => `${name}-${format.toLowerCase()}`;
  const clients = () => {
    const transport = createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat, jsonOptions: { registry } });
    return { nearby: createClient(NearbyService, transport), merchants: createClient(MerchantService, transport) };
  };

  test(`unary methods in ${format}`, async () => {
    const { nearby, merchants } = clients();
    const name = `merchants/${id('a')}`;
    const called = new Set();
    const call = async (client, method, request) => {
      called.add(method);
      return client[method](request);
    };
    const created = await call(merchants, 'createMerchant', { merchant: merchant(id('a')) });
    assert.equal(created.name, name);
    assert.equal((await call(merchants, 'getMerchant', { name })).etag, created.etag);
    const update = { merchant: { name, phone: '1' }, updateMask: { paths: ['phone'] } };
    const updated = await call(merchants, 'updateMerchant', update);
    assert.deepEqual([updated.phone, updated.displayName], ['1', id('a')]);
    const found = await call(nearby, 'searchNearby', { origin: HOME });
    assert.ok(found.results.some((result) => result.merchant.name === name));
    assert.equal(typeof found.revision, 'bigint');
    const batch = await call(nearby, 'batchSearchNearby', { requests: [{ origin: HOME }] });
    assert.equal(batch.results[0].outcome.case, 'response');
    const area = { case: 'circle', value: { center: HOME, radiusM: 1000 } };
    assert.ok((await call(nearby, 'getDensity', { area, resolution: 9 })).totalSize >= 1);
    assert.equal((await call(merchants, 'batchGetMerchants', { names: [name] })).merchants[0].name, name);
    assert.ok((await call(merchants, 'listMerchants', {})).merchants.length >= 1);
    await call(merchants, 'hideMerchant', { name });
    await call(merchants, 'showMerchant', { name });
    assert.equal((await call(merchants, 'rejectMerchant', { name, reason: 'x' })).review.reason, 'x');
    await call(merchants, 'approveMerchant', { name });
    const more = await call(merchants, 'batchCreateMerchants', { requests: [{ merchant: merchant(id('b')) }] });
    assert.equal(more.merchants.length, 1);
    await call(merchants, 'batchUpdateMerchants', { requests: [update] });
    await call(merchants, 'batchDeleteMerchants', { requests: [{ name: `merchants/${id('b')}` }] });
    await call(merchants, 'deleteMerchant', { name });
    const unary = [NearbyService, MerchantService].flatMap((service) => service.methods.filter((method) => method.methodKind === 'unary'));
    assert.deepEqual([...called].sort(), unary.map((method) => method.localName).sort());
  });

  test(`methods that stream responses in ${format}`, async () => {
    const { nearby, merchants } = clients();
    await merchants.createMerchant({ merchant: merchant(id('s')) });
    const first = async (stream) => {
      for await (const message of stream) return message;
      return undefined;
    };
    const watching = new AbortController();
    const watched = await first(nearby.watchNearbyFrom({ origin: HOME }, { signal: watching.signal }));
    assert.ok(watched.entered.some((result) => result.merchant.name === `merchants/${id('s')}`));
    let exported = 0;
    for await (const message of merchants.exportMerchants({})) exported += message.merchants.length;
    assert.ok(exported >= 1);
    let bytes = 0;
    for await (const message of merchants.backUpMerchants({})) bytes += JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? String(value) : value)).length;
    assert.ok(bytes > 0);
    const changes = merchants.watchMerchants({}, { timeoutMs: 500 });
    await assert.rejects(async () => {
      for await (const _ of changes);
    }, (error) => error instanceof ConnectError && error.code === Code.DeadlineExceeded);
    await merchants.deleteMerchant({ name: `merchants/${id('s')}` });
  });

  test(`errors in ${format} have their details`, async () => {
    const { nearby, merchants } = clients();
    const error = await nearby.searchNearby({ origin: { latitude: 60, longitude: 25 } }).catch((caught) => caught);
    assert.equal(error.code, Code.InvalidArgument);
    const types = error.details.map((detail) => detail.type);
    assert.deepEqual(types, ['google.rpc.ErrorInfo', 'google.rpc.BadRequest']);
    assert.equal(error.details[1].debug.fieldViolations[0].reason, 'COORDINATE_SYSTEM_UNSPECIFIED');
    const missing = await merchants.getMerchant({ name: 'merchants/none' }).catch((caught) => caught);
    assert.equal(missing.code, Code.NotFound);
    const stream = async () => {
      for await (const _ of nearby.watchNearbyFrom({ origin: {} }));
    };
    await assert.rejects(stream, (caught) => caught.code === Code.InvalidArgument && caught.details.length === 2);
  });
}
