'use strict';
// The page that codes open.

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { APP, open } = require('./simulate');

const { linkPrefix } = require(path.join(APP, 'config.js'));
const shopUrl = (id) => `/pages/shop/shop?id=${encodeURIComponent(id)}`;
const linkTo = (id) => linkPrefix + encodeURIComponent(id);

const IDS = ['tea', '店 1', '100%', '%25', 'a%2Fb', 'a?b#c&d=e', '~alias', 'x'.repeat(128), '+'];

for (const id of IDS) {
  test(`link: opens the shop ${JSON.stringify(id.slice(0, 20))}`, async () => {
    const view = await open('scan', { q: encodeURIComponent(linkTo(id)), scancode_time: '1700000000' });
    assert.deepEqual(view.calls.redirectTo, [{ url: shopUrl(id) }]);
    assert.equal(view.calls.sent, undefined);
  });
}

test('link: a query or a fragment after the id is not part of it', async () => {
  const view = await open('scan', { q: encodeURIComponent(`${linkTo('店')}?from=door#x`) });
  assert.deepEqual(view.calls.redirectTo, [{ url: shopUrl('店') }]);
});

const FOREIGN = [
  {},
  { q: encodeURIComponent('https://other.example/s/tea') },
  { q: encodeURIComponent(linkPrefix) },
  { q: encodeURIComponent(`${linkPrefix}%zz`) },
  { q: '%zz' },
  { scene: '%zz' },
  { scene: '' },
];

for (const query of FOREIGN) {
  test(`foreign: ${JSON.stringify(query)}`, async () => {
    const view = await open('scan', query);
    assert.equal(view.data().state, 'foreign');
    await view.tap('.list');
    assert.deepEqual([view.calls.redirectTo, view.calls.reLaunch], [undefined, [{ url: '/pages/nearby/nearby' }]]);
  });
}

test('scene: a merchant id opens the shop without a request', async () => {
  const view = await open('scan', { scene: encodeURIComponent('osm:node/1&2=3') });
  assert.deepEqual(view.calls.redirectTo, [{ url: shopUrl('osm:node/1&2=3') }]);
  assert.equal(view.calls.sent, undefined);
});

test('scene: the backend resolves an alias', async () => {
  const scene = '~AAAAAAAAAAAAAAAAAAAAAA';
  const view = await open(
    'scan',
    { scene: encodeURIComponent(scene) },
    { respond: () => ({ statusCode: 200, data: { id: '店 1' } }) },
  );
  assert.equal(view.calls.sent[1].target, `/scenes/${scene}`);
  assert.deepEqual(view.calls.redirectTo, [{ url: shopUrl('店 1') }]);
});

test('scene: a failed request can be repeated', async () => {
  const responses = [undefined, { statusCode: 200, data: { id: 'tea' } }];
  const view = await open('scan', { scene: '~AAAAAAAAAAAAAAAAAAAAAA' }, { respond: () => responses.shift() });
  assert.match(view.text(), /网络连接失败/);
  await view.tap('.retry');
  assert.deepEqual(view.calls.redirectTo, [{ url: shopUrl('tea') }]);
});
