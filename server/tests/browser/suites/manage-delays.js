'use strict';
// The console while calls have not been answered.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { until } = require('../browser');
const { openManage } = require('../manage');

const POSITION = { latitude: 60.0, longitude: 25.8, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' };

module.exports = shared => {
  const get = name => shared.server.call('MerchantService/GetMerchant', { name });
  /** Opens the first of two merchants; `hold` keeps the responses of a method until the function that it returns is called. */
  const edit = act => shared.withMerchant({ name: 'merchants/delayed-a', displayName: 'A', phone: '1', position: POSITION }, () =>
    shared.withMerchant({ name: 'merchants/delayed-b', displayName: 'B', phone: '2', position: POSITION }, async () => {
      const view = await openManage(shared, '#/manage/merchants/delayed-a', { hasMap: false });
      view.expected.push('400', '404', '409');
      await view.editing();
      const hold = async method => {
        let release;
        const released = new Promise(resolve => { release = resolve; });
        let isHeld = false;
        await view.page.route(`**/${method}`, async route => {
          const response = await route.fetch();
          isHeld = true;
          await released;
          await route.fulfill({ response });
        }, { times: 1 });
        return { held: () => until(() => isHeld), release };
      };
      await act(view, hold);
      await view.close();
    }));
  const openOther = async view => {
    await view.page.evaluate(() => { location.hash = '#/manage/merchants/delayed-b'; });
    await until(() => view.page.isVisible('#leave-go'));
    await view.page.click('#leave-go');
    await until(async () => (await view.page.inputValue('[name=display_name]')) === 'B');
  };
  const settle = view => view.page.evaluate(() => new Promise(resolve => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));

  test('nothing can be typed or pressed while a change is saved, and the focus returns', async () => {
    await edit(async (view, hold) => {
      const held = await hold('UpdateMerchant');
      await view.type('phone', '9');
      await view.page.click('#save');
      await held.held();
      assert.deepEqual(await view.page.evaluate(() => ['merchant-form', 'edit-head'].map(id => document.getElementById(id).inert)), [true, true]);
      assert.ok(await view.page.isDisabled('#save'));
      held.release();
      assert.equal(await view.settled(), 'saved');
      assert.equal(await view.page.evaluate(() => document.getElementById('merchant-form').inert), false);
    });
  });

  test('a response for a merchant that has been left changes nothing on the next one', async () => {
    await edit(async (view, hold) => {
      for (const [method, press] of [['UpdateMerchant', '#save'], ['HideMerchant', '#hide-merchant']]) {
        await view.page.evaluate(() => { location.hash = '#/manage/merchants/delayed-a'; });
        await until(async () => (await view.page.inputValue('[name=display_name]')) === 'A');
        const held = await hold(method);
        await view.type('phone', `8${method}`);
        await view.page.click(press);
        await held.held();
        await openOther(view);
        await view.type('brand', 'typed');
        held.release();
        await settle(view);
        assert.deepEqual(await view.page.evaluate(() => [document.querySelector('[name=brand]').value, document.querySelector('#edit-head h2').textContent]), ['typed', 'B']);
        assert.ok(await view.page.isEnabled('#save'));
        await view.page.click('#discard');
      }
    });
  });

  test('a deletion that ends after leaving deletes no other merchant from the page', async () => {
    await edit(async (view, hold) => {
      await shared.server.call('MerchantService/CreateMerchant', { merchant: { name: 'merchants/delayed-c', displayName: 'C', position: POSITION } });
      await view.page.evaluate(() => { location.hash = '#/manage/merchants/delayed-c'; });
      await until(async () => (await view.page.inputValue('[name=display_name]')) === 'C');
      const held = await hold('DeleteMerchant');
      view.page.once('dialog', dialog => dialog.accept());
      await view.page.click('#delete-merchant');
      await held.held();
      await openOther(view);
      held.release();
      await settle(view);
      assert.ok(view.page.url().endsWith('delayed-b'));
      assert.equal(await view.text('#edit-head h2'), 'B');
    });
  });

  test('a conflict that is read after leaving opens no dialog', async () => {
    await edit(async (view, hold) => {
      await view.type('phone', '9');
      await shared.server.call('MerchantService/UpdateMerchant', { merchant: { name: 'merchants/delayed-a', phone: '7' }, updateMask: 'phone' });
      const held = await hold('GetMerchant');
      await view.page.click('#save');
      await held.held();
      await view.page.evaluate(() => { location.hash = '#/manage'; });
      await until(() => view.page.isVisible('#leave-go'));
      await view.page.click('#leave-go');
      held.release();
      await settle(view);
      assert.ok(await view.page.isHidden('#conflict-dialog'));
      assert.equal((await get('merchants/delayed-a')).phone, '7');
    });
  });

  test('what is typed survives an action in full', async () => {
    await edit(async view => {
      await view.type('position.latitude', '60.1x');
      await view.openSection('status');
      await view.page.selectOption(view.control('business_status'), 'BUSINESS_STATUS_CLOSED_TEMPORARILY');
      await view.type('reopening_date', '2091-02-03');
      await view.page.check('#hours-weekly');
      await view.page.click('li[data-weekday="2"] .add');
      await view.page.fill('li[data-weekday="2"] input >> nth=1', '');
      await view.openSection('area');
      await view.page.selectOption('#area-kind', 'polygons');
      await view.page.fill('.ring', '60.0, 25.0\n60.0, 25.6\n60.2 north');
      await view.page.click('#hide-merchant');
      await until(() => view.page.isVisible('#show-merchant'));
      assert.deepEqual([
        await view.page.inputValue('#position-latitude'), await view.page.inputValue(view.control('reopening_date')), await view.page.inputValue('.ring'),
        (await view.page.$$('li[data-weekday="2"] .period')).length,
      ], ['60.1x', '2091-02-03', '60.0, 25.0\n60.0, 25.6\n60.2 north', 1]);
      await view.page.click('#discard');
    });
  });

  test('two merchants with the same content are two', async () => {
    const view = await openManage(shared, '#/manage/new', { hasMap: false });
    for (let count = 0; count < 2; count += 1) {
      await view.page.evaluate(() => { location.hash = '#/manage/new'; });
      await until(async () => (await view.editing()) && (await view.page.inputValue('[name=display_name]')) === '');
      assert.ok(await view.page.isDisabled('#discard'), 'an untouched form has no changes');
      await view.type('display_name', 'Twice The Same');
      await view.type('position.latitude', '60.0');
      await view.type('position.longitude', '25.9');
      assert.equal(await view.save(), 'saved');
      await until(() => view.page.url().includes('#/manage/merchants/'));
    }
    const { merchants } = await shared.server.call('MerchantService/ListMerchants', { filter: { text: 'Twice The Same' } });
    assert.equal(merchants.length, 2);
    await shared.server.call('MerchantService/BatchDeleteMerchants', { requests: merchants.map(({ name }) => ({ name })) });
    await view.close();
  });
};
