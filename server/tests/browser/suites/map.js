'use strict';
// Base maps.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { openPage, until } = require('../browser');
const { start } = require('../server');

module.exports = shared => {
  const servers = {};
  before(async () => {
    const tiles = `${shared.pictureOrigin}/tiles/{z}/{x}/{y}.png`;
    [servers.tiles, servers.gcj02, servers.pageless] = await Promise.all([
      start(['--map-tiles', tiles, '--map-attribution', '<i>Tiles</i> & Co.']), start(['--map-datum', 'gcj02']), start(['--no-http-page']),
    ]);
  });
  after(() => Promise.all(Object.values(servers).map(server => server.stop())));
  const notice = async view => ((await view.page.isVisible('#map-notice')) ? view.text('#map-notice') : '');

  test('beyond the streets of the binary the page names the settings that add a map', async () => {
    const view = await openPage(shared.browser, shared.server.url);
    assert.equal(await notice(view), '');
    assert.match(await view.text('.maplibregl-ctrl-attrib'), /© OpenStreetMap contributors, ODbL 1\.0/);
    await view.searchAt({ latitude: 48.86, longitude: 2.35 });
    await until(async () => /--map-style or --map-tiles/.test(await notice(view)));
    await view.close();
  });

  test('without a start the page shows the earth', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: null });
    assert.equal(await notice(view), '');
    await until(async () => /Natural Earth/.test(await view.text('.maplibregl-ctrl-attrib')));
    assert.equal(await view.page.$('.origin-dot'), null);
    await view.close();
  });

  test('with tiles of the operator the page says who sees what is looked at', async () => {
    const view = await openPage(shared.browser, servers.tiles.url);
    assert.match(await notice(view), /loaded from other servers, which see the area/);
    await until(() => shared.pictures.some(url => /^\/tiles\/\d+\/\d+\/\d+\.png$/.test(url)));
    assert.equal(await view.text('.maplibregl-ctrl-attrib-inner'), '<i>Tiles</i> & Co.');
    const origins = new Set(view.seen.requests.map(request => request.url()).filter(url => url.startsWith('http')).map(url => new URL(url).origin));
    assert.deepEqual([...origins].sort(), [new URL(servers.tiles.url).origin, shared.pictureOrigin].sort());
    await view.close();
  });

  test('on a map in GCJ-02 a click is one in GCJ-02, and so are pins', async () => {
    const view = await openPage(shared.browser, servers.gcj02.url, { origin: null });
    await servers.gcj02.call('MerchantService/CreateMerchant', {
      merchant: { name: 'merchants/gate', displayName: 'Gate', position: { latitude: 39.9075, longitude: 116.3912, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' } },
    });
    const { request, response } = await view.searchAt({ latitude: 39.9075, longitude: 116.3912, datum: 'wgs84' });
    assert.equal(request.outputCoordinateSystem, 'COORDINATE_SYSTEM_GCJ02');
    assert.ok(response.results[0].position.longitude > 116.395);
    // The dot of the point, drawn by the page, and the pin, placed by the server, are at one place.
    const [dot, pin] = await Promise.all(['.origin-dot', '.pin'].map(selector => view.page.locator(selector).boundingBox()));
    assert.ok(Math.abs(dot.x + dot.width / 2 - pin.x - pin.width / 2) < 2, JSON.stringify({ dot, pin }));
    const map = await view.page.locator('#map canvas').boundingBox();
    const clicked = await view.afterSearch(() => view.page.mouse.click(map.x + map.width / 2 + 100, map.y + map.height / 2 + 100));
    assert.equal(clicked.request.origin.coordinateSystem, 'COORDINATE_SYSTEM_GCJ02');
    await view.close();
  });

  test('the page can be turned off', async () => {
    for (const path of ['', 'index.html', 'config.json', 'js/app.js']) {
      assert.notEqual((await fetch(servers.pageless.url + path)).status, 200, path);
    }
    assert.ok('totalSize' in await servers.pageless.call('NearbyService/SearchNearby', {
      origin: { latitude: 60, longitude: 25, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' }, includeTotal: true,
    }));
  });
};
