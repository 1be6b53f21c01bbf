'use strict';
// The pages with the backend of the example, a real server and a fake WeChat, from the login to the scan of a code.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { merchant } = require('../clients/node/build');
const { APP_ID, SECRET, start: startWeChat } = require('../clients/node/fake-wechat');
const { start: startBackend } = require('../clients/node/mini-program');
const { start: startNearby } = require('../clients/node/nearby-server');
const { dispatch, open, succeeding } = require('./simulate');

const WAIT_MS = 20_000;
// In Beijing: the position that the fake phone reports is in GCJ-02, half a kilometre from the same degrees in WGS-84.
const HERE = { latitude: 39.9087, longitude: 116.3975 };
const GCJ02 = 'COORDINATE_SYSTEM_GCJ02';
const COUNT = 45;
const TEA = '茶馆 100%';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-pages-'));
const file = (name, content) => {
  fs.writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};

let nearby;
let wechat;
let backend;
before(async () => {
  [nearby, wechat] = [await startNearby(), await startWeChat()];
  const shop = (id, metres, fields) => {
    const { latitude, longitude } = { latitude: HERE.latitude + metres / 111_035, longitude: HERE.longitude };
    return { ...merchant(id, latitude, longitude, fields), position: { latitude, longitude, coordinateSystem: GCJ02 } };
  };
  const openingHours = {
    timeZone: 'Asia/Shanghai',
    weeklyPeriods: [{ weekday: 'WEEKDAY_MONDAY', startMinute: 0, lengthMinutes: 10_080 }],
  };
  const rows = Array.from({ length: COUNT - 2 }, (_, index) => ({ merchant: shop(`shop-${index}`, 100 + index) }));
  rows.push({ merchant: shop(TEA, 0, { displayName: '茶馆', phone: '10086', openingHours }) });
  // Within 5 km, but not certainly: a fuzzy position is off by up to 3 km.
  rows.push({ merchant: shop('far', 4_900, { displayName: '远处' }) });
  await nearby.client.importAll([{ rows }]);
  backend = await startBackend(nearby.address, {
    DEADLINE_MS: '20000',
    WECHAT_APP_ID: APP_ID,
    WECHAT_APP_SECRET_FILE: file('secret', SECRET),
    WECHAT_API: wechat.origin,
    OPERATOR_KEY_FILE: file('operator', 'the-operator-key'),
    LINK_PREFIX: 'https://shops.example/s/',
    ALIASES_FILE: file('aliases', ''),
  });
});
after(async () => {
  await backend?.stop();
  await nearby?.stop();
  await wechat?.stop();
  fs.rmSync(folder, { recursive: true });
});

/** Sends a request of a page to the backend. */
async function respond({ target, method, data, token }) {
  const headers = { ...(data && { 'content-type': 'application/json' }), ...(token && { authorization: token }) };
  const { status, body } = await backend.request(target, { method, headers, body: data && JSON.stringify(data) });
  return { statusCode: status, data: body };
}

let logins = 0;
/** `wx.login` of a user: each code is valid once. */
function login({ success }) {
  const code = `code-${(logins += 1)}`;
  wechat.codes.set(code, 'openid');
  success({ code });
}

const show = (page, query, overrides) => open(page, query, { session: true, login, respond, ...overrides });

async function waitFor(condition, what) {
  for (const deadline = Date.now() + WAIT_MS; !condition(); await sleep(5)) assert.ok(Date.now() < deadline, what);
}

test('a user logs in, pages through the list, and opens the nearest shop', async () => {
  const view = await show('nearby', {}, { getFuzzyLocation: succeeding(HERE) });
  await waitFor(() => view.data().state === 'list', 'no list');
  while (view.data().hasMore) {
    const { length } = view.data().shops;
    view.page.onReachBottom();
    await waitFor(() => view.data().shops.length > length, 'no next page');
  }
  const { shops } = view.data();
  assert.deepEqual([shops.length, new Set(shops.map(({ id }) => id)).size], [COUNT, COUNT]);
  assert.deepEqual([shops[0].id, shops[0].distance, shops[0].open], [TEA, '< 10 m', 'open']);
  assert.deepEqual(
    shops.filter(({ uncertain }) => uncertain).map(({ id }) => id),
    ['far'],
  );
  assert.ok(Math.abs(view.data().markers[0].latitude - HERE.latitude) < 1e-6);
  await view.settle();
  assert.ok(view.has('.uncertain'));
  assert.equal(logins, 1);

  await view.tap('.shop', 0);
  const [{ url }] = view.calls.navigateTo;
  const id = /^\/pages\/shop\/shop\?id=(.*)$/.exec(url)[1];
  const shop = await show('shop', { id });
  await waitFor(() => shop.data().state === 'ready', 'no shop');
  await shop.settle();
  assert.match(shop.text(), /茶馆.*营业中.*每天 ?24 小时营业/);
  await shop.tap('.navigate');
  assert.ok(Math.abs(shop.calls.openLocation[0].latitude - HERE.latitude) < 1e-6);
  await shop.tap('.call');
  assert.equal(shop.calls.makePhoneCall[0].phoneNumber, '10086');
});

test('a selected position has no uncertain shops', async () => {
  const view = await show('nearby', {}, { getFuzzyLocation: succeeding(HERE), chooseLocation: succeeding(HERE) });
  await waitFor(() => view.data().state === 'list', 'no list');
  await dispatch(view.find('.choose'), 'tap');
  await waitFor(() => !view.data().fuzzy && view.data().state === 'list', 'no second list');
  assert.equal(view.data().hasUncertain, false);
});

test('a printed code opens the shop', async () => {
  const operator = { headers: { authorization: 'Bearer the-operator-key' } };
  const printed = await backend.send(`/shops/${encodeURIComponent(TEA)}/code`, operator);
  assert.equal(printed.status, 200);
  const view = await show('scan', { scene: encodeURIComponent(wechat.scenes.at(-1)) });
  await waitFor(() => view.calls.redirectTo, 'no redirect');
  const id = /^\/pages\/shop\/shop\?id=(.*)$/.exec(view.calls.redirectTo[0].url)[1];
  const shop = await show('shop', { id });
  await waitFor(() => shop.data().state === 'ready', 'no shop');
  assert.equal(shop.data().shop.id, TEA);
});

test('an unknown shop is an error in the language of the user', async () => {
  const view = await show('shop', { id: 'unknown' });
  await waitFor(() => view.data().state === 'error', 'no error');
  assert.equal(view.data().message, '没有找到该商户');
});
