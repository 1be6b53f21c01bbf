'use strict';
// The mini-program example with a real server and a fake WeChat: the codes on a shop's door.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const jsqr = require('jsqr');
const { PNG } = require('pngjs');
const { merchant } = require('./build');
const { APP_ID, SECRET, start: startWeChat } = require('./fake-wechat');
const { EXAMPLE, post, start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

const { Aliases, aliasOf } = require(path.join(EXAMPLE, 'aliases.js'));
const { WeChat } = require(path.join(EXAMPLE, 'wechat.js'));
// The code of the mini program that reads what a scan yields.
const scan = require(path.join(EXAMPLE, 'miniprogram', 'lib', 'scan.js'));

const PREFIX = 'https://shops.example/s/';
const OPERATOR = { headers: { authorization: 'Bearer the-operator-key' } };
const TOKEN = '/cgi-bin/stable_token';
const CODE = '/wxa/getwxacodeunlimit';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-codes-'));
const file = (name, content) => {
  if (content !== undefined) fs.writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const SETTINGS = {
  DEADLINE_MS: '20000',
  WECHAT_APP_ID: APP_ID,
  WECHAT_APP_SECRET_FILE: file('secret', SECRET),
  OPERATOR_KEY_FILE: file('operator', 'the-operator-key\n'),
  LINK_PREFIX: PREFIX,
  WECHAT_VERIFY_FILE: file('AbCdEf1234.txt', 'verification-content'),
  ALIASES_FILE: file('aliases'),
};

// Those that are their own scene, and those that need an alias.
const SCENE_IDS = ['tea', 'osm:node-1', "!#$&'()*+,:;=?@-._", 'x'.repeat(32)];
const ALIAS_IDS = ['店 1', '100%', 'a b', '~tea', 'x'.repeat(33), '"', '店'.repeat(42), `~${'A'.repeat(22)}`];

let server;
let wechat;
let backend;
let session;
before(async () => {
  [server, wechat] = [await startNearby(), await startWeChat()];
  for (const id of [...SCENE_IDS, ...ALIAS_IDS]) await server.client.create({ merchant: merchant(id, 39.9087, 116.3975) });
  await server.client.create({ merchant: merchant('hidden', 39.9, 116.4, { visibility: 'VISIBILITY_HIDDEN' }) });
  backend = await start();
  wechat.codes.set('login', 'openid');
  session = (await backend.request('/session', post(JSON.stringify({ code: 'login' })))).body.token;
});
after(async () => {
  await backend?.stop();
  await server?.stop();
  await wechat?.stop();
  fs.rmSync(folder, { recursive: true });
});
beforeEach(() => Object.assign(wechat, { calls: [], scenes: [], fail: {} }));

// The key keeps the session of the tests valid in each process.
const start = (settings) =>
  startBackend(server.address, {
    ...SETTINGS,
    WECHAT_API: wechat.origin,
    SESSION_KEY_FILE: file('key', 'k'.repeat(32)),
    RATE_BURST: '1000',
    ...settings,
  });
const target = (id, kind) => `/shops/${encodeURIComponent(id)}/${kind}`;
const asUser = (path, app = backend) => app.request(path, { headers: { authorization: `Bearer ${session}` } });

/** Decodes the QR code in an image. */
function read({ data, width, height }) {
  const found = jsqr(new Uint8ClampedArray(data), width, height);
  assert.ok(found, 'no QR code found');
  return found.data;
}

/** Draws the SVG of the `qrcode` package, whose modules are horizontal strokes, four pixels per module. */
function rasterize(svg) {
  const size = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)[1]);
  const scale = 4;
  const width = size * scale;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  let [x, y] = [0, 0];
  for (const [, command, numbers] of /stroke="#000000" d="([^"]+)"/.exec(svg)[1].matchAll(/([Mmh])([\d. -]+)/g)) {
    const [dx, dy = 0] = numbers
      .trim()
      .split(/[ ,]|(?=-)/)
      .map(Number);
    if (command === 'M') [x, y] = [dx, dy];
    if (command === 'm') [x, y] = [x + dx, y + dy];
    if (command !== 'h') continue;
    for (let row = Math.floor(y) * scale; row < (Math.floor(y) + 1) * scale; row += 1) {
      for (let column = x * scale; column < (x + dx) * scale; column += 1)
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
    x += dx;
  }
  return { data, width, height: width };
}

/** Follows a scanned link as WeChat does: `q` is the encoded link. */
async function shopOfLink(link) {
  const { id } = scan.parse({ q: encodeURIComponent(link) }, PREFIX);
  return asUser(`/shops/${encodeURIComponent(id)}`);
}

