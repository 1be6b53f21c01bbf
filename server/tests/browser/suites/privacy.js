'use strict';
// What leaves the page, and what it keeps.

const assert = require('node:assert/strict');
const http = require('node:http');
const { test } = require('node:test');
const { openPage, until } = require('../browser');

/** A point whose digits are found nowhere else. */
const SECRET = { latitude: 60.1712345, longitude: 24.9423456 };
const DIGITS = /60[.,]17123|24[.,]94234/;

module.exports = shared => {
  /** Uses all that the page has. */
  const useEverything = async view => {
    await view.searchAt(SECRET);
    await view.page.click('#density');
    await view.page.click('#live');
    await until(async () => (await view.page.$eval('#live-status', each => each.dataset.phase)) === 'watching');
    await until(() => view.page.isVisible('#legend'));
    await view.page.click('#copy');
    await view.page.click('#copy-close');
    await view.page.click('#language');
    await view.page.click('#results a');
    await until(() => view.page.$('#merchant h2'));
    await view.page.click('#back');
  };

  test('nothing is loaded from another origin', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: null });
    await useEverything(view);
    const own = new URL(shared.server.url).origin;
    const foreign = view.seen.requests.map(request => request.url()).filter(url => !url.startsWith('data:') && new URL(url).origin !== own);
    assert.deepEqual(foreign, []);
    assert.ok(view.seen.requests.length > 20);
    await view.close();
  });

  test('no position and no key is in a URL, in storage or in the history', async () => {
    const view = await openPage(shared.browser, shared.locked.url, { origin: null });
    // After the reload the key is forgotten.
    view.expected.push('404', '401');
    await view.page.click('#key-button');
    await view.page.fill('#key', shared.keys.search);
    await view.page.click('#key-use');
    await view.searchAt(SECRET);
    await view.page.evaluate(() => { location.hash = '#/merchants/none'; });
    await until(async () => (await view.text('#merchant')).includes('does not exist'));
    for (const request of view.seen.requests) {
      assert.doesNotMatch(request.url(), DIGITS);
      assert.ok(!request.url().includes(shared.keys.search));
      if (request.url().endsWith('/SearchNearby')) assert.equal(request.method(), 'POST');
    }
    const kept = await view.page.evaluate(async () => ({
      local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie, name: window.name, state: history.state,
      url: location.href, databases: await indexedDB.databases(), caches: await caches.keys(),
    }));
    assert.deepEqual(kept, { local: {}, session: {}, cookie: '', name: '', state: null, url: `${shared.locked.url}#/merchants/none`, databases: [], caches: [] });
    await view.page.reload();
    await until(() => view.page.evaluate(() => document.documentElement.dataset.ready === 'true'));
    assert.equal(await view.text('#key-button'), 'API key');
    await view.close();
  });

  test('the page works below a path of a proxy', async () => {
    const target = new URL(shared.server.url);
    const proxy = http.createServer((request, response) => {
      if (!request.url.startsWith('/shops/near/')) return response.writeHead(404).end();
      const onward = http.request({
        host: target.hostname, port: target.port, method: request.method, path: request.url.slice('/shops/near'.length), headers: request.headers,
      }, answer => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await new Promise(resolve => { proxy.listen(0, '127.0.0.1', resolve); });
    const view = await openPage(shared.browser, `http://127.0.0.1:${proxy.address().port}/shops/near/`, { origin: null });
    await useEverything(view);
    assert.equal((await view.names()).length, 20);
    assert.ok(view.seen.requests.every(request => request.url().startsWith('data:') || new URL(request.url()).pathname.startsWith('/shops/near/')));
    await view.close();
    proxy.closeAllConnections();
    proxy.close();
  });
};
