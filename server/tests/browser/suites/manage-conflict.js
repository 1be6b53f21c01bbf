'use strict';
// The console: two people change one merchant.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { findings } = require('../axe');
const { until } = require('../browser');
const { openManage } = require('../manage');

const POSITION = { latitude: 60.0, longitude: 25.6, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' };

module.exports = shared => {
  const get = name => shared.server.call('MerchantService/GetMerchant', { name });
  const update = (merchant, updateMask) => shared.server.call('MerchantService/UpdateMerchant', { merchant, updateMask });
  const edit = (id, act) => {
    const merchant = { name: `merchants/${id}`, displayName: 'Conflict', brand: 'First', phone: '1', position: POSITION };
    return shared.withMerchant(merchant, async () => {
      const view = await openManage(shared, `#/manage/merchants/${id}`, { hasMap: false });
      await view.editing();
      view.expected.push('409', '404');
      await act(view, merchant.name);
      await view.close();
    });
  };
  const cells = (view, field) => view.page.$$eval(`.conflict tr[data-field="${field}"] td`, all => all.map(each => each.textContent));
  const choose = (view, field, side) => view.page.check(`.conflict tr[data-field="${field}"] input[value=${side}]`);

  test('two versions stand side by side, and each field is chosen', async () => {
    await edit('conflict', async (view, name) => {
      await view.type('phone', '2');
      await view.type('brand', 'Mine');
      await view.type('website_uri', 'https://mine.test');
      await update({ name, phone: '3', brand: 'Theirs', categories: ['shop/new'] }, 'phone,brand,categories');
      assert.equal(await view.save(), 'dialog');
      assert.deepEqual(await cells(view, 'phone'), ['3', '2']);
      assert.deepEqual(await cells(view, 'brand'), ['Theirs', 'Mine']);
      // Changed by one side only: chosen already.
      assert.deepEqual([await cells(view, 'categories'), await cells(view, 'website_uri')], [['shop/new', 'empty'], ['empty', 'https://mine.test']]);
      assert.equal(await view.page.isDisabled('#conflict-apply'), true);
      assert.deepEqual(await findings(view), []);
      await choose(view, 'phone', 'theirs');
      await choose(view, 'brand', 'ours');
      await view.page.click('#conflict-apply');
      assert.equal(await view.page.inputValue(view.control('phone')), '3');
      assert.equal((await get(name)).brand, 'Theirs', 'nothing is saved yet');
      assert.equal(await view.save(), 'saved');
      const { phone, brand, categories, websiteUri } = await get(name);
      assert.deepEqual({ phone, brand, categories, websiteUri }, { phone: '3', brand: 'Mine', categories: ['shop/new'], websiteUri: 'https://mine.test' });
    });
  });

  test('a field that only somebody else has changed can be set back, and equal changes are no conflict', async () => {
    await edit('conflict-back', async (view, name) => {
      await view.type('phone', '2');
      await update({ name, brand: 'Theirs', phone: '2', websiteUri: 'https://theirs.test' }, 'brand,phone,websiteUri');
      assert.equal(await view.save(), 'dialog');
      assert.deepEqual(await view.page.$$eval('.conflict tbody tr', all => all.map(each => each.dataset.field)), ['brand', 'website_uri']);
      await choose(view, 'brand', 'ours');
      await view.page.click('#conflict-apply');
      assert.equal(await view.page.inputValue(view.control('brand')), 'First');
      assert.equal(await view.save(), 'saved');
      const { brand, websiteUri } = await get(name);
      assert.deepEqual([brand, websiteUri], ['First', 'https://theirs.test']);
    });
  });

  test('the versions are compared again if the merchant changes meanwhile, and going back keeps the changes', async () => {
    await edit('conflict-twice', async (view, name) => {
      await view.type('phone', '2');
      await update({ name, phone: '3' }, 'phone');
      assert.equal(await view.save(), 'dialog');
      await view.page.click('#conflict-cancel');
      assert.equal(await view.page.inputValue(view.control('phone')), '2');
      assert.equal(await view.save(), 'dialog');
      await choose(view, 'phone', 'ours');
      await view.page.click('#conflict-apply');
      await update({ name, brand: 'Again' }, 'brand');
      assert.equal(await view.save(), 'dialog');
      await view.page.click('#conflict-apply');
      assert.equal(await view.save(), 'saved');
      const { phone, brand } = await get(name);
      assert.deepEqual([phone, brand], ['2', 'Again']);
    });
  });

  test('hiding a version that is out of date asks as well', async () => {
    await edit('conflict-hide', async (view, name) => {
      await update({ name, phone: '3' }, 'phone');
      await view.page.click('#hide-merchant');
      await until(() => view.page.isVisible('#conflict-apply'));
      assert.deepEqual(await cells(view, 'phone'), ['3', '1']);
      await view.page.click('#conflict-apply');
      assert.equal(await view.page.inputValue(view.control('phone')), '3');
      await view.page.click('#hide-merchant');
      await until(() => view.page.isVisible('#show-merchant'));
    });
  });

  test('a merchant that somebody else has deleted is said to be gone', async () => {
    const name = 'merchants/conflict-gone';
    await shared.server.call('MerchantService/CreateMerchant', { merchant: { name, displayName: 'Gone', position: POSITION } });
    const view = await openManage(shared, '#/manage/merchants/conflict-gone', { hasMap: false });
    await view.editing();
    view.expected.push('404', '409');
    await view.type('phone', '2');
    await shared.server.call('MerchantService/DeleteMerchant', { name });
    assert.equal(await view.save(), 'error');
    assert.match(await view.text('#edit-error'), /deleted this merchant/);
    assert.equal(await view.page.inputValue(view.control('phone')), '2');
    await view.close();
  });

  test('a lost response is repeated without a second merchant', async () => {
    const view = await openManage(shared, '#/manage/new', { hasMap: false });
    view.expected.push('ERR_FAILED');
    await view.editing();
    await view.type('display_name', 'Lost Response');
    await view.type('position.latitude', '60.0');
    await view.type('position.longitude', '25.7');
    let names = [];
    await view.page.route('**/CreateMerchant', async route => {
      // The server stores it; the browser never learns.
      const response = await route.fetch();
      names.push((await response.json()).name);
      await route.abort();
    }, { times: 1 });
    assert.equal(await view.save(), 'error');
    await view.page.click('#edit-error button');
    assert.equal(await view.settled(), 'saved');
    const { merchants } = await shared.server.call('MerchantService/ListMerchants', { filter: { text: 'Lost Response' } });
    assert.deepEqual(merchants.map(each => each.name), names);
    await shared.server.call('MerchantService/DeleteMerchant', { name: names[0] });
    names = [];
    await view.close();
  });
};
