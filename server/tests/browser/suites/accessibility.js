'use strict';
// Accessibility: axe-core, motion, and widths of phones.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { findings } = require('../axe');
const { openPage, until } = require('../browser');
const { openManage } = require('../manage');
const { PIER } = require('../merchants');

module.exports = shared => {
  for (const [name, context] of [['light', {}], ['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 375, height: 700 } }], ['Chinese', { locale: 'zh-CN' }]]) {
    test(`axe finds nothing serious: ${name}`, async () => {
      const view = await openPage(shared.browser, shared.server.url, { origin: PIER, context });
      assert.deepEqual(await findings(view), []);
      await view.page.click('#filters summary');
      await view.page.selectOption('#open', 'at');
      await view.page.fill('#latitude', '99');
      await view.page.click('#search button[type=submit]');
      assert.deepEqual(await findings(view), [], 'with filters and an error');
      await view.page.click('#copy');
      assert.deepEqual(await findings(view), [], 'with a dialog');
      await view.page.click('#copy-close');
      await view.page.click('#results a');
      await until(() => view.page.$('#merchant h2'));
      assert.deepEqual(await findings(view), [], 'with a merchant');
      await view.close();
    });
  }

  for (const [name, context] of [['light', {}], ['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 375, height: 700 } }]]) {
    test(`axe finds nothing serious in the console: ${name}`, async () => {
      const view = await openManage(shared, '#/manage', { context });
      view.expected.push('400');
      await until(async () => (await view.listed()).length > 0);
      assert.deepEqual(await findings(view), [], 'list');
      await view.page.evaluate(() => { location.hash = '#/manage/merchants/full'; });
      await view.editing();
      await view.page.$$eval('.section', all => all.forEach(each => { each.open = true; }));
      await view.page.click('#add-special-day');
      await view.page.selectOption('#area-kind', 'polygons');
      await view.page.fill(view.control('position.latitude'), 'north');
      assert.equal(await view.save(), 'check_fields');
      assert.deepEqual(await findings(view), [], 'form with errors');
      // Nothing makes the page scroll sideways.
      const wide = await view.page.evaluate(() => [...document.querySelectorAll('header *, #panel *')].filter(each => each.getBoundingClientRect().right > innerWidth + 0.5).map(each => each.outerHTML.slice(0, 200)));
      assert.deepEqual(wide, []);
      await view.page.click('#discard');
      await view.page.evaluate(() => { location.hash = '#/manage/files'; });
      await until(() => view.page.isVisible('#import-file'));
      assert.deepEqual(await findings(view), [], 'files');
      await view.close();
    });
  }

  test('axe finds nothing serious where an error is shown', async () => {
    const view = await openPage(shared.browser, shared.locked.url, { origin: null });
    view.expected.push('401');
    await view.searchAt(PIER);
    await until(() => view.page.isVisible('#error'));
    assert.deepEqual(await findings(view), []);
    await view.page.click('#key-button');
    assert.deepEqual(await findings(view), [], 'with the dialog of the key');
    await view.close();
  });

  test('every control has a name', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: PIER });
    await view.page.click('#filters summary');
    const unnamed = await view.page.$$eval('input, select, button, textarea', all => all
      .filter(each => each.checkVisibility() && !each.labels?.length && !each.getAttribute('aria-label') && !each.textContent.trim())
      .map(each => each.outerHTML));
    assert.deepEqual(unnamed, []);
    await view.close();
  });

  test('the map moves at once with reduced motion, and smoothly without', async () => {
    for (const [reducedMotion, isSmooth] of [['reduce', false], ['no-preference', true]]) {
      const view = await openPage(shared.browser, shared.server.url, { context: { reducedMotion } });
      const place = () => view.page.$eval('.origin-dot', each => new DOMMatrix(getComputedStyle(each).transform).m41);
      await until(async () => (await place()) === (await view.page.waitForTimeout(100), await place()));
      await view.page.fill('#latitude', '60.1660');
      // In one step of the page, so that no frame is drawn in between.
      const places = await view.page.evaluate(async () => {
        const dot = document.querySelector('.origin-dot');
        const seen = new Set();
        document.querySelector('#search button[type=submit]').click();
        for (let frame = 0; frame < 60 && seen.size < 4; frame += 1) {
          await new Promise(resolve => { requestAnimationFrame(resolve); });
          seen.add(getComputedStyle(dot).transform);
        }
        return seen.size;
      });
      assert.equal(places > 2, isSmooth, `${reducedMotion}: ${places}`);
      await view.close();
    }
  });

  test('a phone shows map and list below each other, without scrolling sideways', async () => {
    const view = await openPage(shared.browser, shared.server.url, { context: { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true } });
    const { map, list, width } = await view.page.evaluate(() => ({
      map: document.getElementById('map').getBoundingClientRect().toJSON(),
      list: document.getElementById('panel').getBoundingClientRect().toJSON(), width: document.documentElement.scrollWidth,
    }));
    assert.equal(width, 360);
    assert.ok(map.width === 360 && map.height >= 240 && list.top >= map.bottom - 1);
    const { request } = await view.afterSearch(() => view.page.touchscreen.tap(60, map.top + 60));
    assert.ok(request.origin.longitude < 24.9414);
    await view.close();
  });
};
