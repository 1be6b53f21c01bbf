'use strict';
// Opening hours of the map, compared with opening_hours.js, which shares no code with the server.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
// Dates without a zone are local: it must be the zone of the merchants, whatever that of the machine is.
process.env.TZ = 'Europe/Helsinki';
const { CLASSES } = require('./opening-hours/classes');
const { actual, expected, instants, values } = require('./opening-hours/differential');
const { start } = require('./nearby-server');

const MIN_EVALUATED = 0.98;
const MIN_AGREEING = 0.995;

let server;
before(async () => {
  server = await start();
});
after(() => server.stop());

test('states of real opening hours are those of opening_hours.js', async (t) => {
  const at = instants();
  // The first value tells on which days the calendars differ.
  const all = ['PH', ...values()];
  const theirs = all.map((value) => expected(value, at));
  const ours = await actual(server.client, all, at);
  const isTaken = (n) => theirs[n] !== undefined;
  const taken = all.filter((_, n) => isTaken(n)).length;
  const evaluated = all.filter((_, n) => isTaken(n) && ours[n] !== undefined).length;

  const counts = Object.fromEntries(CLASSES.map(({ name }) => [name, 0]));
  const unexplained = [];
  let evaluations = 0;
  all.forEach((value, n) => {
    if (!isTaken(n) || ours[n] === undefined || n === 0) return;
    at.forEach((moment, i) => {
      evaluations += 1;
      if (theirs[n][i] === ours[n][i]) return;
      const midnight = new Date(moment);
      midnight.setHours(0, 0, 0, 0);
      const difference = {
        value,
        hour: moment.getHours(),
        theirs: theirs[n][i],
        ours: ours[n][i],
        theirsAtMidnight: expected(value, [new Date(midnight.getTime() - 60_000)])[0],
        calendarsDiffer: theirs[0][i] !== ours[0][i],
      };
      const reason = CLASSES.find(({ applies }) => applies(difference));
      if (reason) counts[reason.name] += 1;
      else unexplained.push(`${value} at ${moment.toISOString()}: ${difference.theirs} there, ${difference.ours} here`);
    });
  });
  const different = Object.values(counts).reduce((sum, count) => sum + count, unexplained.length);
  const ofCalendars = counts.calendar;
  t.diagnostic(`${all.length - 1} values, of which opening_hours.js takes ${taken - 1} and the server evaluates ${evaluated - 1} of those`);
  t.diagnostic(`${evaluations} evaluations, ${different} differ: ${JSON.stringify(counts)}, ${unexplained.length} unexplained`);
  assert.deepEqual(unexplained, []);
  assert.ok(evaluated / taken >= MIN_EVALUATED, `${evaluated} of ${taken}`);
  const agreeing = 1 - (different - ofCalendars) / evaluations;
  assert.ok(agreeing >= MIN_AGREEING, `${agreeing}`);
});
