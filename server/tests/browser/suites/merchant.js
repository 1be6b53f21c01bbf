'use strict';
// One merchant in full.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openPage, until } = require('../browser');
const { PIER } = require('../merchants');

module.exports = shared => {
  const open = async (id, options) => {
    const view = await openPage(shared.browser, shared.server.url, { hash: `#/merchants/${encodeURIComponent(id)}`, ...options });
    await until(() => view.page.$('#merchant h2'));
    return view;
  };

  test('a link shows a merchant with all that is known', async () => {
    const view = await open('full');
    const facts = Object.fromEntries(await view.page.$$eval('#merchant dt', all => all.map(each => [each.textContent, each.nextSibling.textContent])));
    delete facts['Last change'];
    assert.deepEqual(facts, {
      Brand: 'Pier', Categories: 'food/cafe', Address: 'Pier 1, 00140 Helsinki, FI', Phone: '+358 10 000 0000', Website: 'https://pier.test/menu',
      Services: 'delivery, wheelchair', 'Service area': '3 km around it', Attributes: 'rating 4.5',
      Position: facts.Position,
    });
    assert.match(facts.Position, /^60\.14\d+, 24\.95 \(WGS-84 \(GPS\)\)$/);
    const linked = await view.page.$$eval('#merchant a', all => all.map(each => each.getAttribute('href')));
    assert.ok(['tel:+358100000000', 'https://pier.test/menu', 'https://pier.test/order'].every(href => linked.includes(href)), linked.join());
    assert.match(await view.text('#merchant'), /wx0123456789abcdef pages\/index/);
    assert.equal((await view.pins()).at(-1), '•. Pier Café');
    await view.close();
  });

  test('the hours are a table of the week', async () => {
    const view = await open('full');
    const rows = await view.page.$$eval('#merchant .week tr', all => all.map(each => [...each.children].map(cell => cell.textContent)));
    assert.deepEqual(rows, [
      ['Monday', '09:00–12:00, 13:00–17:00'], ['Tuesday', 'Closed'], ['Wednesday', 'Closed'], ['Thursday', 'Closed'],
      ['Friday', '20:00–04:00'], ['Saturday', 'open all day'], ['Sunday', 'Closed'],
    ]);
    const hours = await view.text('#merchant .hours');
    assert.match(hours, /24 Dec 2030Closed/);
    assert.match(hours, /31 Dec 203010:00–12:00/);
    assert.match(hours, /ask at the kiosk/);
    assert.match(hours, /Time zone Europe\/Helsinki/);
    await view.close();
  });

  test('expressions become a table if they are simple, and otherwise stay text', async () => {
    const view = await open('full');
    const read = await view.page.evaluate(async expressions => {
      const { weekOfExpression } = await import(new URL('js/shared/hours-expression.js', document.baseURI).href);
      return expressions.map(expression => weekOfExpression(expression));
    }, ['24/7', 'Mo-Fr 09:00-17:00; Sa,Su 10:00-14:00,15:00-02:00; PH off', 'Fr-Mo 08:00-12:00; Su off', 'Mo-Fr 09:00-17:00 || "call"', 'sunrise-sunset', 'Mo, Tu 09:00-11:00', '', 'Mo 25:99-26:00']);
    const day = (...spans) => spans.map(([start, end]) => ({ start: start * 60, length: (end - start) * 60 }));
    assert.deepEqual(read[0], { week: Array(7).fill(day([0, 24])), holidays: null });
    assert.deepEqual(read[1], { week: [...Array(5).fill(day([9, 17])), ...Array(2).fill(day([10, 14], [15, 26]))], holidays: [] });
    assert.deepEqual(read[2].week, [day([8, 12]), [], [], [], day([8, 12]), day([8, 12]), []]);
    assert.deepEqual(read.slice(3), [null, null, null, null, null]);
    await view.close();
  });

  test('times are those of the place, and are named where they are not', async () => {
    // Open until midnight of Sunday in Helsinki, on any day: seven hours earlier in New York.
    const merchant = {
      name: 'merchants/zoned', displayName: 'Zoned', position: { latitude: 60.10, longitude: 24.70, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' },
      openingHours: { timeZone: 'Europe/Helsinki', weeklyPeriods: [...Array(7).keys()].map(day => ({ weekday: day + 1, startMinute: 0, lengthMinutes: 1_439 })) },
    };
    await shared.withMerchant(merchant, async () => {
      const view = await openPage(shared.browser, shared.server.url, { origin: merchant.position, hasMap: false, context: { timezoneId: 'America/New_York' } });
      assert.match(await view.text('#results .badge'), /^(Open|Closed) until (\w{3},? )?1[67]:(59|00) (GMT-[45]|E[SD]T)$/);
      await view.page.click('#results a');
      await until(() => view.page.$('#merchant h2'));
      assert.match(await view.text('#merchant .badge'), /^(Open|Closed) until (\w{3},? )?(23:59|00:00)$/);
      await view.close();
    });
  });

  test('an unknown merchant is said to be unknown', async () => {
    const view = await openPage(shared.browser, shared.server.url, { hash: '#/merchants/none' });
    view.expected.push('404');
    await until(async () => (await view.text('#merchant')).includes('does not exist'));
    await view.close();
  });

  test('text of merchants is never markup', async () => {
    const view = await openPage(shared.browser, shared.server.url, { origin: PIER });
    assert.equal((await view.names()).at(-1), '<img src=x onerror="document.title=1">');
    await view.page.click('#results li:last-child a');
    await until(() => view.page.$('#merchant h2'));
    assert.equal(await view.text('#merchant h2'), '<img src=x onerror="document.title=1">');
    assert.equal(await view.page.$('#merchant img, #results img, .pin img, #merchant b, #results b'), null);
    assert.notEqual(await view.page.title(), '1');
    // The id has characters with a meaning in URLs.
    assert.ok(view.page.url().endsWith(`#/merchants/${encodeURIComponent('a b?&#ü')}`));
    await view.close();
  });

  test('links to other sites tell them nothing', async () => {
    const view = await open('full');
    const links = await view.page.$$eval('#merchant a[target]', all => all.map(each => [each.protocol, each.rel, each.target]));
    assert.ok(links.length >= 3);
    for (const link of links) assert.deepEqual(link, ['https:', 'noopener noreferrer', '_blank']);
    const made = await view.page.evaluate(async () => {
      const { outsideLink } = await import(new URL('js/dom.js', document.baseURI).href);
      return ['javascript:alert(1)', 'data:text/html,x', 'https://a.test/'].map(uri => outsideLink(uri, 'text').nodeName);
    });
    assert.deepEqual(made, ['#text', '#text', 'A']);
    await view.close();
  });

  test('photos are loaded on a tap, and only from the origins of the operator', async () => {
    const view = await open('full');
    const before = shared.pictures.length;
    assert.equal(await view.page.$('#merchant img'), null);
    const [button, ...others] = await view.page.$$('#merchant .photo');
    assert.equal(others.length, 0);
    assert.equal(await button.textContent(), 'Show the terrace');
    assert.match(await view.text('.photos'), /© A\. Photographer/);
    assert.equal(await view.page.$eval('.photos a', each => each.href), 'https://elsewhere.test/photo.png');
    await button.click();
    await until(() => view.page.$eval('#merchant img', image => image.complete && image.naturalWidth > 0));
    assert.deepEqual(shared.pictures.slice(before), ['/terrace.png']);
    await view.close();
  });

  test('one can search around a merchant', async () => {
    const view = await open('far');
    const { request } = await view.afterSearch(() => view.page.click('#search-here'));
    assert.ok(Math.abs(request.origin.longitude - (PIER.longitude + 2_000 / 55_600)) < 1e-9);
    assert.deepEqual(await view.names(), ['Skerry Delivery']);
    await view.close();
  });
};
