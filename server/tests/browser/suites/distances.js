'use strict';
// Radius, ring, expansion and accuracy.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');

module.exports = shared => {
  const open = options => openPage(shared.browser, shared.server.url, { origin: PIER, hasMap: false, ...options });

  test('the radius is set by slider and by number', async () => {
    const view = await open();
    assert.deepEqual(await view.ids(), ['full', 'always', 'never', 'closed', 'a b?&#ü'].map(id => `merchants/${id}`));
    await view.afterSearch(() => view.setNumber('radius', 130));
    assert.deepEqual(await view.names(), ['Pier Café', 'Pier Kiosk']);
    assert.equal(await view.text('#status'), '2 found, nearest first');
    const { request } = await view.afterSearch(() => view.page.locator('#radius-range').fill('250'));
    assert.equal(request.radiusM, 250);
    assert.equal(await view.page.inputValue('#radius'), '250');
    await view.close();
  });

  test('the ring leaves out what is nearer', async () => {
    const view = await open();
    await view.page.click('#filters summary');
    const { request } = await view.afterSearch(() => view.setNumber('min-distance', 100));
    assert.equal(request.minDistanceM, 100);
    assert.equal((await view.names())[0], 'Pier Kiosk');
    await view.close();
  });

  test('a radius beyond the limit of the server is rejected beside its field', async () => {
    const view = await open();
    view.expected.push('400');
    await view.afterSearch(() => view.setNumber('radius', 9_000));
    assert.match(await until(async () => (await view.page.$('#radius-error')) && view.text('#radius-error')), /5,?000/);
    assert.deepEqual(await view.names(), []);
    await view.close();
  });

  test('an expansion adds the nearest merchants beyond the radius, and says so', async () => {
    const view = await open({ radiusM: 130 });
    await view.page.click('#filters summary');
    const { request } = await view.afterSearch(() => view.setNumber('min-results', 4));
    assert.deepEqual(request.expansion, { minResults: 4 });
    assert.equal((await view.names()).length, 4);
    assert.deepEqual(await view.page.$$eval('.badge.beyond', all => all.map(each => each.textContent)), ['beyond the radius', 'beyond the radius']);
    assert.match(await view.text('#status'), /4 found, nearest first · 2 beyond the radius/);
    await view.close();
  });

  test('an inaccurate point makes results uncertain, and counts possible omissions', async () => {
    const view = await open({ radiusM: 200 });
    const { response } = await view.afterSearch(() => view.setNumber('accuracy', 100));
    const uncertain = response.results.filter(result => result.uncertain).map(result => result.merchant.displayName);
    assert.ok(uncertain.length > 0);
    assert.deepEqual(await view.page.$$eval('#results li:has(.uncertain) .name', all => all.map(each => each.textContent)), uncertain);
    assert.ok(response.possibleOmissions > 0);
    assert.ok((await view.text('#status')).includes(`leaves ${response.possibleOmissions} more`));
    await view.close();
  });

  test('nothing found is said', async () => {
    const view = await open({ radiusM: 5 });
    assert.equal(await view.text('#status'), 'Nothing within 5 m.');
    await view.close();
  });
};
