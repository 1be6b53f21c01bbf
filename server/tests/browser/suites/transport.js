'use strict';
// Every unary and server-streaming method from a page of another origin, with the Connect client for browsers, in JSON and in protobuf.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { nearby, start } = require('../server');

const DESCRIPTORS = path.join(__dirname, '../../../../proto/src/generated/file_descriptor_set.bin');
const PACKAGES = ['@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-web'];
const HOME = { latitude: 60.1719, longitude: 24.9414, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' };
/** Messages of google.rpc that errors contain; the descriptors of the contract do not include them. */
const ERROR_DETAILS = {
  name: 'error_details.proto', package: 'google.rpc', syntax: 'proto3',
  messageType: [
    { name: 'ErrorInfo', field: fields('reason', 'domain') },
    {
      name: 'BadRequest',
      field: [{ name: 'field_violations', jsonName: 'fieldViolations', number: 1, label: 'LABEL_REPEATED', type: 'TYPE_MESSAGE', typeName: '.google.rpc.BadRequest.FieldViolation' }],
      nestedType: [{ name: 'FieldViolation', field: fields('field', 'description', 'reason') }],
    },
  ],
};

function fields(...names) {
  return names.map((name, at) => ({ name, jsonName: name, number: at + 1, label: 'LABEL_OPTIONAL', type: 'TYPE_STRING' }));
}

/** The directory of an installed package. */
function directoryOf(name) {
  const found = require.resolve.paths(name).map(each => path.join(each, name)).find(each => fs.existsSync(each));
  assert.ok(found, `${name} is not installed`);
  return found;
}

/** An import map with the ES modules that the packages export. */
function importMap() {
  const imports = {};
  for (const name of PACKAGES) {
    const { exports } = JSON.parse(fs.readFileSync(path.join(directoryOf(name), 'package.json'), 'utf8'));
    for (const [subpath, target] of Object.entries(exports)) {
      imports[path.posix.join(name, subpath)] = `/${path.posix.join(name, target.import)}`;
    }
  }
  return { imports };
}

/** Serves a page, the modules of the packages and the descriptors of the contract. */
function site() {
  const page = `<!doctype html><title>transport</title><script type="importmap">${JSON.stringify(importMap())}</script><body>`;
  return http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const send = (type, body) => response.writeHead(200, { 'content-type': type }).end(body);
    if (pathname === '/') return send('text/html', page);
    if (pathname === '/descriptors') return send('application/octet-stream', fs.readFileSync(DESCRIPTORS));
    const name = PACKAGES.find(each => pathname.startsWith(`/${each}/`));
    const file = name && path.join(directoryOf(name), pathname.slice(name.length + 2));
    if (!file || !fs.existsSync(file)) return response.writeHead(404).end();
    return send('text/javascript', fs.readFileSync(file));
  });
}

/**
 * Runs in the page. Defines `connect(url, key, isBinary)`, which returns the methods of all services by name: each takes the JSON of its
 * request, and returns the JSON of its responses, and the error.
 */
async function setUp(errorDetails) {
  const [protobuf, wkt, connect, web] = await Promise.all(
    ['@bufbuild/protobuf', '@bufbuild/protobuf/wkt', '@connectrpc/connect', '@connectrpc/connect-web'].map(name => import(name)));
  const descriptors = await (await fetch('/descriptors')).arrayBuffer();
  const contract = protobuf.createFileRegistry(protobuf.fromBinary(wkt.FileDescriptorSetSchema, new Uint8Array(descriptors)));
  const details = protobuf.createFileRegistry(protobuf.fromJson(wkt.FileDescriptorSetSchema, { file: [errorDetails] }));
  const registry = protobuf.createRegistry(contract, details);
  const services = [...contract.files].filter(file => file.proto.package === 'nearby.v1').flatMap(file => file.services);

  const errorOf = error => ({
    code: connect.Code[error.code],
    message: error.rawMessage,
    details: ['ErrorInfo', 'BadRequest'].flatMap(name => {
      const schema = details.getMessage(`google.rpc.${name}`);
      return error.findDetails(schema).map(detail => [name, protobuf.toJson(schema, detail)]);
    }),
  });

  globalThis.connect = (baseUrl, key, useBinaryFormat) => {
    const authorize = next => request => {
      request.header.set('authorization', `Bearer ${key}`);
      return next(request);
    };
    const transport = web.createConnectTransport({ baseUrl, useBinaryFormat, jsonOptions: { registry }, interceptors: [authorize] });
    const methods = {};
    for (const service of services) {
      const client = connect.createClient(service, transport);
      for (const method of service.methods.filter(each => ['unary', 'server_streaming'].includes(each.methodKind))) {
        methods[method.name] = async (json, { untilFirst = false, ...options } = {}) => {
          const aborting = new AbortController();
          const trailers = {};
          const onTrailer = received => Object.assign(trailers, Object.fromEntries(received));
          const call = client[method.localName](protobuf.fromJson(method.input, json, { registry }), { signal: aborting.signal, onTrailer, ...options });
          const responses = [];
          const add = message => responses.push(protobuf.toJson(method.output, message, { registry }));
          try {
            if (method.methodKind === 'unary') add(await call);
            else {
              for await (const message of call) {
                add(message);
                if (untilFirst) break;
              }
            }
          } catch (error) {
            return { responses, trailers, error: errorOf(connect.ConnectError.from(error)) };
          } finally {
            aborting.abort();
          }
          return { responses, trailers };
        };
      }
    }
    return methods;
  };
  return Object.keys(globalThis.connect('', '', false));
}

