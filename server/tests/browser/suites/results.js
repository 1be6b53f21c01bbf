'use strict';
// The list and its pins.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');

module.exports = shared => {
  const open = options => openPage(shared.browser, shared.server.url, options);
  const numbered = names => names.map((name, index) => `${index + 1}. ${name}`);

  test('the list has the order of the server, with distances', async () => {
    const view = await open();
    const { response } = await view.afterSearch(() => view.page.click('#search button[type=submit]'));
    assert.deepEqual(await view.ids(), response.results.map(result => result.merchant.name));
    const distances = await view.page.$$eval('#results .distance', all => all.map(each => each.textContent));
    assert.equal(distances[0], `${Math.round(response.results[0].distanceM)} m`);
    await view.close();
  });

  test('pins have the numbers of the list', async () => {
    const view = await open();
    assert.deepEqual(await view.page.$$eval('#results .number', all => all.map(each => Number(each.textContent))), Array.from({ length: 20 }, (_, i) => i + 1));
    assert.deepEqual(await view.pins(), numbered(await view.names()));
    await view.close();
  });

  test('pages follow each other without gaps and repetitions', async () => {
    const view = await open({ radiusM: 200 });
    const { response } = await view.afterSearch(() => view.page.click('#search button[type=submit]'));
    assert.ok(response.totalSize > 40 && response.totalSize < 500, String(response.totalSize));
    assert.ok((await view.text('#status')).startsWith(`20 of ${response.totalSize},`));
    for (let page = 0; page < 100 && await view.page.isVisible('#more'); page += 1) await view.afterSearch(() => view.page.click('#more'));
    const ids = await view.ids();
    assert.equal(ids.length, response.totalSize);
    assert.equal(new Set(ids).size, ids.length);
    const all = await shared.server.call('NearbyService/SearchNearby', {
      origin: { latitude: 60.1719, longitude: 24.9414, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' }, radiusM: 200, pageSize: 500,
    });
    assert.deepEqual(ids, all.results.map(result => result.merchant.name));
    assert.deepEqual(await view.pins(), numbered(await view.names()));
    await view.close();
  });

  test('pointing at a result marks its pin', async () => {
    const view = await open({ origin: PIER });
    await view.page.hover('#results li:nth-child(2)');
    assert.deepEqual(await view.page.$$eval('.pin.highlighted', all => all.map(each => each.title)), ['Pier Kiosk']);
    await view.close();
  });

  test('a pin opens its merchant, and the way back returns to the list', async () => {
    const view = await open({ origin: PIER });
    await view.page.click('.pin[aria-label^="2."]');
    await until(async () => (await view.page.$('#merchant h2')) && (await view.text('#merchant h2')) === 'Pier Kiosk');
    assert.ok(view.page.url().endsWith('#/merchants/always'));
    await view.page.click('#back');
    await until(() => view.page.isVisible('#results'));
    assert.equal((await view.names()).length, 5);
    await view.close();
  });

  test('everything works with the keyboard', async () => {
    const view = await open({ origin: null });
    await view.page.focus('#latitude');
    await view.page.keyboard.type('60.1400');
    await view.page.keyboard.press('Tab');
    await view.page.keyboard.type('24.9500');
    await view.afterSearch(() => view.page.keyboard.press('Enter'));
    for (let presses = 0; presses < 40; presses += 1) {
      await view.page.keyboard.press('Tab');
      if (await view.page.evaluate(() => document.activeElement.dataset.name === 'merchants/full')) break;
    }
    await view.page.keyboard.press('Enter');
    await until(async () => (await view.page.$('#merchant h2')) && (await view.text('#merchant h2')) === 'Pier Café');
    assert.equal(await view.page.evaluate(() => document.activeElement.id), 'merchant');
    await view.close();
  });

  test('the number of results is announced', async () => {
    const view = await open({ origin: PIER });
    assert.equal(await view.page.getAttribute('#status', 'role'), 'status');
    assert.equal(await view.text('#status'), '5 found, nearest first');
    await view.close();
  });
};
