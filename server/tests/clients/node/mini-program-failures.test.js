'use strict';
// The example of a mini program's backend, before a server that fails as a test says.

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
// What a server might carelessly say.
const SECRET = 'no shops near 60.12378564,24.98761243';

let fake;
let backend;
before(async () => {
  fake = await startFake();
  // Four attempts take most of a second: they must fit in.
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

test('a search asks for all that a list needs', async () => {
  fake.answer = succeed;
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

test('a server that fails twice for a moment is asked three times', async () => {
  fake.answer = (call, reply) => (fake.calls.length < 3 ? fail(status.UNAVAILABLE, SECRET) : succeed)(call, reply);
  const { status: http, body } = await backend.nearby({ position: HERE });
  assert.deepEqual([http, body.merchants.length], [200, 1]);
  assert.equal(fake.calls.length, 3);
});

const NOT_READY = { ErrorInfo: { reason: 'NOT_READY', domain: 'nearby' } };
const retryIn = (seconds, nanos) => ({ RetryInfo: { retryDelay: { seconds, nanos } } });

const FAILURES = [
  ['too many', status.RESOURCE_EXHAUSTED, retryIn(2, 0), 429, 'RESOURCE_EXHAUSTED', '2'],
  ['too many, for who knows how long', status.RESOURCE_EXHAUSTED, {}, 429, 'RESOURCE_EXHAUSTED', null],
  ['not found', status.NOT_FOUND, {}, 404, 'NOT_FOUND', null],
  ['not there', status.UNAVAILABLE, { ...NOT_READY, ...retryIn(2, 500_000_000) }, 503, 'UNAVAILABLE', '3'],
  ['not there for a moment', status.UNAVAILABLE, { ...NOT_READY, ...retryIn(0, 1) }, 503, 'UNAVAILABLE', '1'],
  ['not there for long', status.UNAVAILABLE, {}, 503, 'UNAVAILABLE', null],
  ['too slow', status.DEADLINE_EXCEEDED, {}, 504, 'DEADLINE_EXCEEDED', null],
  ['broken', status.INTERNAL, {}, 502, 'BAD_GATEWAY', null],
  ['older than the contract', status.UNIMPLEMENTED, {}, 502, 'BAD_GATEWAY', null],
  ['a detail that nobody knows', status.DATA_LOSS, { ResourceInfo: { description: SECRET } }, 502, 'BAD_GATEWAY', null],
  ['a field of ours', status.INVALID_ARGUMENT, violation('view'), 500, 'INTERNAL', null],
];

for (const [what, code, details, http, word, retryAfter] of FAILURES) {
  test(`${http}: ${what}`, async () => {
    fake.answer = fail(code, SECRET, details);
    const answer = await backend.nearby({ position: HERE });
    refused(answer, http, word);
    assert.equal(answer.headers.get('retry-after'), retryAfter);
    // Only what may be gone in a moment is tried again.
    assert.equal(fake.calls.length, code === status.UNAVAILABLE ? 4 : 1);
  });
}

test('400: fields have the names and reasons that the caller knows', async () => {
  fake.answer = fail(status.INVALID_ARGUMENT, SECRET, violation('origin.accuracy_m'));
  const { error } = refused(await backend.nearby({ position: HERE }), 400, 'INVALID_ARGUMENT');
  assert.deepEqual(error.fields, [{ field: 'position.accuracy', reason: 'REASON', description: 'must be so' }]);
});

test('500: an answer that makes no sense', async () => {
  fake.answer = (_call, reply) => reply(null, { results: [{ merchant: { name: SECRET } }] });
  refused(await backend.nearby({ position: HERE }), 500, 'INTERNAL');
  await backend.says(/"err":{"type":"TypeError","at":" {4}at /);
});

test('504: no answer in time', async (t) => {
  const hasty = await startBackend(fake.address, { DEADLINE_MS: '1000' });
  t.after(hasty.kill);
  let left;
  fake.answer = (call) => (left = Number(call.getDeadline()) - Date.now());
  refused(await hasty.nearby({ position: HERE }), 504, 'DEADLINE_EXCEEDED');
  // The server is told, so that it does no work for nobody.
  assert.ok(left <= 1_000, `${left} ms`);
  await hasty.stop();
});

// With a limit: a connection that is never closed would be waited for.
test('who asks before or while it stops is answered', { timeout: 60_000 }, async (t) => {
  const stopping = await startBackend(fake.address, { DEADLINE_MS: '20000' });
  t.after(stopping.kill);
  const asked = new Promise((resolve) => (fake.answer = (call, reply) => resolve(() => succeed(call, reply))));
  const socket = net.connect(stopping.port, '127.0.0.1').setEncoding('utf8');
  const body = JSON.stringify({ position: HERE });
  const head = ['POST /nearby HTTP/1.1', 'host: x', 'content-type: application/json', `content-length: ${body.length}`];
  const request = [...head, '', body].join('\r\n');
  let answers = '';
  socket.on('data', (text) => (answers += text));
  const closed = once(socket, 'close');
  socket.write(request);
  const answer = await asked;
  stopping.terminate();
  await stopping.says(/"msg":"stopping"/);
  fake.answer = succeed;
  socket.write(request);
  await stopping.says(/incoming request(.|\n)*incoming request/);
  answer();
  await closed;
  assert.deepEqual(answers.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
  await stopping.stopped();
});

test('settings that make no sense are named', async () => {
  await assert.rejects(startBackend(fake.address, { PORT: 'http' }), /PORT must be a whole number/);
  await assert.rejects(startBackend(fake.address, { DEADLINE_MS: '0' }), /DEADLINE_MS must be a whole number/);
});

test('what is tested here is what the example installs', () => {
  const read = (folder) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).dependencies;
  // The tests have some of their own beside them.
  const here = read(__dirname);
  for (const [name, version] of Object.entries(read(EXAMPLE))) assert.equal(here[name], version, name);
});

// The last one, after all that went wrong above.
test('the log says what failed, and nothing that the server said', async () => {
  const log = await backend.stop();
  backend = undefined;
  assert.match(log, /"grpc":"UNAVAILABLE","reason":"NOT_READY"/);
  assert.match(log, /"grpc":"INVALID_ARGUMENT","fields":\["view"\]/);
  assert.ok(!log.includes('.1237'), log);
});

function violation(field) {
  return { BadRequest: { fieldViolations: [{ field, reason: 'REASON', description: 'must be so' }] } };
}

function refused({ status: http, body, text }, wanted, code) {
  assert.equal(http, wanted, text);
  assert.ok(!text.includes('.1237'), text);
  assert.deepEqual([Object.keys(body), Object.keys(body.error)], [['error'], ['code', 'message', 'fields']]);
  assert.equal(body.error.code, code);
  return body;
}