for (const id of [...SCENE_IDS, ...ALIAS_IDS]) {
  const name = JSON.stringify(id.slice(0, 12));
  test(`link of ${name}: PNG and SVG decode to a link that opens the shop`, async () => {
    const png = await backend.send(target(id, 'link.png'), OPERATOR);
    assert.deepEqual([png.status, png.headers.get('content-type')], [200, 'image/png']);
    const image = PNG.sync.read(Buffer.from(await png.arrayBuffer()));
    assert.ok(image.width >= 1_000);
    const link = read(image);
    assert.equal(link, PREFIX + encodeURIComponent(id));
    const svg = await backend.send(target(id, 'link.svg'), OPERATOR);
    assert.match(svg.headers.get('content-type'), /^image\/svg\+xml/);
    assert.equal(read(rasterize(await svg.text())), link);
    const { status, body } = await shopOfLink(link);
    assert.deepEqual([status, body.id], [200, id]);
  });

  test(`code of ${name}: the scene opens the shop`, async () => {
    const response = await backend.send(target(id, 'code'), OPERATOR);
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'image/png']);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), wechat.image);
    const { body } = wechat.callsOf(CODE).at(-1);
    assert.deepEqual([body.page, body.check_path, body.env_version], ['pages/scan/scan', true, 'release']);
    const [scene] = wechat.scenes;
    assert.equal(scene, SCENE_IDS.includes(id) ? id : `~${aliasOf(id)}`);
    const found = scan.parse({ scene: encodeURIComponent(scene) }, PREFIX);
    const resolved = found.id ?? (await asUser(`/scenes/${encodeURIComponent(found.scene)}`)).body.id;
    assert.equal(resolved, id);
  });
}

test('aliases never change, and have 22 URL-safe characters', () => {
  // Printed codes have them.
  assert.deepEqual([aliasOf('店 1'), aliasOf('100%')], ['nLt0Mo4xNw5r3ApkQR2APA', 'skOcp1ISLTXxBIfshq0nUL']);
  for (const id of ALIAS_IDS) assert.match(aliasOf(id), /^[\w-]{22}$/);
});

test('an alias is resolved after a restart, and by another process at the same time', async (t) => {
  const other = await start();
  t.after(other.kill);
  await server.client.create({ merchant: merchant('新店', 39.9, 116.4) });
  await backend.send(target('新店', 'code'), OPERATOR);
  const [scene] = wechat.scenes;
  assert.equal((await asUser(`/scenes/${scene}`, other)).body.id, '新店');
  await other.stop();
  const restarted = await start();
  t.after(restarted.kill);
  assert.equal((await asUser(`/scenes/${scene}`, restarted)).body.id, '新店');
  await restarted.stop();
});

test('an alias is stored once, before the code exists, and survives a line that a crash cut off', async () => {
  const name = file('crashed', '"first"\n"cut o');
  const aliases = await new Aliases(name).open();
  const added = await Promise.all(['店', '店', '茶'].map((id) => aliases.add(id)));
  assert.deepEqual(added, ['店', '店', '茶'].map(aliasOf));
  assert.equal(fs.readFileSync(name, 'utf8'), '"first"\n"cut o\n"店"\n\n"茶"\n');
  const reopened = await new Aliases(name).open();
  for (const id of ['first', '店', '茶']) assert.equal(await reopened.idOf(aliasOf(id)), id);
  assert.equal(await reopened.idOf(aliasOf('cut o')), undefined);
  wechat.fail[CODE] = -1;
  await server.client.create({ merchant: merchant('无码', 39.9, 116.4) });
  assert.equal((await backend.send(target('无码', 'code'), OPERATOR)).status, 503);
  assert.equal((await asUser(`/scenes/~${aliasOf('无码')}`)).body.id, '无码');
});

test('404: an unknown alias, an unknown shop and a hidden one, without a call to WeChat', async () => {
  assert.equal((await asUser(`/scenes/~${'B'.repeat(22)}`)).status, 404);
  for (const id of ['unknown', 'x'.repeat(129)]) {
    for (const kind of ['link.svg', 'link.png', 'code'])
      assert.equal((await backend.request(target(id, kind), OPERATOR)).status, 404, id);
  }
  assert.deepEqual(wechat.calls, []);
});

test('401: codes need the operator key, and no session', async () => {
  for (const kind of ['link.svg', 'link.png', 'code']) {
    for (const key of ['', 'wrong', session]) {
      const { status, body } = await backend.request(target('tea', kind), { headers: { authorization: `Bearer ${key}` } });
      assert.deepEqual([status, body.error.code], [401, 'UNAUTHENTICATED']);
    }
  }
  assert.deepEqual(wechat.calls, []);
});

