'use strict';
// The console: import and export.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { until } = require('../browser');
const { openManage } = require('../manage');
const { start } = require('../server');

const HEADER = 'id,name,latitude,longitude,categories\n';
const rows = count => Array.from({ length: count }, (_, index) => `imported-${index},Imported ${index},${(61 + index / 100_000).toFixed(6)},25.0,shop/kiosk\n`).join('');

module.exports = shared => {
  const open = options => openManage(shared, '#/manage/files', { hasMap: false, ...options });
  const choose = (view, name, content) => view.page.setInputFiles('#import-file', { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
  const ended = view => until(() => view.page.isHidden('#import-cancel'));
  const run = async (view, button = '#import-start') => {
    await view.page.click(button);
    await ended(view);
    return view.text('#import-status');
  };
  const removeImported = async (server, count) => {
    const requests = Array.from({ length: count }, (_, index) => ({ name: `merchants/imported-${index}` }));
    for (let at = 0; at < count; at += 1_000) await server.call('MerchantService/BatchDeleteMerchants', { requests: requests.slice(at, at + 1_000) });
  };

  test('a file is checked, imported, and imported again without a change', async () => {
    const view = await open();
    await choose(view, 'shops.csv', HEADER + rows(2));
    await view.page.selectOption('#import-datum', 'wgs84');
    assert.match(await run(view, '#import-check'), /^Checked, nothing stored\. Rows: 2\. To create: 2/);
    await assert.rejects(shared.server.call('MerchantService/GetMerchant', { name: 'merchants/imported-0' }), /not_found/);
    await view.page.fill('#import-source', 'crm');
    assert.match(await run(view), /^Rows: 2\. Created: 2, updated: 0, unchanged: 0, rejected: 0/);
    assert.equal((await shared.server.call('MerchantService/GetMerchant', { name: 'merchants/imported-0' })).source, 'crm');
    assert.match(await run(view), /^Rows: 2\. Created: 0, updated: 0, unchanged: 2, rejected: 0/);
    await removeImported(shared.server, 2);
    await view.close();
  });

  test('rejected rows are a table with their numbers, fields and causes', async () => {
    const view = await open();
    await choose(view, 'shops.csv', `${HEADER}${rows(1)}bad,Bad,95,25,\n,<b>no id</b>,61,25,\n`);
    await view.page.selectOption('#import-datum', 'wgs84');
    assert.match(await run(view), /^Rows: 3\. Created: 1, updated: 0, unchanged: 0, rejected: 2/);
    const table = await view.page.$$eval('.rejected tbody tr', all => all.map(each => [...each.children].map(cell => cell.textContent)));
    assert.deepEqual(table.map(each => each[0]), ['3', '4']);
    assert.match(table[0][2], /latitude/);
    assert.equal(await view.page.$('.rejected b'), null);
    await removeImported(shared.server, 1);
    await view.close();
  });

  test('files that are none are said to be none', async () => {
    const view = await open();
    view.expected.push('400');
    await view.page.click('#import-start');
    assert.match(await view.text('#import-error'), /Choose a file first/);
    await choose(view, 'shops.xlsx', 'PK');
    await view.page.click('#import-start');
    assert.match(await view.text('#import-error'), /must end in \.csv/);
    await choose(view, 'shops.csv', '\0\u0001\u0002');
    await run(view);
    assert.ok((await view.text('#import-error')).length > 10);
    await choose(view, 'shops.geojson', '{"type": "FeatureCollection", "features": [');
    await run(view);
    assert.ok(await view.page.isVisible('#import-error'));
    await view.close();
  });

  test('a file of many rows shows its progress, and all of its rows arrive', async () => {
    // Of its own: the counts of other suites depend on how many merchants there are.
    const server = await start();
    const view = await openManage(shared, '#/manage/files', { url: server.url, hasMap: false });
    const count = 30_000;
    await choose(view, 'many.csv', HEADER + rows(count) + 'bad,Bad,95,25,\n'.repeat(1_200));
    await view.page.selectOption('#import-datum', 'wgs84');
    assert.match(await run(view), /^Rows: 31,200\. Created: 30,000, updated: 0, unchanged: 0, rejected: 1,200/);
    assert.equal((await view.page.$$('.rejected tbody tr')).length, 1_000);
    assert.match(await view.text('#import-rejected'), /Rejected rows: 1,200/);
    await view.close();
    await server.stop();
  });

  test('an import is cancelled, and leaving it is asked about', async () => {
    const server = await start();
    const view = await openManage(shared, '#/manage/files', { url: server.url, hasMap: false });
    view.expected.push('ERR_');
    // A response that never ends: cancelling does not depend on the speed of the server.
    await view.page.route('**/import?*', () => {});
    await choose(view, 'many.csv', HEADER + rows(10));
    await view.page.selectOption('#import-datum', 'wgs84');
    await view.page.click('#import-start');
    await until(() => view.page.isVisible('#import-cancel'));
    await view.page.click('#tabs a[href="#/"]');
    await until(() => view.page.isVisible('#leave-stay'));
    await view.page.click('#leave-stay');
    await view.page.click('#import-cancel');
    await ended(view);
    assert.match(await view.text('#import-status'), /Cancelled/);
    await view.page.click('#import-start');
    await until(() => view.page.isVisible('#import-cancel'));
    await view.page.click('#tabs a[href="#/"]');
    await view.page.click('#leave-go');
    await until(() => view.page.isVisible('#search'));
    await view.close();
    await server.stop();
  });

  test('an export is a file that can be imported', async () => {
    const view = await open();
    view.page.setDefaultTimeout(20_000);
    for (const [format, check] of [['csv', text => text.startsWith('id,')], ['ndjson', text => JSON.parse(text.split('\n')[0]).name], ['geojson', text => JSON.parse(text).type === 'FeatureCollection']]) {
      const [download] = await Promise.all([view.page.waitForEvent('download'), view.page.click(`#export-${format}`)]);
      assert.equal(download.suggestedFilename(), `merchants.${format}`);
      const text = fs.readFileSync(await download.path(), 'utf8');
      assert.ok(check(text), format);
      // Merchants of other suites may have changed since: those of the sample have not.
      await choose(view, `merchants.${format}`, format === 'ndjson' ? text.split('\n').filter(line => line.includes('osm-node-')).join('\n') : text);
      assert.match(await run(view, '#import-check'), format === 'ndjson' ? /To create: 0, to update: 0, unchanged: [1-9][\d,]*, to reject: 0/ : /^Checked, nothing stored\. Rows: [1-9]/, format);
    }
    await view.close();
  });

  test('a key without the role imports and exports nothing', async () => {
    const view = await open({ url: shared.locked.url, key: shared.keys.search });
    view.expected.push('403', 'ERR_');
    await choose(view, 'shops.csv', HEADER + rows(1));
    await view.page.selectOption('#import-datum', 'wgs84');
    await run(view);
    assert.match(await view.text('#import-error'), /does not allow/);
    await view.page.click('#export-csv');
    await until(async () => /does not allow/.test(await view.text('#export-error')));
    await view.close();
  });
};
