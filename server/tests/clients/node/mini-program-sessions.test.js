'use strict';
// The mini-program example with a fake WeChat: sessions, and the rate limit of each user.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { start: startFake } = require('./fake-nearby');
const { APP_ID, SECRET, start: startWeChat } = require('./fake-wechat');
const { EXAMPLE, post, start: startBackend } = require('./mini-program');

const { RateLimit } = require(path.join(EXAMPLE, 'rate-limit.js'));
const { Sessions } = require(path.join(EXAMPLE, 'sessions.js'));

const HERE = { latitude: 60.1719, longitude: 24.9414, datum: 'wgs84' };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-sessions-'));
const write = (name, content) => {
  fs.writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const KEY_FILE = write('key', 'k'.repeat(32));
const SETTINGS = { DEADLINE_MS: '20000', WECHAT_APP_ID: APP_ID, WECHAT_APP_SECRET_FILE: write('secret', `${SECRET}\n`) };

let nearby;
let wechat;
let backend;
before(async () => {
  [nearby, wechat] = [await startFake(), await startWeChat()];
  backend = await start({ RATE_PER_MINUTE: '1', RATE_BURST: '3' });
});
after(async () => {
  await backend?.stop();
  nearby?.stop();
  await wechat?.stop();
  fs.rmSync(folder, { recursive: true });
});
beforeEach(() => (wechat.fail = {}));

const start = (settings) =>
  startBackend(nearby.address, { ...SETTINGS, WECHAT_API: wechat.origin, SESSION_KEY_FILE: KEY_FILE, ...settings });

let codes = 0;
/** Returns a code of `wx.login` for a user. */
function codeFor(openid) {
  const code = `code-${(codes += 1)}`;
  wechat.codes.set(code, openid);
  return code;
}

const logIn = (code, server = backend) => server.request('/session', post(JSON.stringify({ code })));
const tokenOf = async (openid, server) => (await logIn(codeFor(openid), server)).body.token;
const withToken = (token) => (token === undefined ? {} : { authorization: `Bearer ${token}` });
const search = (token, server = backend) => {
  const { method, headers, body } = post(JSON.stringify({ position: HERE }));
  return server.request('/nearby', { method, body, headers: { ...headers, ...withToken(token) } });
};

test('a code of wx.login is exchanged for a session', async () => {
  const { status, body, text } = await logIn(codeFor('openid-of-alice'));
  assert.deepEqual([status, body.expiresInS], [200, 86_400]);
  const { query } = wechat.callsOf('/sns/jscode2session').at(-1);
  assert.deepEqual([query.appid, query.secret, query.grant_type], [APP_ID, SECRET, 'authorization_code']);
  // Neither may reach the phone.
  assert.ok(!text.includes('openid') && !text.includes('a-session-key'), text);
  assert.equal((await search(body.token)).status, 200);
});

test('401: requests without a valid session, before their content is read', async () => {
  const token = await tokenOf('mallory');
  const [user, expiry, signature] = token.split('.');
  const forged = [
    undefined,
    '',
    'x',
    `${user}.${expiry}`,
    `${user}.zzzzzzz.${signature}`,
    `${'A'.repeat(22)}.${expiry}.${signature}`,
    `${token}x`,
  ];
  const calls = nearby.calls.length;
  for (const invalid of forged) {
    const { status, body, headers } = await search(invalid);
    assert.deepEqual([status, body.error.code, headers.get('www-authenticate')], [401, 'UNAUTHENTICATED', 'Bearer'], invalid);
  }
  assert.equal((await backend.request('/nearby', post('not JSON'))).status, 401);
  assert.equal((await backend.request('/shops/tea')).status, 401);
  assert.equal(nearby.calls.length, calls);
});

const REJECTED = [
  ['unknown code', undefined, () => 'no-such-code', 401, 'UNAUTHENTICATED', null],
  ['blocked user', 40226, () => codeFor('x'), 403, 'PERMISSION_DENIED', null],
  ['limit of WeChat', 45011, () => codeFor('x'), 429, 'RESOURCE_EXHAUSTED', '60'],
  ['busy', -1, () => codeFor('x'), 503, 'UNAVAILABLE', null],
  ['wrong secret', 40125, () => codeFor('x'), 502, 'BAD_GATEWAY', null],
  ['unknown error', 99999, () => codeFor('x'), 502, 'BAD_GATEWAY', null],
];

for (const [what, errcode, code, http, word, retryAfter] of REJECTED) {
  test(`${http}: ${what}`, async () => {
    if (errcode !== undefined) wechat.fail['/sns/jscode2session'] = errcode;
    const { status, body, headers } = await logIn(code());
    assert.deepEqual([status, body.error.code, headers.get('retry-after')], [http, word, retryAfter]);
  });
}

test('401: a code is valid once', async () => {
  const code = codeFor('bob');
  assert.deepEqual([(await logIn(code)).status, (await logIn(code)).status], [200, 401]);
});

const INVALID = [
  [{}, 'REQUIRED'],
  [{ code: '' }, 'TOO_SHORT'],
  [{ code: 'x'.repeat(257) }, 'TOO_LONG'],
  [{ code: 1 }, 'WRONG_TYPE'],
  [{ code: 'x', more: 1 }, 'UNKNOWN_FIELD'],
];
for (const [body, reason] of INVALID) {
  test(`400: ${reason}`, async () => {
    const response = await backend.request('/session', post(JSON.stringify(body)));
    assert.deepEqual([response.status, response.body.error.fields[0].reason], [400, reason]);
  });
}

test('429: each user has a rate limit of their own, in all sessions together', async () => {
  const tokens = [await tokenOf('carol'), await tokenOf('carol')];
  for (let count = 0; count < 3; count += 1) assert.equal((await search(tokens[count % 2])).status, 200);
  const { status, body, headers } = await search(tokens[0]);
  assert.deepEqual([status, body.error.code], [429, 'RESOURCE_EXHAUSTED']);
  const seconds = Number(headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 60, `${seconds}`);
  assert.equal((await search(await tokenOf('dave'))).status, 200);
});

test('a session continues after a restart with the same key, and ends with another one', async (t) => {
  const token = await tokenOf('erin');
  const restarted = await start({});
  t.after(restarted.kill);
  assert.equal((await search(token, restarted)).status, 200);
  const other = await start({ SESSION_KEY_FILE: '' });
  t.after(other.kill);
  assert.equal((await search(token, other)).status, 401);
  await Promise.all([restarted.stop(), other.stop()]);
});

test('503: WeChat cannot be reached, and the log has no secret', async (t) => {
  const alone = await start({ WECHAT_API: 'http://127.0.0.1:1' });
  t.after(alone.kill);
  const { status, body } = await logIn('code', alone);
  assert.deepEqual([status, body.error.code], [503, 'UNAVAILABLE']);
  const log = await alone.stop();
  assert.match(log, /"wechat":"unreachable"/);
  assert.ok(!log.includes(SECRET), log);
});

test('a backend without an app id has no sessions, and says so', async (t) => {
  const open = await startBackend(nearby.address, { DEADLINE_MS: '20000' });
  t.after(open.kill);
  assert.deepEqual((await logIn('code', open)).body, { token: null, expiresInS: null });
  assert.equal((await search(undefined, open)).status, 200);
  assert.match(await open.stop(), /WECHAT_APP_ID is not set/);
});

test('invalid settings are named', async () => {
  const cases = [
    [{ WECHAT_APP_SECRET_FILE: '' }, /WECHAT_APP_ID and WECHAT_APP_SECRET_FILE must be set together/],
    [{ WECHAT_APP_SECRET_FILE: write('empty', '\n') }, /WECHAT_APP_SECRET_FILE: .* is empty/],
    [{ WECHAT_API: 'api.weixin.qq.com' }, /WECHAT_API must be/],
    [{ WECHAT_ENV_VERSION: 'beta' }, /WECHAT_ENV_VERSION must be one of/],
    [{ SESSION_KEY_FILE: write('short', 'x') }, /SESSION_KEY_FILE must have at least 32 bytes/],
    [{ SESSION_SECONDS: '1' }, /SESSION_SECONDS must be/],
    [{ RATE_BURST: '0' }, /RATE_BURST must be/],
  ];
  for (const [settings, message] of cases) await assert.rejects(start(settings), message);
});

test('sessions expire', () => {
  let now = 1_800_000_000_000;
  const sessions = new Sessions({ key: Buffer.alloc(32), seconds: 60 }, () => now);
  const { token } = sessions.issue('alice');
  const user = sessions.userOf(token);
  assert.ok(user);
  assert.notEqual(user, sessions.userOf(sessions.issue('bob').token));
  now += 59_999;
  assert.equal(sessions.userOf(token), user);
  now += 1;
  assert.equal(sessions.userOf(token), undefined);
});

test('rate limit: a burst, then one token per interval, and no memory of full buckets', () => {
  let now = 0;
  const limit = new RateLimit({ perMinute: 60, burst: 5 }, () => now);
  const take = (user, count) => Array.from({ length: count }, () => limit.take(user));
  assert.deepEqual(take('alice', 7), [0, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual(take('bob', 1), [0]);
  now += 2_000;
  assert.deepEqual(take('alice', 3), [0, 0, 1]);
  now += 3_600_000;
  // Idle for an hour: one burst, not 3,600 tokens.
  assert.deepEqual(take('alice', 6), [0, 0, 0, 0, 0, 1]);
  now += 120_000;
  take('carol', 1);
  assert.equal(limit.size, 1);
});

// Runs last: reads the log of all requests above.
test('log has the cause of failures and no secret, code, openid or token', async () => {
  const token = await tokenOf('frank');
  await search(token);
  const log = await backend.stop();
  backend = undefined;
  assert.match(log, /"errcode":40125,"hint":"WECHAT_APP_SECRET_FILE does not have the secret of the app"/);
  for (const secret of [SECRET, 'openid', 'frank', 'code-', token, 'a-session-key', 'fake error'])
    assert.ok(!log.includes(secret), secret);
});
