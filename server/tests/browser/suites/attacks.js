'use strict';
// Pages of others can read and change nothing.

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, test } = require('node:test');
const { until } = require('../browser');

module.exports = shared => {
  let other;
  before(async () => {
    other = http.createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>other</title><body>'));
    await new Promise(resolve => { other.listen(0, '127.0.0.1', resolve); });
  });
  after(() => {
    other.closeAllConnections();
    other.close();
  });
  const open = async url => {
    const context = await shared.browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  const create = id => ({ merchant: { name: `merchants/${id}`, displayName: 'Evil', position: { latitude: 1, longitude: 1, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' } } });
  const assertUnchanged = id => assert.rejects(shared.server.call('MerchantService/GetMerchant', { name: `merchants/${id}` }), /not_found/);
  // The host that `launch` maps to this machine, as a rebound name is.
  const rebound = path => `http://rebound.test:${new URL(shared.server.url).port}/${path}`;

  test('a page of another host name can change nothing', async () => {
    const page = await open(`http://rebound.test:${other.address().port}/`);
    for (const type of ['application/json', 'text/plain']) {
      const outcome = await page.evaluate(async ({ url, type, body }) => {
        const send = mode => fetch(url, { method: 'POST', mode, headers: { 'content-type': type }, body }).then(response => response.type, error => error.name);
        return [await send('cors'), await send('no-cors')];
      }, { url: `${shared.server.url}nearby.v1.MerchantService/CreateMerchant`, type, body: JSON.stringify(create('cross-origin')) });
      assert.deepEqual(outcome, ['TypeError', 'TypeError'], type);
    }
    await assertUnchanged('cross-origin');
    await page.context().close();
  });

  test('a rebound host name reaches neither page nor calls', async () => {
    const context = await shared.browser.newContext();
    const page = await context.newPage();
    const answer = await page.goto(rebound(''));
    assert.equal(answer.status(), 421);
    const status = await page.evaluate(async body => {
      const response = await fetch('/nearby.v1.MerchantService/CreateMerchant', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return response.status;
    }, JSON.stringify(create('rebound')));
    assert.equal(status, 421);
    await assertUnchanged('rebound');
    await context.close();
  });

  test('a frame does not show the page', async () => {
    const page = await open(`http://127.0.0.1:${other.address().port}/`);
    await page.evaluate(src => {
      const frame = document.createElement('iframe');
      frame.src = src;
      document.body.append(frame);
      return new Promise(resolve => { frame.addEventListener('load', resolve); });
    }, shared.server.url);
    const frame = await until(() => page.frames().find(each => each !== page.mainFrame()));
    assert.equal(await frame.locator('#search').count(), 0);
    await page.context().close();
  });

  test('a form of another page changes nothing', async () => {
    const page = await open(`http://127.0.0.1:${other.address().port}/`);
    const answered = page.waitForResponse(response => response.url().includes('CreateMerchant'));
    await page.evaluate(({ action, body }) => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action, enctype: 'text/plain' });
      const field = document.createElement('input');
      // As text/plain the body is `name=value`: JSON, if the name ends within a string.
      field.name = `${body.slice(0, -2)},"phone":"`;
      field.value = '"}}';
      form.append(field);
      document.body.append(form);
      form.submit();
    }, { action: `${shared.server.url}nearby.v1.MerchantService/CreateMerchant`, body: JSON.stringify(create('form')) });
    assert.ok([403, 415].includes((await answered).status()));
    await assertUnchanged('form');
    await page.context().close();
  });

  test('scripts and styles of others do not run on the page', async () => {
    const page = await open(shared.server.url);
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      // In a task of its own: the debugger may evaluate what the page may not.
      const evaluated = await new Promise(resolve => {
        setTimeout(() => {
          try {
            resolve(Function('return "yes"')());
          } catch (error) {
            resolve(error.name);
          }
        });
      });
      return { ran: window.ran === true, evaluated };
    });
    assert.deepEqual(ran, { ran: false, evaluated: 'EvalError' });
    await page.context().close();
  });
};
