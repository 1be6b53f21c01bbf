'use strict';
// Compares the states that a server reports with those of opening_hours.js, for real values of the map.

const fs = require('node:fs');
const path = require('node:path');
const OpeningHours = require('opening_hours');

const HOME = { latitude: 60.17, longitude: 24.94 };
const PLACE = { lat: '60.17', lon: '24.94', address: { country_code: 'fi', state: 'Uusimaa' } };
const ZONE = 'Europe/Helsinki';

/** Instants of 2026 and 2027: both changes of daylight saving, holidays, nights, and every hour of ordinary weeks. */
function instants() {
  const fixed = [
    '2026-01-01T12:00', '2026-01-06T10:30', '2026-03-29T02:30', '2026-03-29T04:30', '2026-04-03T12:00', '2026-04-05T12:00',
    '2026-05-01T11:00', '2026-06-19T18:00', '2026-06-20T12:00', '2026-10-25T02:30', '2026-10-25T05:00', '2026-12-06T12:00',
    '2026-12-24T12:00', '2026-12-24T19:00', '2026-12-25T12:00', '2026-12-26T15:00', '2026-12-31T23:30', '2027-01-01T00:30',
  ];
  // 32 more: they walk through the weekdays and the hours of the day without repeating a pair.
  const ordinary = Array.from({ length: 32 }, (_, n) => {
    const day = new Date(Date.UTC(2026, 1, 2 + n * 9));
    const minute = (n * 317 + 7) % 1440;
    const two = (number) => String(number).padStart(2, '0');
    return `${day.toISOString().slice(0, 10)}T${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
  });
  return [...fixed, ...ordinary].map((text) => new Date(text));
}

/** The distinct values: of the sample data, of the cases, and those of the extract that the sample leaves out. */
function values() {
  const root = path.join(__dirname, '../../../..');
  const column = (file) => {
    const [header, ...rows] = csv(fs.readFileSync(path.join(root, file), 'utf8'));
    return rows.map((row) => row[header.indexOf('hours')]);
  };
  const extract = fs.readFileSync(path.join(__dirname, 'helsinki.txt'), 'utf8').split('\n');
  const all = [...column('data/helsinki.csv'), ...column('tests/cases/hours.csv'), ...extract];
  return [...new Set(all.filter((value) => value))].sort();
}

/** Parses CSV with quoted cells, without line breaks in them. */
function csv(text) {
  return text.split('\n').filter(Boolean).map((line) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain));
}

/** The states of opening_hours.js at the instants; undefined if it refuses the value. */
function expected(value, at) {
  try {
    const hours = new OpeningHours(value, PLACE);
    return at.map((moment) => (hours.getUnknown(moment) ? 'UNKNOWN' : hours.getState(moment) ? 'OPEN' : 'CLOSED'));
  } catch {
    return undefined;
  }
}

/** Stores a merchant for each value. Returns the states of the server at the instants, by value; undefined if it refuses the value. */
async function actual(client, all, at) {
  const rows = all.map((value, n) => ({
    rowNumber: n,
    merchant: {
      name: `merchants/${n}`,
      displayName: `${n}`,
      position: { ...HOME, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' },
      address: { regionCode: 'FI' },
      openingHours: { timeZone: ZONE, osmExpression: value },
    },
  }));
  const { outcomes } = await client.importAll([{ rows }]);
  const refused = new Set(outcomes.filter(({ state }) => state === 'IMPORT_STATE_REJECTED').map(({ rowNumber }) => Number(rowNumber)));
  const states = all.map((_, n) => (refused.has(n) ? undefined : []));
  for (const moment of at) {
    const seconds = Math.floor(moment.getTime() / 1000);
    for await (const { merchant, openState } of everyResult(client, seconds)) {
      states[Number(merchant.name.slice('merchants/'.length))].push(openState.slice('OPEN_STATE_'.length));
    }
  }
  return states;
}

async function* everyResult(client, seconds) {
  const request = {
    origin: { ...HOME, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' },
    radiusM: 1,
    pageSize: 500,
    view: 'MERCHANT_VIEW_ID_ONLY',
    opening: { openAt: { seconds }, policy: 'OPENING_POLICY_SHOW_ALL' },
  };
  let pageToken = '';
  do {
    const page = await client.search({ ...request, pageToken });
    yield* page.results;
    pageToken = page.nextPageToken;
  } while (pageToken);
}

module.exports = { actual, expected, instants, values };
