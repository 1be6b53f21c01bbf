'use strict';
// The mini-program example with a real server: list, pages and datums.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant } = require('./build');
const { EXAMPLE, pages, start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

// In Beijing, where GCJ-02 lies half a kilometre from WGS-84. One degree north is 111 km there.
const HERE = { latitude: 39.9087, longitude: 116.3975, datum: 'wgs84' };
const THERE = { latitude: 31.2304, longitude: 121.4737, datum: 'wgs84' };
const DEGREES_PER_METRE = 1 / 111_035;
const MERCHANT_COUNT = 45;

const ALWAYS = [{ weekday: 'WEEKDAY_MONDAY', startMinute: 0, lengthMinutes: 10_080 }];
const WEEKDAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** Date in the time zone of the shop, a number of days from now. */
const dayFromNow = (days) => new Date(Date.now() + (days * 24 + 8) * 3_600_000);
const hours = (fields) => ({ openingHours: { timeZone: 'Asia/Shanghai', ...fields } });

// Closed yesterday, today and tomorrow, as midnight can pass while the test runs.
const holidays = [-1, 0, 1].map((days) => {
  const day = dayFromNow(days);
  return { date: { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() }, periods: [] };
});
const inThreeDays = { weekday: `WEEKDAY_${WEEKDAYS[dayFromNow(3).getUTCDay()]}`, startMinute: 0, lengthMinutes: 60 };

const link = { appId: 'wx0123456789abcdef', path: 'pages/shop?id=7' };

const north = (id, metres, fields) => {
  const latitude = HERE.latitude + metres * DEGREES_PER_METRE;
  return merchant(id, latitude, HERE.longitude, { displayName: `店 ${id}`, ...fields });
};
const SHOPS = [
  north('here', 0, hours({ weeklyPeriods: ALWAYS })),
  north('closed-today', 352, { ...hours({ weeklyPeriods: ALWAYS, specialDays: holidays }), miniProgram: link }),
  north('closed-weekday', 990, { ...hours({ weeklyPeriods: [inThreeDays] }), miniProgram: { appId: 'wx1' } }),
  north('unknown', 1_234, { categories: ['shop/tea'] }),
];

let server;
let backend;
before(async () => {
  server = await startNearby();
  // Stored farthest first, so that the insertion order differs from the expected order.
  for (const shop of SHOPS.toReversed()) await server.client.create({ merchant: shop });
  const rows = Array.from({ length: MERCHANT_COUNT }, (_, number) => ({
    // Three per point, so that ids determine their order.
    merchant: merchant(`many-${number}`, THERE.latitude + Math.floor(number / 3) * 1e-4, THERE.longitude),
  }));
  await server.client.importAll([{ rows }]);
  backend = await startBackend(server.address, { DEADLINE_MS: '20000' });
});
after(async () => {
  await backend?.stop();
  await server?.stop();
});

const list = async (body) => {
  const responses = await pages(backend, body);
  assert.equal(responses.length, 1);
  return responses[0].merchants;
};
const ids = (merchants) => merchants.map(({ id }) => id);

test('list has names, distances, hours and mini programs, nearest first', async () => {
  const merchants = await list({ position: HERE });
  const home = { appId: 'wx1', path: '' };
  assert.deepEqual(
    merchants.map(({ id, name, distance, open, miniProgram }) => [id, name, distance, open, miniProgram]),
    [
      ['here', '店 here', '< 10 m', 'open', null],
      ['closed-today', '店 closed-today', '350 m', 'closed', link],
      ['closed-weekday', '店 closed-weekday', '990 m', 'closed', home],
      ['unknown', '店 unknown', '1.2 km', 'unknown', null],
    ],
  );
  const metres = merchants.map(({ distanceM }) => distanceM);
  for (const [at, about] of [0, 352, 990, 1_234].entries()) {
    assert.ok(Number.isInteger(metres[at]) && Math.abs(metres[at] - about) <= 2, `${metres}`);
  }
});

test('distances are rounded to the precision of phone positions', () => {
  const { distanceText } = require(`${EXAMPLE}/response`);
  const shown = [
    [0, '< 10 m'],
    [4.9, '< 10 m'],
    [5, '10 m'],
    [349.6, '350 m'],
    [994.9, '990 m'],
    [995, '1.0 km'],
    [1_049, '1.0 km'],
    [1_051, '1.1 km'],
    [9_949, '9.9 km'],
    [9_951, '10 km'],
    [49_600, '50 km'],
  ];
  assert.deepEqual(shown.map(([metres]) => [metres, distanceText(metres)]), shown);
});

test('openNow leaves out closed shops but not those with unknown hours', async () => {
  assert.deepEqual(ids(await list({ position: HERE, openNow: true })), ['here', 'unknown']);
  assert.equal((await list({ position: HERE, openNow: false })).length, 4);
});

test('openOnly leaves out shops with unknown hours too', async () => {
  assert.deepEqual(ids(await list({ position: HERE, openOnly: true })), ['here']);
});

test('category and radius filter the list', async () => {
  assert.deepEqual(ids(await list({ position: HERE, category: 'shop/tea' })), ['unknown']);
  assert.deepEqual(ids(await list({ position: HERE, radius: 500 })), ['here', 'closed-today']);
});

test('shops near the boundary are uncertain according to the accuracy', async () => {
  const uncertain = async (accuracy) => {
    const merchants = await list({ position: { ...HERE, accuracy }, radius: 1_000 });
    return merchants.map((shop) => [shop.id, shop.uncertain]);
  };
  const certain = [['here', false], ['closed-today', false], ['closed-weekday', false]];
  assert.deepEqual(await uncertain(undefined), certain);
  assert.deepEqual(await uncertain(1), certain);
  assert.deepEqual(await uncertain(60), [...certain.slice(0, 2), ['closed-weekday', true]]);
});

test('a fuzzy position has an accuracy of 3 km unless it has its own', async () => {
  const uncertain = async (position) => {
    const merchants = await list({ position: { ...HERE, ...position }, radius: 4_000 });
    return merchants.filter((shop) => shop.uncertain).map(({ id }) => id);
  };
  assert.deepEqual(await uncertain({}), []);
  assert.deepEqual(await uncertain({ source: 'fuzzy' }), ['unknown']);
  assert.deepEqual(await uncertain({ source: 'fuzzy', accuracy: 10 }), []);
});

test('pages end and have no duplicates', async () => {
  const responses = await pages(backend, { position: THERE });
  assert.deepEqual(responses.map(({ merchants }) => merchants.length), [20, 20, 5]);
  assert.equal(responses.at(-1).nextPageToken, '');
  const shown = responses.flatMap(({ merchants }) => merchants);
  assert.equal(new Set(ids(shown)).size, MERCHANT_COUNT);
  const metres = shown.map(({ distanceM }) => distanceM);
  assert.deepEqual(metres, metres.toSorted((one, other) => one - other));
});

test('the position for <map> is shifted in Hong Kong and not in Seoul', async () => {
  for (const [id, latitude, longitude, shifted] of [
    ['hong-kong', 22.2783, 114.1747, [22.275551, 114.17965]],
    ['seoul', 37.5665, 126.978, [37.5665, 126.978]],
  ]) {
    await server.client.create({ merchant: merchant(id, latitude, longitude) });
    const [shop] = await list({ position: { latitude, longitude, datum: 'wgs84' } });
    assert.deepEqual([shop.id, shop.position.datum], [id, 'gcj02']);
    const [north, east] = shifted;
    const errors = [shop.position.latitude - north, shop.position.longitude - east].map(Math.abs);
    assert.ok(Math.max(...errors) < 1e-5, JSON.stringify(shop.position));
  }
});

test('the same position in GCJ-02 and WGS-84 gives the same list', async () => {
  const inWgs84 = await list({ position: HERE });
  // Position of the nearest shop in GCJ-02.
  const { position } = inWgs84[0];
  assert.equal(position.datum, 'gcj02');
  assert.ok(Math.abs(position.latitude - HERE.latitude) > 1e-4 && Math.abs(position.longitude - HERE.longitude) > 1e-3);
  const inGcj02 = await list({ position });
  assert.deepEqual(inGcj02, inWgs84);
  // The same degrees in the other datum are a different point.
  const [nearest] = await list({ position: { ...HERE, datum: 'gcj02' } });
  assert.ok(nearest.distanceM > 100, `${nearest.distanceM}`);
});
