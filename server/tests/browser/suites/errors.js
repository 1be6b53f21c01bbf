'use strict';
// Keys, and servers that do not answer.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');
const { nearby, start } = require('../server');

module.exports = shared => {
  const useKey = async (view, key) => {
    await view.page.click('#key-button');
    await view.page.fill('#key', key);
    await view.page.click('#key-use');
  };
  const errorText = view => until(async () => (await view.page.isVisible('#error')) && view.text('#error p'));

  test('a server with keys asks for one, and searches with it', async () => {
    const view = await openPage(shared.browser, shared.locked.url, { hasMap: false, origin: null });
    view.expected.push('401');
    await view.searchAt(PIER);
    assert.equal(await errorText(view), 'The server needs a valid API key.');
    await view.page.click('#error button');
    await view.page.fill('#key', shared.keys.search);
    const { response } = await view.afterSearch(() => view.page.click('#key-use'));
    assert.equal(response.totalSize, 0);
    await until(() => view.isHidden('#error'));
    assert.equal(await view.text('#key-button'), 'API key ✓');
    await view.close();
  });

  test('a wrong key is said to be wrong, and can be forgotten', async () => {
    const view = await openPage(shared.browser, shared.locked.url, { hasMap: false, origin: null });
    view.expected.push('401');
    await useKey(view, 'nonsense');
    await view.searchAt(PIER);
    assert.equal(await errorText(view), 'The server needs a valid API key.');
    await view.page.click('#key-button');
    await view.page.click('#key-forget');
    assert.equal(await view.text('#key-button'), 'API key');
    await view.close();
  });

  test('a revoked key ends searches and live updates', async () => {
    const key = shared.keys.addKey('revoked', '--role', 'search');
    const view = await openPage(shared.browser, shared.locked.url, { hasMap: false, origin: null });
    view.expected.push('401');
    await useKey(view, key);
    // The server reads the file again within a second.
    await until(async () => !('code' in (await view.searchAt(PIER)).response));
    await view.page.click('#live');
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'watching');
    const line = nearby('keys', 'list', '--keys', shared.keys.file).split('\n').find(each => each.includes('revoked'));
    nearby('keys', 'revoke', '--keys', shared.keys.file, line.trim().split(/\s+/)[0]);
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'ended');
    assert.equal(await view.page.getAttribute('#live', 'aria-pressed'), 'false');
    await view.searchAt(PIER);
    assert.equal(await errorText(view), 'The server needs a valid API key.');
    assert.deepEqual(await view.names(), []);
    await view.close();
  });

  test('a server that is away is said to be, and found again', async () => {
    const first = await start();
    let server = first;
    const view = await openPage(shared.browser, first.url, { hasMap: false, origin: PIER });
    view.expected.push('ERR_CONNECTION_REFUSED', 'ERR_INCOMPLETE', 'ERR_');
    await view.page.click('#live');
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'watching');
    await first.stop({ keepFolder: true });
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'lost');
    await view.page.click('#search button[type=submit]');
    assert.equal(await errorText(view), 'The server does not answer. Check the connection, then try again.');
    server = await start([], { folder: first.folder, httpAddress: first.http });
    await view.afterSearch(() => view.page.click('#error button'));
    await until(() => view.isHidden('#error'));
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'watching');
    await view.close();
    await server.stop();
  });

  test('a rate limit is said, with the time to wait', async () => {
    const key = shared.keys.addKey('slow', '--role', 'search', '--rate-per-s', '1', '--burst', '1');
    const view = await openPage(shared.browser, shared.locked.url, { hasMap: false, origin: null });
    view.expected.push('401', '429');
    await useKey(view, key);
    await until(async () => (await view.searchAt(PIER)).response.code === 'resource_exhausted');
    assert.match(await errorText(view), /^Too many requests; try again in \d+ s\.$/);
    await view.close();
  });
};
