'use strict';
// A search as a command: the commands are run.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');

module.exports = shared => {
  const commandOf = async (view, name) => {
    await view.page.click('#copy');
    await view.page.click(`[data-command=${name}]`);
    const command = await view.page.inputValue('#command');
    await view.page.click('#copy-close');
    return command;
  };
  const run = (program, args, env = {}) => execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const open = async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: PIER });
    // Quotes of the shell and of Python.
    await view.page.click('#filters summary');
    await view.afterSearch(() => view.page.fill('#brands', `Pier, it's "quoted" \\ $HOME`));
    return view;
  };

  test('curl finds what the page shows', async () => {
    const view = await open();
    const command = await commandOf(view, 'curl');
    const found = JSON.parse(run('bash', ['-c', `${command.trimEnd()} --silent`]));
    assert.deepEqual(found.results.map(result => result.merchant.name), await view.ids());
    assert.deepEqual(await view.names(), ['Pier Café']);
    await view.close();
  });

  test('Python finds what the page shows', async () => {
    const view = await open();
    const printed = run('python3', ['-c', await commandOf(view, 'python')]);
    assert.deepEqual(printed.trimEnd().split('\n').map(line => line.replace(/^ *[\d.]+ m {2}/, '')), await view.names());
    await view.close();
  });

  test('grpcurl gets the same request', async () => {
    const view = await open();
    const command = await commandOf(view, 'grpcurl');
    const [, data] = run('bash', ['-c', `grpcurl() { for each in "$@"; do printf '%s\\0' "$each"; done; }\n${command}`]).split('-d\0');
    const [json, address, method] = data.split('\0');
    assert.equal(JSON.parse(json).filter.anyBrands[1], `it's "quoted" \\ $HOME`);
    assert.deepEqual([address, method], ['127.0.0.1:50051', 'nearby.v1.NearbyService/SearchNearby']);
    await view.close();
  });

  test('a key is never part of a command', async () => {
    const view = await openPage(shared.browser, shared.locked.url, { hasMap: false, origin: null });
    await view.page.click('#key-button');
    await view.page.fill('#key', shared.keys.search);
    await view.page.click('#key-use');
    await view.searchAt(PIER);
    for (const name of ['curl', 'grpcurl', 'python']) {
      const command = await commandOf(view, name);
      assert.ok(command.includes('NEARBY_API_KEY') && !command.includes(shared.keys.search), name);
    }
    const curl = await commandOf(view, 'curl');
    assert.ok('totalSize' in JSON.parse(run('bash', ['-c', `${curl.trimEnd()} --silent`], { NEARBY_API_KEY: shared.keys.search })));
    await view.close();
  });

  test('a command is copied', async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: PIER, context: { permissions: ['clipboard-read', 'clipboard-write'] } });
    await view.page.click('#copy');
    await view.page.click('#copy-button');
    await until(async () => (await view.text('#copy-dialog')).includes('Copied.'));
    assert.equal(await view.page.evaluate(() => navigator.clipboard.readText()), await view.page.inputValue('#command'));
    await view.close();
  });
};
