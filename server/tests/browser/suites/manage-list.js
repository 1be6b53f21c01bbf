'use strict';
// The console: the list of merchants, keys, and other views.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { until } = require('../browser');
const { openManage } = require('../manage');
const { nearby } = require('../server');

const POSITION = { latitude: 60.0, longitude: 25.5, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' };

module.exports = shared => {
  /** Loads merchants into the server with keys; returns the id of a key that may manage one of them only. */
  const lock = async () => {
    if (shared.keys.limited) return;
    shared.keys.limited = shared.keys.addKey('limited', '--role', 'manage', '--merchants', 'own');
    const headers = { authorization: `Bearer ${shared.keys.manage}` };
    await until(() => shared.locked.call('MerchantService/BatchCreateMerchants', {
      requests: ['own', 'other'].map(id => ({ merchant: { name: `merchants/${id}`, displayName: `The ${id} shop`, position: POSITION } })),
    }, headers).then(() => true, () => false));
  };

  test('merchants are found by name, with what keeps them out of searches', async () => {
    await shared.withMerchant({ name: 'merchants/listed-hidden', displayName: 'Listed Quay Hidden', position: POSITION, visibility: 'VISIBILITY_HIDDEN' }, () =>
      shared.withMerchant({ name: 'merchants/listed-open', displayName: 'Listed Quay', position: POSITION }, async () => {
        const view = await openManage(shared, '#/manage');
        await view.page.fill('#find', 'listed quay');
        await until(async () => (await view.listed()).length === 2);
        assert.deepEqual(await view.listed(), ['merchants/listed-hidden', 'merchants/listed-open']);
        assert.deepEqual(await view.page.$$eval('#merchants .badges', all => all.map(each => each.textContent)), ['Hidden', 'In searches']);
        await until(async () => (await view.pins()).length === 2);
        await view.page.selectOption('#find-scope', 'VISIBILITY_SCOPE_VISIBLE');
        await until(async () => (await view.listed()).join() === 'merchants/listed-open');
        await view.page.click('#merchants a');
        await view.editing();
        assert.equal(await view.page.inputValue(view.control('display_name')), 'Listed Quay');
        await view.close();
      }));
  });

  test('a list goes on page by page, and a text without letters is rejected beside its field', async () => {
    const view = await openManage(shared, '#/manage', { hasMap: false });
    view.expected.push('400');
    await until(async () => (await view.listed()).length === 50);
    await view.page.click('#list-more');
    await until(async () => (await view.listed()).length === 100);
    assert.equal(new Set(await view.listed()).size, 100);
    await view.page.fill('#find', '!');
    await until(() => view.page.isVisible('#find-error'));
    assert.deepEqual(await view.listed(), []);
    await view.close();
  });

  test('a key without the role gets an error, and one with it goes on', async () => {
    await lock();
    const view = await openManage(shared, '#/manage', { url: shared.locked.url, hasMap: false, key: shared.keys.search });
    view.expected.push('403');
    await until(async () => /does not allow/.test(await view.text('#list-error')));
    await view.page.click('#key-button');
    await view.page.fill('#key', shared.keys.manage);
    await view.page.click('#key-use');
    await until(async () => (await view.listed()).length === 2);
    assert.ok(await view.page.isHidden('#list-error'));
    await view.close();
  });

  test('a key that is limited to its merchants manages these only', async () => {
    await lock();
    const view = await openManage(shared, '#/manage', { url: shared.locked.url, hasMap: false, key: shared.keys.limited });
    view.expected.push('401', '404', '403');
    await until(async () => (await view.listed()).join() === 'merchants/own');
    await view.page.click('#merchants a');
    await view.editing();
    await view.type('phone', '1');
    assert.equal(await view.save(), 'saved');
    await view.page.evaluate(() => { location.hash = '#/manage/merchants/other'; });
    await until(async () => /does not exist/.test(await view.text('#manage-edit')));
    await view.close();
  });

  test('a key that is revoked while a form has changes loses none of them', async () => {
    await lock();
    const key = shared.keys.addKey('leaving', '--role', 'manage');
    const view = await openManage(shared, '#/manage', { url: shared.locked.url, hasMap: false, key });
    view.expected.push('401');
    await until(async () => {
      if ((await view.listed()).length === 2) return true;
      await view.page.selectOption('#find-scope', 'VISIBILITY_SCOPE_ALL');
      await view.page.dispatchEvent('#find-scope', 'change');
      return false;
    });
    await view.page.click('#merchants a[data-name="merchants/other"]');
    await view.editing();
    await view.type('phone', '+358 99');
    const line = nearby('keys', 'list', '--keys', shared.keys.file).split('\n').find(each => each.includes('leaving'));
    nearby('keys', 'revoke', '--keys', shared.keys.file, line.trim().split(/\s+/)[0]);
    await until(async () => {
      const [status] = await Promise.all([view.save(), view.page.waitForTimeout(100)]);
      if (status === 'saved') await view.type('phone', `${await view.page.inputValue(view.control('phone'))}1`);
      return status === 'error';
    });
    assert.match(await view.text('#edit-error'), /needs a valid API key/);
    const typed = await view.page.inputValue(view.control('phone'));
    await view.page.click('#edit-error button');
    await view.page.fill('#key', shared.keys.manage);
    await view.page.click('#key-use');
    assert.equal(await view.page.inputValue(view.control('phone')), typed);
    assert.equal(await view.save(), 'saved');
    const stored = await shared.locked.call('MerchantService/GetMerchant', { name: 'merchants/other' }, { authorization: `Bearer ${shared.keys.manage}` });
    assert.equal(stored.phone, typed);
    await view.close();
  });

  test('the explorer and the console lead to each other', async () => {
    const view = await openManage(shared, '#/merchants/full');
    await until(() => view.page.$('#edit'));
    await view.page.click('#edit');
    await view.editing();
    assert.equal(await view.page.getAttribute('#tabs a[href="#/manage"]', 'aria-current'), 'page');
    await view.page.click('#edit-head a.button');
    await until(() => view.page.$('#merchant h2'));
    assert.ok(await view.page.isHidden('#manage'));
    await view.page.goBack();
    await view.editing();
    assert.ok(await view.page.isHidden('#merchant'));
    await view.close();
  });

  test('the console speaks Chinese, and a change of the language keeps what is typed', async () => {
    const view = await openManage(shared, '#/manage/merchants/full', { hasMap: false, context: { locale: 'zh-CN' } });
    await view.editing();
    assert.equal(await view.text('#save'), '保存');
    assert.match(await view.text('li[data-weekday="0"]'), /^星期一/);
    await view.type('phone', '7');
    await view.page.click('#language');
    assert.equal(await view.text('#save'), 'Save');
    assert.match(await view.text('li[data-weekday="0"]'), /^Monday/);
    assert.equal(await view.page.inputValue(view.control('phone')), '7');
    await view.page.click('#discard');
    await view.close();
  });
};
