'use strict';
// Languages.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');

const WEB = path.join(__dirname, '../../../web/js');

module.exports = shared => {
  test('a Chinese browser sees Chinese, also names', async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: PIER, context: { locale: 'zh-CN' } });
    assert.equal(await view.page.getAttribute('html', 'lang'), 'zh-CN');
    assert.equal(await view.text('#search button[type=submit]'), '在此搜索');
    assert.equal((await view.names())[0], '码头咖啡');
    assert.match(await view.text('#status'), /^共 5 个/);
    await view.page.click('#results a');
    await until(() => view.page.$('#merchant h2'));
    assert.equal(await view.text('#merchant h2'), '码头咖啡');
    assert.match(await view.text('.week'), /星期一09:00–12:00/);
    await view.close();
  });

  test('the language can be switched without losing the search', async () => {
    const view = await openPage(shared.browser, shared.server.url, { hasMap: false, origin: PIER });
    assert.equal((await view.names())[0], 'Pier Café');
    const { request } = await view.afterSearch(() => view.page.click('#language'));
    assert.equal(request.languageCode, 'zh-CN');
    assert.equal((await view.names())[0], '码头咖啡');
    assert.equal(await view.page.title(), 'Nearby：附近的商家，由近到远');
    await view.afterSearch(() => view.page.click('#language'));
    assert.equal((await view.names())[0], 'Pier Café');
    await view.close();
  });

  test('both languages have the same texts, and every text is used', async () => {
    const load = async name => {
      // Sources of the page are modules of the browser, which have no package.json.
      const text = fs.readFileSync(path.join(WEB, 'i18n', `${name}.js`), 'utf8');
      return (await import(`data:text/javascript,${encodeURIComponent(text)}`)).default;
    };
    const [en, zh] = [await load('en'), await load('zh')];
    assert.deepEqual(Object.keys(zh), Object.keys(en));
    const values = text => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const key of Object.keys(en)) assert.deepEqual(values(zh[key]), values(en[key]), key);
    const sources = [path.join(WEB, '../index.html'), ...fs.readdirSync(WEB, { recursive: true }).filter(name => name.endsWith('.js') && !/i18n.(en|zh)/.test(name)).map(name => path.join(WEB, name))];
    const all = sources.map(file => fs.readFileSync(file, 'utf8')).join('\n');
    const composed = ['datum_', 'open_', 'reach_', 'copy_'];
    const unused = Object.keys(en).filter(key => !new RegExp(`\\b${key}\\b`).test(all) && !composed.some(prefix => key.startsWith(prefix)));
    assert.deepEqual(unused, []);
  });
};