test('the link itself shows a page that names no shop, and the verification file is served', async () => {
  const page = await backend.send('/s/tea?from=door');
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  assert.match(await page.text(), /请使用微信扫描二维码/);
  for (const name of ['/s/AbCdEf1234.txt', '/AbCdEf1234.txt']) {
    assert.equal(await (await backend.send(name)).text(), 'verification-content', name);
  }
});

const FAILURES = [
  ['limit of WeChat', 45009, 429, 'RESOURCE_EXHAUSTED', '60'],
  ['busy', -1, 503, 'UNAVAILABLE', null],
  ['page not published', 41030, 502, 'BAD_GATEWAY', null],
];
for (const [what, errcode, http, word, retryAfter] of FAILURES) {
  test(`${http}: ${what}`, async () => {
    wechat.fail[CODE] = errcode;
    const { status, body, headers } = await backend.request(target('tea', 'code'), OPERATOR);
    assert.deepEqual([status, body.error.code, headers.get('retry-after')], [http, word, retryAfter]);
  });
}

test('access token: a revoked one is replaced once', async () => {
  await backend.send(target('tea', 'code'), OPERATOR);
  wechat.revoke();
  wechat.calls = [];
  assert.equal((await backend.send(target('tea', 'code'), OPERATOR)).status, 200);
  assert.deepEqual(
    wechat.calls.map((call) => call.path),
    [CODE, TOKEN, CODE],
  );
  wechat.fail[CODE] = 40001;
  wechat.calls = [];
  assert.equal((await backend.send(target('tea', 'code'), OPERATOR)).status, 502);
  assert.deepEqual(
    wechat.calls.map((call) => call.path),
    [CODE, TOKEN, CODE],
  );
});

test('access token: requests share one, and it is refreshed five minutes before it expires', async () => {
  let now = 0;
  const client = new WeChat({ api: wechat.origin, appId: APP_ID, appSecret: SECRET, envVersion: 'release' }, () => now);
  const request = { scene: 'tea', page: 'pages/scan/scan', width: 430 };
  await Promise.all([1, 2, 3].map(() => client.code(request)));
  assert.equal(wechat.callsOf(TOKEN).length, 1);
  now += (7_200 - 301) * 1_000;
  await client.code(request);
  assert.equal(wechat.callsOf(TOKEN).length, 1);
  now += 1_000;
  await client.code(request);
  assert.equal(wechat.callsOf(TOKEN).length, 2);
  assert.equal(wechat.callsOf(TOKEN)[0].body.force_refresh, false);
});

test('access token: a failed request is not remembered', async () => {
  const client = new WeChat({ api: wechat.origin, appId: APP_ID, appSecret: SECRET, envVersion: 'release' });
  const request = { scene: 'tea', page: 'pages/scan/scan', width: 430 };
  wechat.fail[TOKEN] = 45009;
  await assert.rejects(client.code(request), { http: 429, retryAfter: 60 });
  wechat.fail = {};
  assert.deepEqual((await client.code(request)).image, wechat.image);
});

test('a trial version does not require the page to be published', async () => {
  const client = new WeChat({ api: wechat.origin, appId: APP_ID, appSecret: SECRET, envVersion: 'trial' });
  await client.code({ scene: 'tea', page: 'pages/scan/scan', width: 430 });
  const { body } = wechat.callsOf(CODE)[0];
  assert.deepEqual([body.env_version, body.check_path], ['trial', false]);
});

test('invalid settings are named', async () => {
  const cases = [
    [{ LINK_PREFIX: 'http://shops.example/s/' }, /LINK_PREFIX must be https/],
    [{ LINK_PREFIX: 'https://shops.example/s' }, /LINK_PREFIX must be https/],
    [{ WECHAT_VERIFY_FILE: file('no name.txt', 'x') }, /WECHAT_VERIFY_FILE must keep the name/],
    [{ OPERATOR_KEY_FILE: file('empty', ' \n') }, /OPERATOR_KEY_FILE: .* is empty/],
    [{ ALIASES_FILE: path.join(folder, 'no-folder', 'aliases') }, /ENOENT/],
  ];
  for (const [settings, message] of cases) await assert.rejects(start(settings), message);
});

// Runs last: reads the log of all requests above.
test('log names the remedy, and has no secret, key or access token', async () => {
  const log = await backend.stop();
  backend = undefined;
  assert.match(log, /"errcode":41030,"hint":"the scan page is not published/);
  for (const secret of [SECRET, 'the-operator-key', 'token-', session]) assert.ok(!log.includes(secret), secret);
});
