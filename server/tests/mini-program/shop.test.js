'use strict';
// The page of one shop.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { failing, open, succeeding } = require('./simulate');

const period = (start, end, daysLater = 0) => ({ start, end, daysLater });
const day = [period('09:00', '12:00'), period('22:00', '04:00', 1)];
const HOURS = {
  timeZone: 'Asia/Shanghai',
  alwaysOpen: false,
  weekly: [day, [], [], [], [], [], []],
  special: [{ date: '2026-10-01', periods: [] }],
  text: '',
  expression: '',
};
const SHOP = {
  id: '店 1%',
  name: '茶馆',
  brand: '某品牌',
  open: 'open',
  temporarilyClosed: false,
  reopeningDate: null,
  address: '北京市东城区长安街 1 号',
  phone: '+86 10 1234 5678',
  hours: HOURS,
  miniProgram: { appId: 'wx0123456789abcdef', path: 'pages/index?id=7' },
  links: [
    { service: 'ordering', text: '点餐', miniProgram: { appId: 'wx1', path: '' }, webUri: null },
    { service: 'booking', text: '预订', miniProgram: null, webUri: 'https://book.example/7' },
  ],
  position: { latitude: 39.91, longitude: 116.4, datum: 'gcj02' },
};

const show = (fields, overrides) =>
  open(
    'shop',
    { id: encodeURIComponent(SHOP.id) },
    { respond: () => ({ statusCode: 200, data: { ...SHOP, ...fields } }), ...overrides },
  );

test('the shop is requested by its id, encoded once', async () => {
  const view = await show();
  const { target, method } = view.calls.sent[1];
  assert.deepEqual([method, target], ['GET', `/shops/${encodeURIComponent(SHOP.id)}`]);
  assert.match(view.text(), /茶馆.*某品牌.*营业中.*北京市东城区长安街 1 号/);
  assert.equal(view.calls.setNavigationBarTitle[0].title, '茶馆');
});

const HOURS_TEXTS = [
  ['weekly and special', HOURS, /周一 ?09:00–12:00、22:00–次日04:00.*周二 ?休息.*2026-10-01 ?休息/],
  ['always open', { ...HOURS, alwaysOpen: true }, /每天 ?24 小时营业.*2026-10-01 ?休息/],
  ['longer than a day', { ...HOURS, weekly: [[period('09:00', '10:00', 3)], [], [], [], [], [], []] }, /09:00–3 天后10:00/],
  ['as text', { ...HOURS, weekly: [], special: [], text: '每天 9 点到 18 点' }, /每天 9 点到 18 点/],
  ['an expression', { ...HOURS, weekly: [], special: [], expression: 'Mo-Fr 09:00-18:00' }, /Mo-Fr 09:00-18:00/],
  ['abroad', { ...HOURS, timeZone: 'Europe/Helsinki' }, /当地时间\(Europe\/Helsinki\)/],
  ['unknown', null, /暂无营业时间/],
];

for (const [name, hours, expected] of HOURS_TEXTS) {
  test(`hours: ${name}`, async () => assert.match((await show({ hours })).text(), expected));
}

test('a temporarily closed shop says until when, and not that it is open', async () => {
  const view = await show({ temporarilyClosed: true, reopeningDate: '2026-11-01' });
  assert.match(view.text(), /暂停营业,2026-11-01 恢复/);
  assert.ok(!view.text().includes('营业中'));
});

test('route: wx.openLocation gets the position in GCJ-02', async () => {
  const view = await show();
  await view.tap('.navigate');
  const { name, address } = SHOP;
  assert.deepEqual(view.calls.openLocation, [{ latitude: 39.91, longitude: 116.4, name, address, scale: 16 }]);
});

test('phone: the number is dialled as it is, and cancelling shows no error', async () => {
  const view = await show({}, { makePhoneCall: failing('makePhoneCall:fail cancel') });
  await view.tap('.call');
  assert.equal(view.calls.makePhoneCall[0].phoneNumber, SHOP.phone);
  assert.equal(view.calls.showToast, undefined);
});

test('mini program of the shop: opens with its app id and path', async () => {
  const view = await show({}, { navigateToMiniProgram: failing('navigateToMiniProgram:fail cancel') });
  await view.tap('.mini-program');
  const { appId, path } = view.calls.navigateToMiniProgram[0];
  assert.deepEqual({ appId, path }, SHOP.miniProgram);
  assert.equal(view.calls.showToast, undefined);
});

test('mini program of the shop: a failure is shown', async () => {
  const view = await show({}, { navigateToMiniProgram: failing('navigateToMiniProgram:fail invalid appid') });
  await view.tap('.mini-program');
  assert.equal(view.calls.showToast.length, 1);
});

test('service links: one opens a mini program, one copies its address', async () => {
  const view = await show({}, { setClipboardData: succeeding({}) });
  await view.tap('.link', 0);
  assert.equal(view.calls.navigateToMiniProgram[0].appId, 'wx1');
  await view.tap('.link', 1);
  assert.equal(view.calls.setClipboardData[0].data, 'https://book.example/7');
  assert.match(view.calls.showToast[0].title, /链接已复制/);
});

test('a shop without phone, mini program, links or brand shows none of their elements', async () => {
  const view = await show({ phone: '', miniProgram: null, links: [], brand: '', address: '' });
  for (const selector of ['.call', '.mini-program', '.link', '.address']) assert.ok(!view.has(selector), selector);
  assert.ok(view.has('.navigate'));
});

test('error: an unknown shop is named, and retry loads it', async () => {
  const responses = [
    { statusCode: 404, data: { error: { code: 'NOT_FOUND' } } },
    { statusCode: 200, data: SHOP },
  ];
  const view = await open('shop', { id: 'x' }, { respond: () => responses.shift() });
  assert.match(view.text(), /没有找到该商户/);
  await view.tap('.retry');
  assert.match(view.text(), /茶馆/);
});

test('sharing leads to the shop', async () => {
  const view = await show();
  const { title, path } = view.page.onShareAppMessage();
  assert.deepEqual([title, path], ['茶馆', `/pages/shop/shop?id=${encodeURIComponent(SHOP.id)}`]);
});

test('pull-down refresh loads the shop again', async () => {
  const view = await show();
  await view.page.onPullDownRefresh();
  assert.deepEqual([view.calls.sent.length, view.calls.stopPullDownRefresh.length], [3, 1]);
});
