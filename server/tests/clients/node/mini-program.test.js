'use strict';
// The example of a mini program's backend, before a real server: the list, its pages and its datums.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { merchant } = require('./build');
const { EXAMPLE, pages, start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

// In Beijing, where GCJ-02 lies half a kilometre from WGS-84. One degree north is 111 km there.
const HERE = { latitude: 39.9087, longitude: 116.3975, datum: 'wgs84' };
const THERE = { latitude: 31.2304, longitude: 121.4737, datum: 'wgs84' };
const DEGREES_A_METRE = 1 / 111_035;
const MANY = 45;

const ALWAYS = [{ weekday: 'WEEKDAY_MONDAY', startMinute: 0, lengthMinutes: 10_080 }];
const WEEKDAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** The date in the shop's zone so many days from now. */
const dayFromNow = (days) => new Date(Date.now() + (days * 24 + 8) * 3_600_000);
const hours = (fields) => ({ openingHours: { timeZone: 'Asia/Shanghai', ...fields } });

// Closed yesterday, today and tomorrow: midnight may come while the test runs.
const holidays = [-1, 0, 1].map((days) => {
  const day = dayFromNow(days);
  return { date: { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() }, periods: [] };
});
const inThreeDays = { weekday: `WEEKDAY_${WEEKDAYS[dayFromNow(3).getUTCDay()]}`, startMinute: 0, lengthMinutes: 60 };

const link = { appId: 'wx0123456789abcdef', path: 'pages/shop?id=7' };

const north = (id, metres, fields) => {
  const latitude = HERE.latitude + metres * DEGREES_A_METRE;
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
  // Farthest first: the order of the list must not be that of the rows.
  for (const shop of SHOPS.toReversed()) await server.client.create({ merchant: shop });
  const rows = Array.from({ length: MANY }, (_, number) => ({
    // Three at every place, so that ids have to order them.
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
  const answers = await pages(backend, body);
  assert.equal(answers.length, 1);
  return answers[0].merchants;
};
const ids = (merchants) => merchants.map(({ id }) => id);

test('a list shows names, distances, hours and mini programs, nearest first', async () => {
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

test('distances are rounded to what a phone can know', () => {
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

test('shops that are closed are left out if only open ones are wanted, unknown ones are not', async () => {
  assert.deepEqual(ids(await list({ position: HERE, openNow: true })), ['here', 'unknown']);
  assert.equal((await list({ position: HERE, openNow: false })).length, 4);
});

test('a category and a radius narrow the list', async () => {
  assert.deepEqual(ids(await list({ position: HERE, category: 'shop/tea' })), ['unknown']);
  assert.deepEqual(ids(await list({ position: HERE, radius: 500 })), ['here', 'closed-today']);
});

test('a shop near the edge is uncertain by the accuracy of the position', async () => {
  const uncertain = async (accuracy) => {
    const merchants = await list({ position: { ...HERE, accuracy }, radius: 1_000 });
    return merchants.map((shop) => [shop.id, shop.uncertain]);
  };
  const certain = [['here', false], ['closed-today', false], ['closed-weekday', false]];
  assert.deepEqual(await uncertain(undefined), certain);
  assert.deepEqual(await uncertain(1), certain);
  assert.deepEqual(await uncertain(60), [...certain.slice(0, 2), ['closed-weekday', true]]);
});

test('pages come to an end and repeat nothing', async () => {
  const answers = await pages(backend, { position: THERE });
  assert.deepEqual(answers.map(({ merchants }) => merchants.length), [20, 20, 5]);
  assert.equal(answers.at(-1).nextPageToken, '');
  const shown = answers.flatMap(({ merchants }) => merchants);
  assert.equal(new Set(ids(shown)).size, MANY);
  const metres = shown.map(({ distanceM }) => distanceM);
  assert.deepEqual(metres, metres.toSorted((one, other) => one - other));
});

test('a position in GCJ-02 gives the list that the same place in WGS-84 gives', async () => {
  const inWgs84 = await list({ position: HERE });
  // The shop that is here, as a map in China has it.
  const { position } = inWgs84[0];
  assert.equal(position.datum, 'gcj02');
  assert.ok(Math.abs(position.latitude - HERE.latitude) > 1e-4 && Math.abs(position.longitude - HERE.longitude) > 1e-3);
  const inGcj02 = await list({ position });
  assert.deepEqual(inGcj02, inWgs84);
  // The same degrees in the other datum are another place.
  const [nearest] = await list({ position: { ...HERE, datum: 'gcj02' } });
  assert.ok(nearest.distanceM > 100, `${nearest.distanceM}`);
});
