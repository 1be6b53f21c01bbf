'use strict';
// The point of a search: by click, drag, coordinates in three datums, and the position of the browser.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');

const STATION = { latitude: 60.1719, longitude: 24.9414 };

module.exports = shared => {
  const open = options => openPage(shared.browser, shared.server.url, options);
  const center = async ({ page }) => {
    const box = await page.locator('#map canvas').boundingBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };

  test('a click on the map searches there', async t => {
    const view = await open();
    const [x, y] = await center(view);
    const begun = performance.now();
    const { request } = await view.afterSearch(() => view.page.mouse.click(x + 130, y - 60));
    t.diagnostic(`click to first list: ${Math.round(performance.now() - begun)} ms`);
    assert.equal(request.origin.coordinateSystem, 'COORDINATE_SYSTEM_WGS84');
    assert.ok(request.origin.latitude > STATION.latitude && request.origin.longitude > STATION.longitude);
    assert.ok(Math.abs(request.origin.latitude - STATION.latitude) < 0.01);
    assert.equal(Number(await view.page.inputValue('#latitude')), Math.round(request.origin.latitude * 1e7) / 1e7);
    assert.equal((await view.names()).length, 20);
    await view.close();
  });

  test('dragging the dot searches where it is dropped', async () => {
    const view = await open();
    const dot = await view.page.locator('.origin-dot').boundingBox();
    const { request } = await view.afterSearch(async () => {
      await view.page.mouse.move(dot.x + 10, dot.y + 10);
      await view.page.mouse.down();
      await view.page.mouse.move(dot.x + 90, dot.y + 70, { steps: 4 });
      await view.page.mouse.up();
    });
    assert.ok(request.origin.longitude > STATION.longitude && request.origin.latitude < STATION.latitude);
    await view.close();
  });

  test('typed coordinates are sent as they are', async () => {
    const view = await open({ origin: null });
    assert.equal(await view.text('#status'), 'Click the map to search around a point.');
    const { request, response } = await view.searchAt({ latitude: '60,1719', longitude: '24.9414' });
    assert.deepEqual(request.origin, { ...STATION, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' });
    assert.deepEqual(await view.names(), response.results.map(result => result.merchant.displayName));
    await view.close();
  });

  for (const [datum, system] of [['gcj02', 'COORDINATE_SYSTEM_GCJ02'], ['bd09', 'COORDINATE_SYSTEM_BD09']]) {
    test(`coordinates in ${datum} are drawn where the server has them`, async () => {
      const view = await open({ origin: null });
      const beijing = { latitude: 39.9087, longitude: 116.3975, datum };
      const { request } = await view.searchAt(beijing);
      assert.equal(request.origin.coordinateSystem, system);
      assert.equal(request.origin.latitude, 39.9087);
      // The server's own conversion: a merchant at the same point, in the datum of the map.
      const { response } = await shared.withMerchant(
        { name: 'merchants/datum', displayName: 'Datum', position: { latitude: 39.9087, longitude: 116.3975, coordinateSystem: system } },
        () => view.afterSearch(() => view.page.click('#search button[type=submit]')),
      );
      const { latitude, longitude } = response.results[0].position;
      assert.ok(Math.abs(latitude - beijing.latitude) > 1e-4);
      const drawn = await view.page.evaluate(async point => {
        const { toMapDatum } = await import(new URL('js/shared/datums.js', document.baseURI).href);
        return toMapDatum(point, 'wgs84', new URL('.', document.baseURI));
      }, beijing);
      assert.ok(Math.abs(drawn.latitude - latitude) < 1e-8 && Math.abs(drawn.longitude - longitude) < 1e-8, JSON.stringify({ drawn, latitude, longitude }));
      await view.close();
    });
  }

  test('coordinates that are none are rejected beside their field', async () => {
    const view = await open({ origin: null });
    for (const [latitude, longitude, field] of [['91', '0', 'latitude'], ['x', '5', 'latitude'], ['5', '', 'longitude'], ['5', '-180.5', 'longitude']]) {
      await view.page.fill('#latitude', latitude);
      await view.page.fill('#longitude', longitude);
      await view.page.click('#search button[type=submit]');
      assert.match(await view.text(`#${field}-error`), /latitude from -90 to 90/);
      assert.equal(await view.page.getAttribute(`#${field}`, 'aria-invalid'), 'true');
    }
    assert.ok(!view.seen.requests.some(request => request.url().endsWith('/SearchNearby')));
    await view.close();
  });

  test('an error of the server stands beside its field', async () => {
    const view = await open({ origin: null });
    view.expected.push('400');
    await view.searchAt({ latitude: 0, longitude: 0 });
    const text = await until(async () => (await view.page.$('#latitude-error')) && view.text('#latitude-error'));
    assert.match(text, /0,0|0, 0|null/i);
    await view.searchAt(STATION);
    assert.equal(await view.page.$('#latitude-error'), null);
    await view.close();
  });

  test('the position of the browser is searched, with its accuracy', async () => {
    const context = { geolocation: { latitude: 60.17, longitude: 24.94, accuracy: 37.4 }, permissions: ['geolocation'] };
    const view = await open({ origin: null, context });
    const { request } = await view.afterSearch(() => view.page.click('#my-position'));
    assert.deepEqual(request.origin, { latitude: 60.17, longitude: 24.94, coordinateSystem: 'COORDINATE_SYSTEM_WGS84', accuracyM: 37 });
    assert.equal(await view.page.inputValue('#accuracy'), '37');
    await view.close();
  });

  test('a denied position is explained', async () => {
    const view = await open({ origin: null, context: { permissions: [] } });
    await view.page.click('#my-position');
    await until(async () => /may not tell your position/.test(await view.text('#locate-status')));
    await view.close();
  });

  test('without https the page says why it cannot ask for the position', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: null, prepare: page => page.addInitScript(() => {
      Object.defineProperty(globalThis, 'isSecureContext', { value: false });
    }) });
    assert.ok(await view.page.isDisabled('#my-position'));
    assert.match(await view.text('#locate-status'), /https or on localhost/);
    await view.close();
  });
};