module.exports = shared => {
  let server;
  let pages;
  let key;
  let origin;
  before(async () => {
    pages = site();
    await new Promise(resolve => { pages.listen(0, '127.0.0.1', resolve); });
    // A host name that `launch` maps to this machine: addresses need no permission.
    origin = `http://rebound.test:${pages.address().port}`;
    const keys = path.join(fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'nearby-keys-')), 'keys.toml');
    const roles = ['search', 'manage', 'review', 'operate'].flatMap(role => ['--role', role]);
    key = nearby('keys', 'add', 'all', '--keys', keys, ...roles).match(/\S{20,}/)[0];
    server = await start(['--http-origins', origin, '--keys', keys]);
  });
  after(async () => {
    for (const each of opened.values()) await (await each).close();
    await server?.stop();
    pages.closeAllConnections();
    pages.close();
  });

  /** Opens the page. Returns the methods of the contract, those that were called, the URLs of preflight requests, and functions that call. */
  async function open(isBinary) {
    const context = await shared.browser.newContext();
    const page = await context.newPage();
    const preflights = new Set();
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    network.on('Network.requestWillBeSent', ({ request }) => {
      if (request.method === 'OPTIONS') preflights.add(request.url);
    });
    await page.goto(`${origin}/`);
    const methods = await page.evaluate(setUp, ERROR_DETAILS);
    const called = new Set();
    /** Calls a method, and returns its responses, its trailers and its error. */
    const outcome = (method, request, options) => {
      called.add(method);
      return page.evaluate(
        ({ url, key: given, isBinary: binary, method: name, request: json, options: more }) => globalThis.connect(url, given, binary)[name](json, more),
        { url: server.url, key, isBinary, method, request, options });
    };
    /** Calls a method that succeeds. */
    const call = async (method, request, options) => {
      const { responses, error } = await outcome(method, request, options);
      assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
      return responses;
    };
    const unary = async (method, request, options) => {
      const [response] = await call(method, request, options);
      return response;
    };
    return { preflights, methods, called, outcome, call, unary, close: () => context.close() };
  }
  // Loading the modules of the client takes longer than all calls of a test.
  const opened = new Map();
  const opening = isBinary => {
    if (!opened.has(isBinary)) opened.set(isBinary, open(isBinary));
    return opened.get(isBinary);
  };

  for (const isBinary of [false, true]) {
    const format = isBinary ? 'protobuf' : 'JSON';
    const id = name => `${name}-${format.toLowerCase()}`;
    const merchant = name => ({ name: `merchants/${id(name)}`, displayName: name, position: HOME });

    test(`every method in ${format}`, async () => {
      const { preflights, methods, called, outcome, call, unary } = await opening(isBinary);
      const { name } = merchant('a');
      const created = await unary('CreateMerchant', { merchant: merchant('a') });
      assert.equal(created.name, name);
      assert.equal((await unary('GetMerchant', { name })).etag, created.etag);
      const update = { merchant: { name, phone: '1' }, updateMask: 'phone' };
      const updated = await unary('UpdateMerchant', update);
      assert.deepEqual([updated.phone, updated.displayName], ['1', 'a']);
      assert.equal((await unary('BatchUpdateMerchants', { requests: [update] })).merchants[0].phone, '1');
      assert.equal((await unary('HideMerchant', { name })).visibility, 'VISIBILITY_HIDDEN');
      assert.equal((await unary('ShowMerchant', { name })).visibility, 'VISIBILITY_VISIBLE');
      assert.equal((await unary('RejectMerchant', { name, reason: 'x' })).review.reason, 'x');
      assert.equal((await unary('ApproveMerchant', { name })).review, undefined);

      const { responses: [found], trailers } = await outcome('SearchNearby', { origin: HOME, radiusM: 10 }, { headers: { 'nearby-return-cost': 'true' } });
      assert.deepEqual(found.results.map(each => each.merchant.name), [name]);
      assert.ok(Number(trailers['nearby-cost']) > 0, JSON.stringify(trailers));
      const batch = await unary('BatchSearchNearby', { requests: [{ origin: HOME }, { origin: { latitude: 60 } }] });
      assert.equal(batch.results[0].response.results[0].merchant.name, name);
      assert.equal(batch.results[1].status.code, 3);
      assert.equal((await unary('GetDensity', { circle: { center: HOME, radiusM: 1000 }, resolution: 9 })).totalSize, 1);
      assert.equal((await unary('BatchGetMerchants', { names: [name] })).merchants[0].name, name);
      assert.deepEqual((await unary('ListMerchants', {})).merchants.map(each => each.name), [name]);
      assert.equal((await unary('BatchCreateMerchants', { requests: [{ merchant: merchant('b') }] })).merchants.length, 1);

      const [watched] = await call('WatchNearbyFrom', { origin: HOME }, { untilFirst: true });
      assert.deepEqual(watched.entered.map(each => each.merchant.name).sort(), [name, merchant('b').name]);
      const exported = await call('ExportMerchants', {});
      assert.equal(exported.flatMap(each => each.merchants).length, 2);
      assert.ok((await call('BackUpMerchants', {})).length > 0);
      const changes = await outcome('WatchMerchants', {}, { timeoutMs: 300 });
      assert.equal(changes.error.code, 'DeadlineExceeded');

      for (const method of ['GetClusterStatus', 'HealCluster', 'UpgradeClusterFormat', 'HashContents']) {
        assert.equal((await outcome(method, {})).error.code, 'FailedPrecondition', method);
      }

      await unary('BatchDeleteMerchants', { requests: [{ name: merchant('b').name }] });
      await unary('DeleteMerchant', { name });
      assert.equal((await outcome('GetMerchant', { name })).error.code, 'NotFound');
      assert.deepEqual([...called].sort(), methods.sort());
      // Only a browser that asked first may read these responses.
      assert.deepEqual([...preflights].map(url => url.split('/').at(-1)).sort(), [...called].sort());
    });

    test(`errors in ${format} have their details`, async () => {
      const { outcome } = await opening(isBinary);
      for (const [method, field] of [['SearchNearby', 'origin.coordinate_system'], ['WatchNearbyFrom', 'origin.coordinate_system']]) {
        const { error } = await outcome(method, { origin: { latitude: 60, longitude: 25 } });
        assert.equal(error.code, 'InvalidArgument', method);
        const { ErrorInfo, BadRequest } = Object.fromEntries(error.details);
        assert.equal(ErrorInfo.domain, 'nearby');
        assert.deepEqual(BadRequest.fieldViolations.map(each => [each.field, each.reason]), [[field, 'COORDINATE_SYSTEM_UNSPECIFIED']]);
      }
    });
  }

  test('a page of an origin that is not allowed reads no response', async () => {
    const context = await shared.browser.newContext();
    const page = await context.newPage();
    // The same site at an address of its own: it may call, as every address may, and read nothing.
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    const error = await page.evaluate(async ({ url, key: given, origin: home }) => {
      const headers = { authorization: `Bearer ${given}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ origin: home });
      return fetch(`${url}nearby.v1.NearbyService/SearchNearby`, { method: 'POST', headers, body }).then(() => 'read', caught => caught.name);
    }, { url: server.url, key, origin: HOME });
    assert.equal(error, 'TypeError');
    await context.close();
  });
};
