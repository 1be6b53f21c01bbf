'use strict';
// The mini-program example with a real server: one shop.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant } = require('./build');
const { start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

const BEIJING = [39.9087, 116.3975];
const SEOUL = [37.5665, 126.978];
const MALL = [31.2304, 121.4737];
const ALWAYS = {
  timeZone: 'Asia/Shanghai',
  weeklyPeriods: [{ weekday: 'WEEKDAY_MONDAY', startMinute: 0, lengthMinutes: 10_080 }],
};

const period = (day, startMinute, lengthMinutes) => ({ weekday: `WEEKDAY_${day}`, startMinute, lengthMinutes });
const FULL = {
  displayName: '茶馆',
  brand: '某品牌',
  categories: ['food/tea', 'shop/tea'],
  services: ['booking', 'delivery', 'ordering'],
  phone: '+86 10 1234 5678',
  address: {
    regionCode: 'CN',
    postalCode: '100006',
    administrativeArea: '北京市',
    locality: '北京市',
    sublocality: '东城区',
    addressLines: ['长安街 1 号'],
  },
  openingHours: {
    timeZone: 'Asia/Shanghai',
    weeklyPeriods: [
      period('MONDAY', 1_320, 360),
      period('MONDAY', 540, 180),
      period('SUNDAY', 0, 1_440),
      period('FRIDAY', 600, 3_000),
    ],
    specialDays: [
      { date: { year: 2020, month: 1, day: 1 }, periods: [] },
      { date: { year: 9999, month: 12, day: 31 }, periods: [{ startMinute: 600, lengthMinutes: 60 }] },
      { date: { year: 9999, month: 2, day: 3 }, periods: [] },
    ],
    displayText: '每天',
  },
  miniProgram: { appId: 'wx0123456789abcdef', path: 'pages/index?id=7' },
  serviceLinks: [
    { service: 'ordering', miniProgram: { appId: 'wx1' }, description: '点餐' },
    { service: 'booking', webUri: 'https://book.example/7' },
  ],
  externalIds: [{ system: 'osm', id: '1' }],
  labels: { secret: 'internal' },
};

const IDS = ['店 1', '100%', '%25', 'a%2Fb', 'a?b#c&d', '+', '~x', 'é'.repeat(64), 'x'.repeat(128), '%'.repeat(128)];
const date = (year) => ({ year, month: 1, day: 1 });
const closedUntil = (reopeningDate) => ({
  businessStatus: 'BUSINESS_STATUS_CLOSED_TEMPORARILY',
  reopeningDate,
  openingHours: ALWAYS,
});

const SHOPS = [
  merchant('full', ...BEIJING, FULL),
  merchant('plain', ...SEOUL),
  merchant('always', ...SEOUL, { openingHours: ALWAYS }),
  merchant('expression', ...SEOUL, { openingHours: { timeZone: 'Asia/Seoul', osmExpression: 'Mo-Fr 09:00-18:00' } }),
  merchant('24-7', ...SEOUL, { openingHours: { timeZone: 'Asia/Seoul', osmExpression: '24/7' } }),
  merchant('closed', ...SEOUL, closedUntil(undefined)),
  merchant('reopens', ...SEOUL, closedUntil(date(9999))),
  merchant('reopened', ...SEOUL, closedUntil(date(2020))),
  merchant('null-island', 0, 0),
  merchant('equator', 0, 116),
  merchant('hidden', ...BEIJING, { visibility: 'VISIBILITY_HIDDEN' }),
  ...IDS.map((id) => merchant(id, ...BEIJING)),
];

let server;
let backend;
before(async () => {
  server = await startNearby();
  for (const shop of SHOPS) await server.client.create({ merchant: shop });
  // More than a page at one point.
  const rows = Array.from({ length: 1_001 }, (_, number) => ({ merchant: merchant(`mall-${1_000 + number}`, ...MALL) }));
  await server.client.importAll([{ rows: rows.slice(0, 1_000) }, { rows: rows.slice(1_000) }]);
  backend = await startBackend(server.address, { DEADLINE_MS: '20000' });
});
after(async () => {
  await backend?.stop();
  await server?.stop();
});

const get = (id) => backend.request(`/shops/${encodeURIComponent(id)}`);
async function shop(id) {
  const { status, body, text } = await get(id);
  assert.equal(status, 200, text);
  return body;
}

test('a shop has address, phone, hours, links and mini programs, and nothing internal', async () => {
  const { position, open, hours, ...rest } = await shop('full');
  assert.ok(['open', 'closed'].includes(open));
  assert.deepEqual(rest, {
    id: 'full',
    name: '茶馆',
    brand: '某品牌',
    categories: FULL.categories,
    services: FULL.services,
    temporarilyClosed: false,
    reopeningDate: null,
    address: '北京市东城区长安街 1 号',
    phone: FULL.phone,
    miniProgram: FULL.miniProgram,
    links: [
      { service: 'ordering', text: '点餐', miniProgram: { appId: 'wx1', path: '' }, webUri: null },
      { service: 'booking', text: 'booking', miniProgram: null, webUri: 'https://book.example/7' },
    ],
  });
  assert.equal(position.datum, 'gcj02');
});

test('weekly hours are by weekday, and past special days are left out', async () => {
  const { hours } = await shop('full');
  const monday = [
    { start: '09:00', end: '12:00', daysLater: 0 },
    { start: '22:00', end: '04:00', daysLater: 1 },
  ];
  const friday = [{ start: '10:00', end: '12:00', daysLater: 2 }];
  const sunday = [{ start: '00:00', end: '24:00', daysLater: 0 }];
  assert.deepEqual(hours.weekly, [monday, [], [], [], friday, [], sunday]);
  assert.deepEqual(hours.special, [
    { date: '9999-02-03', periods: [] },
    { date: '9999-12-31', periods: [{ start: '10:00', end: '11:00', daysLater: 0 }] },
  ]);
  assert.deepEqual([hours.alwaysOpen, hours.text, hours.timeZone], [false, '每天', 'Asia/Shanghai']);
});

test('hours can be unknown, always open, or an expression', async () => {
  const plain = await shop('plain');
  assert.deepEqual([plain.open, plain.hours, plain.address, plain.links], ['unknown', null, '', []]);
  const always = await shop('always');
  assert.deepEqual([always.open, always.hours.alwaysOpen], ['open', true]);
  assert.equal((await shop('24-7')).hours.alwaysOpen, true);
  const { hours } = await shop('expression');
  assert.deepEqual([hours.expression, hours.weekly], ['Mo-Fr 09:00-18:00', []]);
});

test('a temporarily closed shop has its reopening date, and is not closed after it', async () => {
  const states = await Promise.all(['closed', 'reopens', 'reopened'].map(shop));
  assert.deepEqual(
    states.map(({ open, temporarilyClosed, reopeningDate }) => [open, temporarilyClosed, reopeningDate]),
    [
      ['closed', true, null],
      ['closed', true, '9999-01-01'],
      ['open', false, '2020-01-01'],
    ],
  );
});

test('the position is that of a list: shifted in Beijing, not in Seoul', async () => {
  for (const [id, [latitude, longitude]] of [
    ['full', BEIJING],
    ['plain', SEOUL],
  ]) {
    const { body } = await backend.nearby({ position: { latitude, longitude, datum: 'wgs84' } });
    const listed = body.merchants.find((found) => found.id === id);
    assert.deepEqual((await shop(id)).position, listed.position);
  }
  const { position } = await shop('plain');
  assert.ok(Math.abs(position.latitude - SEOUL[0]) < 1e-9);
  assert.ok(Math.abs((await shop('full')).position.latitude - BEIJING[0]) > 1e-4);
});

for (const id of IDS) {
  test(`id ${JSON.stringify(id.slice(0, 10))} is decoded once`, async () => assert.equal((await shop(id)).id, id));
}

test('shops at 0,0 and on the equator are found', async () => {
  for (const id of ['null-island', 'equator']) assert.equal((await shop(id)).position.latitude, 0);
});

test('a shop of a mall with more shops than a page is found', async () => {
  assert.equal((await shop('mall-2000')).id, 'mall-2000');
});

const UNKNOWN = ['unknown', 'hidden', 'x'.repeat(129), 'é'.repeat(65), ' x', '\n'];
for (const id of UNKNOWN) {
  test(`404: ${JSON.stringify(id.slice(0, 10))}`, async () => {
    const { status, body } = await get(id);
    assert.deepEqual([status, body.error.code], [404, 'NOT_FOUND']);
  });
}

test('400: a query, which could be a position', async () => {
  const { status, text } = await backend.request('/shops/full?latitude=60.12378564');
  assert.equal(status, 400);
  assert.ok(!text.includes('60.12'), text);
});

test('routes without their settings do not exist', async () => {
  for (const target of ['/shops/full/link.svg', '/shops/full/link.png', '/shops/full/code', '/scenes/~x', '/s/full']) {
    assert.equal((await backend.request(target)).status, 404, target);
  }
});
