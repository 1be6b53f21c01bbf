'use strict';
// The mini-program example with a fake server that fails as scripted.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { failure, start: startFake } = require('./fake-nearby');
const { EXAMPLE, start: startBackend } = require('./mini-program');

const HERE = { latitude: 60.12378564, longitude: 24.98761243, datum: 'wgs84' };
// Error message that must not be passed on.
const SECRET = 'no shops near 60.12378564,24.98761243';

let fake;
let backend;
before(async () => {
  fake = await startFake();
  // Long enough for four attempts, which take most of a second.
  backend = await startBackend(fake.address, { DEADLINE_MS: '20000' });
});
after(async () => {
  await backend?.stop();
  fake?.stop();
});
beforeEach(() => (fake.calls.length = 0));

const fail = (...error) => (_call, reply) => reply(failure(...error));
const found = {
  merchant: { name: 'merchants/tea', displayName: 'Tea' },
  distanceM: 7,
  openState: 'OPEN_STATE_OPEN',
  position: { latitude: 1, longitude: 2, coordinateSystem: 'COORDINATE_SYSTEM_GCJ02' },
};
const succeed = (_call, reply) => reply(null, { results: [found] });

test('search requests all fields that a list needs', async () => {
  fake.handler = succeed;
  const { body } = await backend.nearby({ position: { ...HERE, accuracy: 30 } });
  assert.deepEqual(body.merchants.map(({ id }) => id), ['tea']);
  const [call] = fake.calls;
  const { request } = call;
  const { accuracyM, coordinateSystem } = request.origin;
  assert.deepEqual([accuracyM, coordinateSystem], [30, 'COORDINATE_SYSTEM_WGS84']);
  assert.deepEqual([request.opening.openNow, request.opening.policy], [true, 'OPENING_POLICY_SHOW_ALL']);
  assert.equal(request.view, 'MERCHANT_VIEW_BASIC');
  assert.equal(request.outputCoordinateSystem, 'COORDINATE_SYSTEM_GCJ02');
});

test('search is retried while the server is unavailable', async () => {
  fake.handler = (call, reply) => (fake.calls.length < 3 ? fail(status.UNAVAILABLE, SECRET) : succeed)(call, reply);
  const { status: http, body } = await backend.nearby({ position: HERE });
  assert.deepEqual([http, body.merchants.length], [200, 1]);
  assert.equal(fake.calls.length, 3);
});

const reason = (word) => ({ ErrorInfo: { reason: word, domain: 'nearby' } });
const NOT_READY = reason('NOT_READY');
const retryIn = (seconds, nanos) => ({ RetryInfo: { retryDelay: { seconds, nanos } } });

const FAILURES = [
  ['too many', status.RESOURCE_EXHAUSTED, retryIn(2, 0), 429, 'RESOURCE_EXHAUSTED', '2'],
  ['too many, without a delay', status.RESOURCE_EXHAUSTED, {}, 429, 'RESOURCE_EXHAUSTED', null],
  ['message too large', status.RESOURCE_EXHAUSTED, reason('MESSAGE_TOO_LARGE'), 502, 'BAD_GATEWAY', null],
  ['response too large', status.RESOURCE_EXHAUSTED, reason('RESPONSE_TOO_LARGE'), 502, 'BAD_GATEWAY', null],
  ['not found', status.NOT_FOUND, {}, 404, 'NOT_FOUND', null],
  ['unavailable', status.UNAVAILABLE, { ...NOT_READY, ...retryIn(2, 500_000_000) }, 503, 'UNAVAILABLE', '3'],
  ['unavailable for less than a second', status.UNAVAILABLE, { ...NOT_READY, ...retryIn(0, 1) }, 503, 'UNAVAILABLE', '1'],
  ['unavailable without a delay', status.UNAVAILABLE, {}, 503, 'UNAVAILABLE', null],
  ['deadline exceeded', status.DEADLINE_EXCEEDED, {}, 504, 'DEADLINE_EXCEEDED', null],
  ['internal error', status.INTERNAL, {}, 502, 'BAD_GATEWAY', null],
  ['method unknown to an older server', status.UNIMPLEMENTED, {}, 502, 'BAD_GATEWAY', null],
  ['unknown detail', status.DATA_LOSS, { ResourceInfo: { description: SECRET } }, 502, 'BAD_GATEWAY', null],
  ['field that the client cannot set', status.INVALID_ARGUMENT, violation('view'), 500, 'INTERNAL', null],
];

