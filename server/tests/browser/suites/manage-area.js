'use strict';
// The console: service areas, and the preview of the rank.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { until } = require('../browser');
const { openManage } = require('../manage');

const SKERRY = { latitude: 60.05, longitude: 25.3 };
const near = (northM, eastM = 0) => ({
  latitude: SKERRY.latitude + northM / 111_420, longitude: SKERRY.longitude + eastM / 55_660, coordinateSystem: 'COORDINATE_SYSTEM_WGS84',
});

module.exports = shared => {
  const get = name => shared.server.call('MerchantService/GetMerchant', { name });
  const edit = (id, more, act) => {
    const name = `merchants/${id}`;
    return shared.withMerchant({ name, displayName: 'Skerry Shop', position: near(0), ...more }, async () => {
      const view = await openManage(shared, `#/manage/merchants/${id}`);
      await view.editing();
      await until(() => view.page.$('.pin.edited'));
      await act(view, async () => (await get(name)).serviceArea);
      await view.close();
    });
  };
  const ring = corners => ({ latitudes: corners.map(each => each.latitude), longitudes: corners.map(each => each.longitude) });
  const square = sizeM => ring([near(-sizeM, -sizeM), near(-sizeM, sizeM), near(sizeM, sizeM), near(sizeM, -sizeM)]);

  test('an area is drawn by clicks, and searches find the merchant by it', async () => {
    await edit('drawn', {}, async (view, area) => {
      await view.openSection('area');
      await view.page.selectOption('#area-kind', 'polygons');
      for (const [x, y] of [[-60, -60], [60, -60], [60, 60], [-60, 60]]) await view.clickMap(x, y);
      assert.equal((await view.page.$$('.vertex')).length, 4);
      // The pin does not move by clicks that draw.
      assert.equal(await view.page.inputValue('#position-latitude'), String(SKERRY.latitude));
      await view.drag('.vertex >> nth=0', -20, -20);
      assert.equal(await view.save(), 'saved', JSON.stringify(await view.fieldErrors()));
      const { polygons } = (await area()).polygons;
      assert.equal(polygons[0].shell.latitudes.length, 4);
      const [inside, outside] = [near(0), near(0, 4_000)];
      const serves = async origin => (await shared.server.call('NearbyService/SearchNearby', { origin, reach: 'REACH_SERVING' })).results?.some(each => each.merchant.name === 'merchants/drawn') ?? false;
      assert.deepEqual([await serves(inside), await serves(outside)], [true, false]);
    });
  });

  test('corners and holes are typed as well, and removed', async () => {
    const polygons = { coordinateSystem: 'COORDINATE_SYSTEM_WGS84', polygons: [{ shell: square(800), holes: [square(100)] }] };
    await edit('typed', { serviceArea: { polygons } }, async (view, area) => {
      view.expected.push('400');
      await view.openSection('area');
      const texts = await view.page.$$eval('.ring', all => all.map(each => each.value.split('\n').length));
      assert.deepEqual(texts, [4, 4]);
      await view.page.fill('.ring >> nth=1', '60.0501, 25.3\n60.0502 25.3005\nnorth');
      assert.equal(await view.save(), 'check_fields');
      assert.match(Object.values(await view.fieldErrors()).join(), /Line 3 is no corner/);
      await view.page.fill('.ring >> nth=1', '60.0501, 25.3\n60.0502 25.3005\n60.0503,25.3');
      assert.equal(await view.save(), 'saved');
      assert.equal((await area()).polygons.polygons[0].holes[0].latitudes.length, 3);
      await view.page.click('.area-part .field .field .remove >> text=hole');
      assert.equal(await view.save(), 'saved');
      assert.equal((await area()).polygons.polygons[0].holes, undefined);
    });
  });

  test('an area that crosses itself is rejected beside its outline', async () => {
    await edit('crossed', {}, async (view, area) => {
      view.expected.push('400');
      await view.openSection('area');
      await view.page.selectOption('#area-kind', 'polygons');
      await view.page.fill('.ring', '60.05, 25.30\n60.06, 25.31\n60.05, 25.31\n60.06, 25.30');
      assert.equal(await view.save(), 'check_fields');
      assert.deepEqual(Object.keys(await view.fieldErrors()), ['service_area.polygons.polygons[0].shell']);
      assert.equal(await area(), undefined);
    });
  });

  test('long edges get the vertices that keep them within a metre of what the map draws', async () => {
    await edit('long', {}, async (view, area) => {
      await view.openSection('area');
      await view.page.selectOption('#area-kind', 'polygons');
      await view.page.fill('.ring', '60.0, 25.0\n60.0, 25.6\n60.2, 25.6\n60.2, 25.0');
      assert.equal(await view.save(), 'saved', JSON.stringify(await view.fieldErrors()));
      const { latitudes } = (await area()).polygons.polygons[0].shell;
      // 33 km along a parallel bulge by 37 m: seven parts.
      assert.deepEqual([latitudes.filter(each => each === 60).length, latitudes.length], [8, 16]);
      await view.openSection('basics');
      await view.type('brand', 'unchanged area');
      assert.equal(await view.save(), 'saved');
      assert.equal((await area()).polygons.polygons[0].shell.latitudes.length, 16);
    });
  });

  test('the rank from a point is that of a search, also before the pin has been saved there', async () => {
    const others = [[200, 'Skerry One'], [600, 'Skerry Two'], [900, 'Skerry Three']];
    const names = others.map(([, displayName]) => `merchants/${displayName.replace(' ', '-')}`);
    await shared.server.call('MerchantService/BatchCreateMerchants', { requests: others.map(([northM, displayName], index) => ({ merchant: { name: names[index], displayName, position: near(northM) } })) });
    await edit('ranked', { position: near(700) }, async view => {
      view.expected.push('400');
      const rank = () => until(() => view.page.evaluate(() => document.getElementById('rank-text')?.textContent));
      await view.page.click('#preview-pick');
      // A point of the search, set by the explorer, is offered too.
      assert.equal(await view.page.isVisible('#preview-search-point'), false);
      await view.clickMap(0, 200);
      const text = await rank();
      assert.match(text, /^Number 3 from this point, /);
      const listed = await view.page.$$eval('.neighbours li > span:first-child', all => all.map(each => each.textContent));
      assert.deepEqual(listed, ['Skerry One', 'Skerry Two', 'This merchant', 'Skerry Three']);
      await view.type('position.latitude', String(near(100).latitude));
      await until(async () => /^Number 2 from this point/.test(await view.text('#rank-text')));
      await view.type('categories', 'shop/of-its-own');
      await view.page.check('#preview-categories');
      await until(async () => /^Number 1 from this point/.test(await view.text('#rank-text')));
      await view.page.click('#discard');
    });
    await shared.server.call('MerchantService/BatchDeleteMerchants', { requests: names.map(name => ({ name })) });
  });

  test('distances of the preview are those of the server', async () => {
    const view = await openManage(shared, '#/manage');
    const { results } = await shared.server.call('NearbyService/SearchNearby', { origin: { latitude: 60.17, longitude: 24.94, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' }, radiusM: 5_000, pageSize: 500 });
    const found = results.map(({ distanceM = 0, merchant: { position } }) => ({ distanceM, latitude: position.latitude, longitude: position.longitude }));
    const worst = await view.page.evaluate(async all => {
      const { distanceM } = await import(new URL('js/shared/geodesic.js', document.baseURI).href);
      const from = { latitude: 60.17, longitude: 24.94 };
      return [Math.max(...all.map(each => Math.abs(distanceM(from, each) - each.distanceM))), distanceM(from, from)];
    }, found);
    assert.ok(found.length > 100 && worst[0] < 1e-3, String(worst));
    assert.equal(worst[1], 0);
    await view.close();
  });
};
