'use strict';
// Filters.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage } = require('../browser');
const { PIER } = require('../merchants');

module.exports = shared => {
  const open = async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: PIER });
    await view.page.click('#filters summary');
    return view;
  };
  const filtered = async (id, text, filter, names) => {
    const view = await open();
    const { request } = await view.afterSearch(() => view.page.fill(`#${id}`, text));
    assert.deepEqual(request.filter, filter);
    assert.deepEqual(await view.names(), names);
    await view.close();
  };

  test('by name', () => filtered('text', 'pier caf', { text: 'pier caf' }, ['Pier Café']));
  test('by category, with those below it', () => filtered('categories', 'food, shop/kiosk', { anyCategoryPrefixes: ['food', 'shop/kiosk'] }, ['Pier Café', 'Pier Kiosk']));
  test('by brand', () => filtered('brands', 'Kiosk，Pier', { anyBrands: ['Kiosk', 'Pier'] }, ['Pier Café', 'Pier Kiosk']));
  test('by service', () => filtered('services', 'wheelchair', { anyServices: ['wheelchair'] }, ['Pier Café']));

  test('open now, with and without unknown hours', async () => {
    const view = await open();
    const { request } = await view.afterSearch(() => view.page.selectOption('#open', 'now'));
    assert.deepEqual(request.opening, { openNow: true, policy: 'OPENING_POLICY_OPEN_OR_UNKNOWN' });
    const names = await view.names();
    assert.ok(names.includes('Pier Kiosk') && !names.includes('Pier Museum') && !names.includes('Pier Sauna'));
    assert.ok(names.includes('<img src=x onerror="document.title=1">'), 'unknown is not closed');
    const only = await view.afterSearch(() => view.page.uncheck('#unknown'));
    assert.equal(only.request.opening.policy, 'OPENING_POLICY_OPEN_ONLY');
    assert.ok(!(await view.names()).includes('<img src=x onerror="document.title=1">'));
    await view.close();
  });

  test('open at a time, in the time zone of the browser', async () => {
    const view = await open();
    await view.afterSearch(() => view.page.selectOption('#open', 'at'));
    // A Monday in summer time, at 10:30 in Helsinki.
    const { request } = await view.afterSearch(() => view.page.fill('#open-at', '2030-06-03T10:30'));
    assert.equal(request.opening.openAt, '2030-06-03T07:30:00.000Z');
    assert.ok((await view.names()).includes('Pier Café'));
    await view.afterSearch(() => view.page.fill('#open-at', '2030-06-03T12:30'));
    assert.ok(!(await view.names()).includes('Pier Café'));
    await view.close();
  });

  test('without a filter the list shows what is open', async () => {
    const view = await open();
    const badges = await view.page.$$eval('#results li', all => all.map(each => each.querySelector('.badge').textContent));
    assert.match(badges[1], /^Open/);
    assert.match(badges[2], /^Closed/);
    assert.match(badges[3], /^Temporarily closed/);
    assert.match(badges[4], /^Hours unknown/);
    await view.close();
  });

  test('those that serve the point, and those near or serving it', async () => {
    const view = await open();
    const { request } = await view.afterSearch(() => view.page.selectOption('#reach', 'serving'));
    assert.equal(request.reach, 'REACH_SERVING');
    assert.deepEqual(await view.names(), ['Pier Café']);
    const both = await view.afterSearch(() => view.page.selectOption('#reach', 'near_or_serving'));
    assert.equal(both.request.reach, 'REACH_NEAR_OR_SERVING');
    assert.deepEqual(await view.names(), both.response.results.map(result => result.merchant.displayName));
    assert.ok((await view.names()).includes('Skerry Delivery'));
    assert.ok((await view.page.$$('.badge.serves')).length >= 2);
    await view.close();
  });

  test('filters are cleared together', async () => {
    const view = await open();
    await view.afterSearch(() => view.page.fill('#text', 'kiosk'));
    assert.equal((await view.names()).length, 1);
    const { request } = await view.afterSearch(() => view.page.click('#clear'));
    assert.equal(request.filter, undefined);
    assert.equal(await view.page.inputValue('#text'), '');
    assert.equal((await view.names()).length, 5);
    await view.close();
  });
};