for (const [what, code, details, http, word, retryAfter] of FAILURES) {
  test(`${http}: ${what}`, async () => {
    fake.handler = fail(code, SECRET, details);
    const response = await backend.nearby({ position: HERE });
    assertError(response, http, word);
    assert.equal(response.headers.get('retry-after'), retryAfter);
    // Only UNAVAILABLE is retried.
    assert.equal(fake.calls.length, code === status.UNAVAILABLE ? 4 : 1);
  });
}

test('400: fields have their JSON names', async () => {
  fake.handler = fail(status.INVALID_ARGUMENT, SECRET, violation('origin.accuracy_m'));
  const { error } = assertError(await backend.nearby({ position: HERE }), 400, 'INVALID_ARGUMENT');
  assert.deepEqual(error.fields, [{ field: 'position.accuracy', reason: 'REASON', description: 'must be so' }]);
});

test('500: malformed response of Nearby', async () => {
  fake.handler = (_call, reply) => reply(null, { results: [{ merchant: { name: SECRET } }] });
  assertError(await backend.nearby({ position: HERE }), 500, 'INTERNAL');
  await backend.waitForLog(/"err":{"type":"TypeError","at":" {4}at /);
});

test('504: no response within the deadline', async (t) => {
  const hasty = await startBackend(fake.address, { DEADLINE_MS: '1000' });
  t.after(hasty.kill);
  let left;
  fake.handler = (call) => (left = Number(call.getDeadline()) - Date.now());
  assertError(await hasty.nearby({ position: HERE }), 504, 'DEADLINE_EXCEEDED');
  // The deadline is sent to the server, so that it can stop working on the call.
  assert.ok(left <= 1_000, `${left} ms`);
  await hasty.stop();
});

// The timeout ends the wait for a connection that is never closed.
test('requests sent before and during shutdown are answered', { timeout: 60_000 }, async (t) => {
  const stopping = await startBackend(fake.address, { DEADLINE_MS: '20000' });
  t.after(stopping.kill);
  const searching = new Promise((resolve) => (fake.handler = (call, reply) => resolve(() => succeed(call, reply))));
  const socket = net.connect(stopping.port, '127.0.0.1').setEncoding('utf8');
  const body = JSON.stringify({ position: HERE });
  const head = ['POST /nearby HTTP/1.1', 'host: x', 'content-type: application/json', `content-length: ${body.length}`];
  const request = [...head, '', body].join('\r\n');
  let responses = '';
  socket.on('data', (text) => (responses += text));
  const closed = once(socket, 'close');
  socket.write(request);
  const respond = await searching;
  stopping.terminate();
  await stopping.waitForLog(/"msg":"shutting down"/);
  fake.handler = succeed;
  socket.write(request);
  await stopping.waitForLog(/incoming request(.|\n)*incoming request/);
  respond();
  await closed;
  assert.deepEqual(responses.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
  await stopping.stopped();
});

test('invalid settings are named', async () => {
  await assert.rejects(startBackend(fake.address, { PORT: 'http' }), /PORT must be a whole number/);
  await assert.rejects(startBackend(fake.address, { DEADLINE_MS: '0' }), /DEADLINE_MS must be a whole number/);
});

test('tests use the dependency versions of the example', () => {
  const read = (folder) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).dependencies;
  // The tests have further dependencies.
  const here = read(__dirname);
  for (const [name, version] of Object.entries(read(EXAMPLE))) assert.equal(here[name], version, name);
});

// Runs last: reads the log of all failures above.
test('log has the cause of each failure and no message of the server', async () => {
  const log = await backend.stop();
  backend = undefined;
  assert.match(log, /"grpc":"UNAVAILABLE","reason":"NOT_READY"/);
  assert.match(log, /"grpc":"INVALID_ARGUMENT","fields":\["view"\]/);
  assert.ok(!log.includes('.1237'), log);
});

function violation(field) {
  return { BadRequest: { fieldViolations: [{ field, reason: 'REASON', description: 'must be so' }] } };
}

function assertError({ status: http, body, text }, wanted, code) {
  assert.equal(http, wanted, text);
  assert.ok(!text.includes('.1237'), text);
  assert.deepEqual([Object.keys(body), Object.keys(body.error)], [['error'], ['code', 'message', 'fields']]);
  assert.equal(body.error.code, code);
  return body;
}
