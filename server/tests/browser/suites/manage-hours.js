'use strict';
// The console: opening hours.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openManage } = require('../manage');

const POSITION = { latitude: 60.08, longitude: 25.2, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' };

module.exports = shared => {
  const get = name => shared.server.call('MerchantService/GetMerchant', { name });
  const edit = (id, openingHours, act) => {
    const name = `merchants/${id}`;
    return shared.withMerchant({ name, displayName: 'Hours Shop', position: POSITION, openingHours }, async () => {
      const view = await openManage(shared, `#/manage/merchants/${id}`, { hasMap: false });
      await view.editing();
      await act(view, async () => (await get(name)).openingHours);
      await view.close();
    });
  };
  /** Sets the times of a period of a day. */
  const setTimes = async (view, weekday, row, opens, closes) => {
    const inputs = await view.page.$$(`li[data-weekday="${weekday}"] .period:nth-child(${row}) input[type=time]`);
    await inputs[0].fill(opens);
    await inputs[1].fill(closes);
  };
  const periods = (...all) => all.map(([weekday, startMinute, lengthMinutes]) => ({ weekday: `WEEKDAY_${weekday}`, ...(startMinute && { startMinute }), lengthMinutes }));

  test('weekly hours are typed, with a break, past midnight and all day', async () => {
    await edit('week', undefined, async (view, hours) => {
      await view.page.check('#hours-weekly');
      assert.equal(await view.page.inputValue(view.control('opening_hours.time_zone')), 'Europe/Helsinki');
      await view.page.click('li[data-weekday="0"] .add');
      await view.page.click('li[data-weekday="0"] .add');
      await setTimes(view, 0, 1, '08:30', '12:00');
      await setTimes(view, 0, 2, '13:00', '17:15');
      await view.page.click('li[data-weekday="4"] .add');
      await setTimes(view, 4, 1, '20:00', '04:00');
      assert.match(await view.text('li[data-weekday="4"]'), /until the next day/);
      await view.page.click('li[data-weekday="5"] .add');
      await setTimes(view, 5, 1, '00:00', '00:00');
      assert.match(await view.text('li[data-weekday="5"]'), /open all day/);
      assert.match(await view.text('li[data-weekday="6"]'), /Closed/);
      assert.equal(await view.save(), 'saved');
      assert.deepEqual(await hours(), {
        timeZone: 'Europe/Helsinki',
        weeklyPeriods: periods(['MONDAY', 510, 210], ['MONDAY', 780, 255], ['FRIDAY', 1200, 480], ['SATURDAY', 0, 1440]),
      });
    });
  });

  test('the hours of a day are copied to others', async () => {
    await edit('copied', { timeZone: 'UTC', weeklyPeriods: periods(['MONDAY', 600, 60], ['TUESDAY', 0, 30]) }, async (view, hours) => {
      await view.page.selectOption('li[data-weekday="0"] .copy-hours', 'weekdays');
      await view.page.selectOption('li[data-weekday="0"] .copy-hours', '6');
      assert.equal(await view.save(), 'saved');
      assert.deepEqual((await hours()).weeklyPeriods, periods(...['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SUNDAY'].map(day => [day, 600, 60])));
    });
  });

  test('special days replace the week, with hours or closed', async () => {
    await edit('special', { timeZone: 'UTC', weeklyPeriods: periods(['MONDAY', 600, 60]) }, async (view, hours) => {
      for (const date of ['2030-12-24', '2030-12-31']) {
        await view.page.click('#add-special-day');
        await view.page.fill('.special-days > :last-child input[type=date]', date);
      }
      await view.page.click('.special-days > :last-child .add');
      assert.equal(await view.save(), 'saved');
      assert.deepEqual((await hours()).specialDays, [
        { date: { year: 2030, month: 12, day: 24 } }, { date: { year: 2030, month: 12, day: 31 }, periods: [{ startMinute: 540, lengthMinutes: 480 }] },
      ]);
      await view.page.click('.special-days > :first-child > .remove');
      assert.equal(await view.save(), 'saved');
      assert.equal((await hours()).specialDays.length, 1);
    });
  });

  test('an expression is previewed, and an invalid one is rejected beside it', async () => {
    await edit('expression', { timeZone: 'UTC', weeklyPeriods: periods(['MONDAY', 600, 60]) }, async (view, hours) => {
      view.expected.push('400');
      await view.page.check('#hours-expression');
      assert.equal(await view.save(), 'check_fields');
      await view.type('opening_hours.osm_expression', 'Mo-Fr 9 to 5');
      assert.equal(await view.save(), 'check_fields');
      assert.deepEqual(Object.keys(await view.fieldErrors()), ['opening_hours.osm_expression']);
      assert.deepEqual((await hours()).weeklyPeriods, periods(['MONDAY', 600, 60]));
      await view.type('opening_hours.osm_expression', 'Mo-Fr 09:00-17:00');
      assert.match(await view.text('.hours-part .week'), /Friday09:00–17:00SaturdayClosed/);
      assert.equal(await view.save(), 'saved');
      assert.deepEqual(await hours(), { timeZone: 'UTC', osmExpression: 'Mo-Fr 09:00-17:00' });
    });
  });

  test('hours without any time, and times that are typed in part, are not saved', async () => {
    await edit('empty', undefined, async (view, hours) => {
      await view.page.check('#hours-weekly');
      assert.equal(await view.save(), 'check_fields');
      assert.match(Object.values(await view.fieldErrors()).join(), /Add hours/);
      await view.page.click('li[data-weekday="2"] .add');
      await view.page.fill('li[data-weekday="2"] input >> nth=1', '');
      assert.equal(await view.save(), 'check_fields');
      assert.match(Object.values(await view.fieldErrors()).join(), /Complete this/);
      assert.equal(await hours(), undefined);
    });
  });

  test('periods of more than a day keep their meaning', async () => {
    const openingHours = { timeZone: 'UTC', weeklyPeriods: periods(['MONDAY', 0, 10_080]), specialDays: [{ date: { year: 2030, month: 1, day: 1 }, periods: [{ startMinute: 600, lengthMinutes: 2_000 }] }] };
    await edit('always-open', openingHours, async (view, hours) => {
      assert.equal(await view.page.isDisabled('#save'), true);
      await view.type('opening_hours.display_text', 'always');
      assert.equal(await view.save(), 'saved');
      const stored = await hours();
      assert.deepEqual(stored.weeklyPeriods, periods(...['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'].map(day => [day, 0, 1_440])));
      assert.deepEqual(stored.specialDays, openingHours.specialDays);
    });
  });
};
