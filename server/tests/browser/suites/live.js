'use strict';
// Live updates.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { at } = require('../merchants');

module.exports = shared => {
  const kiosk = { name: 'merchants/new', displayName: 'New Kiosk', position: at(0, 10_000) };
  const beside = { ...at(10, 10_000), datum: 'wgs84' };
  const phase = view => view.page.$eval('#live-status', each => each.dataset.phase);
  const isNewShown = async view => (await view.names()).includes('New Kiosk');
  const setHidden = (view, isHidden) => view.page.evaluate(hidden => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);
  const open = async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: beside });
    await view.page.click('#live');
    await until(async () => (await phase(view)) === 'watching');
    return view;
  };

  test('a merchant appears when it is created and disappears when it is deleted', async () => {
    const view = await open();
    await shared.withMerchant(kiosk, () => until(() => isNewShown(view)));
    await until(async () => !(await isNewShown(view)));
    await until(async () => /1 left|1 gone/.test(await view.text('#live-status')));
    await view.close();
  });

  test('a hidden tab watches nothing, and catches up when it is shown again', async () => {
    const view = await open();
    const stream = view.seen.requests.filter(request => request.url().endsWith('/WatchNearbyFrom')).at(-1);
    await setHidden(view, true);
    assert.equal(await phase(view), 'hidden');
    await until(() => stream.failure());
    await shared.withMerchant(kiosk, async () => {
      assert.equal(await isNewShown(view), false);
      await setHidden(view, false);
      await until(() => isNewShown(view));
      const resumed = view.seen.requests.filter(request => request.url().endsWith('/WatchNearbyFrom')).at(-1);
      assert.ok(resumed.postData().includes('resumeToken'));
    });
    await view.close();
  });

  test('live updates end when they are turned off', async () => {
    const view = await open();
    const stream = view.seen.requests.filter(request => request.url().endsWith('/WatchNearbyFrom')).at(-1);
    await view.page.click('#live');
    assert.equal(await phase(view), 'off');
    await until(() => stream.failure());
    assert.equal(await view.page.getAttribute('#live', 'aria-pressed'), 'false');
    await view.close();
  });
};
