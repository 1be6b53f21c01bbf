'use strict';
// Density.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');

module.exports = shared => {
  const counted = async (view, act) => {
    const response = view.page.waitForResponse(each => each.url().endsWith('/GetDensity'));
    await act();
    const found = await response;
    return { request: found.request().postDataJSON(), response: await found.json() };
  };
  const legend = async view => ((await view.page.isVisible('#legend')) ? view.text('#legend') : '');

  test('cells in view are counted, with the filters of the search', async () => {
    const view = await openPage(shared.browser, shared.server.url);
    const { request, response } = await counted(view, () => view.page.click('#density'));
    assert.ok(request.resolution >= 8);
    assert.ok(response.cells.every(cell => cell.outline.length >= 5));
    await until(async () => (await legend(view)).startsWith(`${response.totalSize} merchants in ${response.cells.length} cells`));
    await view.page.click('#filters summary');
    const cafes = await counted(view, () => view.page.fill('#categories', 'amenity/cafe'));
    assert.deepEqual(cafes.request.filter, { anyCategoryPrefixes: ['amenity/cafe'] });
    assert.ok(cafes.response.totalSize > 0 && cafes.response.totalSize < response.totalSize);
    await view.page.click('#density');
    await until(async () => (await legend(view)) === '');
    await view.close();
  });

  test('a view that is too large says to zoom in', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: null });
    await view.page.click('#density');
    await until(async () => (await legend(view)) === 'Zoom in to see the density.');
    assert.ok(!view.seen.requests.some(request => request.url().endsWith('/GetDensity')));
    await view.close();
  });

  test('every view that the page counts fits the box of the server', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: null });
    const boxes = await view.page.evaluate(async () => {
      const { cornerM } = await import(new URL('js/explore/density.js', document.baseURI).href);
      const made = [];
      for (const latitude of [-85, -60, -0.1, 0, 31, 60, 84]) {
        for (let half = 0.01; half < 5; half *= 1.05) {
          const box = { south: latitude - half / 2, north: latitude + half / 2, west: 179.5 - half, east: 179.5 + half };
          if (cornerM(box) <= 49_000 && cornerM(box) > 30_000) made.push(box);
        }
      }
      return made;
    });
    assert.ok(boxes.length > 50);
    const corner = (latitude, longitude) => ({ latitude, longitude: longitude > 180 ? longitude - 360 : longitude, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' });
    for (const { south, west, north, east } of boxes) {
      await shared.server.call('NearbyService/GetDensity', { box: { southWest: corner(south, west), northEast: corner(north, east) }, resolution: 3 });
    }
    await view.close();
  });
};
