'use strict';
// The page with the list and the map: position, consent, pages, and failures.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { dispatch, failing, open, succeeding } = require('./simulate');

const HERE = { latitude: 39.9087, longitude: 116.3975 };
const granted = { getFuzzyLocation: succeeding(HERE) };

const shop = (number, fields = {}) => ({
  id: `店 ${number}%`,
  name: `Shop ${number}`,
  distance: `${number}0 m`,
  open: 'open',
  uncertain: false,
  position: { latitude: 39 + number / 8, longitude: 116.4, datum: 'gcj02' },
  ...fields,
});
const ok = (merchants, nextPageToken = '') => ({ statusCode: 200, data: { merchants, nextPageToken } });
const failed = (statusCode, code) => ({ statusCode, data: { error: { code, message: 'English', fields: [] } } });
const range = (from, to) => Array.from({ length: to - from }, (_, index) => shop(from + index));
const searches = ({ calls }) => (calls.sent ?? []).filter(({ target }) => target === '/nearby');

/** Answers requests with these responses in turn, then with the last one. */
const inTurn =
  (...responses) =>
  () =>
    responses.length > 1 ? responses.shift() : responses[0];

/** A response that the test releases. */
function pending() {
  let release;
  const response = new Promise((resolve) => (release = resolve));
  return { response, release };
}

test('granted: the list and the map show the shops around the fuzzy position', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok([shop(1), shop(2, { open: 'closed' })])) });
  assert.equal(view.calls.getFuzzyLocation[0].type, 'gcj02');
  const [search] = searches(view);
  assert.deepEqual(search.data, { position: { ...HERE, datum: 'gcj02', source: 'fuzzy' }, openNow: false });
  assert.deepEqual([search.method, search.token], ['POST', 'Bearer session-token']);
  assert.equal(view.component.querySelectorAll('.shop').length, 2);
  assert.match(view.text(), /Shop 1 ?10 m ?· 营业中.*Shop 2 ?20 m ?· 已打烊.*没有更多了/);
  const { attrs } = view.find('.map').toJSON();
  const attribute = (name) => attrs.find((attr) => attr.name === name).value;
  assert.deepEqual([attribute('latitude'), attribute('longitude')], [HERE.latitude, HERE.longitude]);
  assert.deepEqual(
    attribute('markers').map(({ id, latitude }) => [id, latitude]),
    [
      [0, 39.125],
      [1, 39.25],
    ],
  );
});

test('position appears in no URL', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok([shop(1)])) });
  for (const { url } of view.calls.request) assert.ok(!/39\.9|116\./.test(url), url);
});

test('fuzzy: a note says so, and uncertain shops are marked', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok([shop(1, { uncertain: true }), shop(2)])) });
  assert.ok(view.has('.fuzzy') && view.has('.uncertain'));
  assert.equal(view.component.querySelectorAll('.tag').length, 1);
});

test('chosen: the point has no accuracy, and the notes are gone', async () => {
  const chosen = { latitude: 31.2, longitude: 121.4 };
  const options = { ...granted, chooseLocation: succeeding({ ...chosen, name: 'x' }), respond: inTurn(ok([shop(1)])) };
  const view = await open('nearby', {}, options);
  await view.tap('.choose');
  assert.deepEqual(searches(view)[1].data.position, { ...chosen, datum: 'gcj02' });
  assert.ok(!view.has('.fuzzy') && !view.has('.uncertain'));
});

test('chosen: a cancelled selection changes nothing', async () => {
  const options = { ...granted, chooseLocation: failing('chooseLocation:fail cancel'), respond: inTurn(ok([shop(1)])) };
  const view = await open('nearby', {}, options);
  await view.tap('.choose');
  assert.deepEqual([view.data().state, searches(view).length], ['list', 1]);
});

const DENIALS = [
  ['getFuzzyLocation:fail auth deny', 'denied', '.settings'],
  ['getFuzzyLocation:fail authorize no response', 'denied', '.settings'],
  ['getFuzzyLocation:fail privacy permission is not authorized', 'privacy', '.retry'],
  ['getFuzzyLocation:fail system permission denied', 'system', '.retry'],
  ['getFuzzyLocation:fail:ERROR_NOCELL&WIFI_LOCATIONSWITCHOFF', 'system', '.retry'],
];

for (const [errMsg, reason, button] of DENIALS) {
  test(`denied: ${errMsg}`, async () => {
    const options = { getFuzzyLocation: failing(errMsg), chooseLocation: succeeding(HERE), respond: inTurn(ok([shop(1)])) };
    const view = await open('nearby', {}, options);
    assert.deepEqual([view.data().state, view.data().reason, searches(view).length], ['denied', reason, 0]);
    assert.ok(view.has(button) && view.has('.choose-denied'));
    // A user who declines can still select a point.
    await view.tap('.choose-denied');
    assert.equal(view.data().state, 'list');
  });
}

test('denied: permission granted in the settings reads the position', async () => {
  let allowed = false;
  const getFuzzyLocation = (options) => (allowed ? succeeding(HERE) : failing('getFuzzyLocation:fail auth deny'))(options);
  const view = await open('nearby', {}, { getFuzzyLocation, respond: inTurn(ok([shop(1)])) });
  await dispatch(view.find('.settings'), 'opensetting', { authSetting: { 'scope.userFuzzyLocation': false } });
  assert.equal(view.data().state, 'denied');
  allowed = true;
  await dispatch(view.find('.settings'), 'opensetting', { authSetting: { 'scope.userFuzzyLocation': true } });
  assert.equal(view.data().state, 'list');
});

test('failed position: retry reads it again', async () => {
  let count = 0;
  const getFuzzyLocation = (options) =>
    ((count += 1) === 1 ? failing('getFuzzyLocation:fail timeout') : succeeding(HERE))(options);
  const view = await open('nearby', {}, { getFuzzyLocation, respond: inTurn(ok([shop(1)])) });
  assert.equal(view.data().state, 'error');
  await view.tap('.retry');
  assert.equal(view.data().state, 'list');
});

/** Suspends the position until the listener of WeChat's consent is answered, as the base library does. */
function consent() {
  const state = { answers: [] };
  const getFuzzyLocation = (options) => {
    const resolve = (answer) => {
      state.answers.push(answer);
      if (answer.event === 'agree') succeeding(HERE)(options);
      if (answer.event === 'disagree') failing('getFuzzyLocation:fail privacy permission is not authorized')(options);
    };
    state.listener(resolve, { referrer: 'getFuzzyLocation' });
  };
  const onNeedPrivacyAuthorization = (listener) => (state.listener = listener);
  return { state, wx: { getFuzzyLocation, onNeedPrivacyAuthorization } };
}

test('privacy: the position is read after the user agrees', async () => {
  const { state, wx } = consent();
  const view = await open('nearby', {}, { ...wx, respond: inTurn(ok([shop(1)])) });
  const dialog = view.privacy();
  assert.match(dialog.dom.textContent, /《附近商户隐私保护指引》/);
  assert.deepEqual([view.data().state, state.answers], ['locating', [{ event: 'exposureAuthorization' }]]);
  const button = dialog.querySelector('.agree');
  // WeChat checks that the button with this id was tapped.
  assert.equal(attributeOf(button, 'id'), 'agree-privacy');
  assert.equal(attributeOf(button, 'open-type'), 'agreePrivacyAuthorization');
  await dispatch(button, 'agreeprivacyauthorization');
  assert.deepEqual(state.answers[1], { event: 'agree', buttonId: 'agree-privacy' });
  assert.equal(view.data().state, 'list');
  assert.equal(view.privacy().querySelector('.dialog'), undefined);
});

test('privacy: declining is a denial, and retry asks again', async () => {
  const { state, wx } = consent();
  const view = await open('nearby', {}, { ...wx, respond: inTurn(ok([shop(1)])) });
  await dispatch(view.privacy().querySelector('.disagree'), 'tap');
  assert.deepEqual([view.data().state, view.data().reason], ['denied', 'privacy']);
  await view.tap('.retry');
  await dispatch(view.privacy().querySelector('.agree'), 'agreeprivacyauthorization');
  assert.equal(view.data().state, 'list');
  // Each call is answered once.
  const shown = 'exposureAuthorization';
  assert.deepEqual(
    state.answers.map(({ event }) => event),
    [shown, 'disagree', shown, 'agree'],
  );
});

test('privacy: the contract opens', async () => {
  const { wx } = consent();
  const view = await open('nearby', {}, wx);
  await dispatch(view.privacy().querySelector('.contract'), 'tap');
  assert.equal(view.calls.openPrivacyContract.length, 1);
});

test('privacy: a closed page answers its suspended call', async () => {
  const { state, wx } = consent();
  const view = await open('nearby', {}, wx);
  view.component.detach();
  await view.settle();
  assert.equal(state.answers.at(-1).event, 'disagree');
});

test('privacy: a page that is shown again listens again', async () => {
  const { state, wx } = consent();
  const view = await open('nearby', {}, wx);
  state.listener = undefined;
  view.privacy().triggerPageLifeTime('show');
  assert.equal(typeof state.listener, 'function');
});

test('paging: the end of the list loads the next page with the same position', async () => {
  const respond = inTurn(ok(range(0, 20), 'token-1'), ok(range(20, 40), 'token-2'), ok(range(40, 45)));
  const view = await open('nearby', {}, { ...granted, respond });
  assert.ok(!view.has('.end'));
  for (let page = 0; page < 4; page += 1) {
    view.page.onReachBottom();
    await view.settle();
  }
  assert.deepEqual(
    searches(view).map(({ data }) => data.pageToken),
    [undefined, 'token-1', 'token-2'],
  );
  assert.equal(new Set(searches(view).map(({ data }) => JSON.stringify(data.position))).size, 1);
  assert.deepEqual(
    view.data().shops.map(({ name }) => name),
    range(0, 45).map(({ name }) => name),
  );
  assert.ok(view.has('.end'));
});

test('paging: the map shows at most 100 shops', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok(range(0, 120))) });
  assert.deepEqual([view.data().shops.length, view.data().markers.length], [120, 100]);
});

test('paging: reaching the end again while a page loads sends one request', async () => {
  const { response, release } = pending();
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok(range(0, 20), 'token-1'), response) });
  view.page.onReachBottom();
  view.page.onReachBottom();
  await view.settle();
  assert.ok(view.has('.more'));
  release(ok(range(20, 21)));
  await view.settle();
  assert.deepEqual([searches(view).length, view.data().shops.length], [2, 21]);
});

test('paging: a failed page keeps the list and can be repeated', async () => {
  const respond = inTurn(ok(range(0, 20), 'token-1'), failed(503, 'UNAVAILABLE'), ok(range(20, 21)));
  const view = await open('nearby', {}, { ...granted, respond });
  view.page.onReachBottom();
  await view.settle();
  assert.match(view.text(), /Shop 19.*服务暂时不可用,请稍后重试,点击重试/);
  await view.tap('.more-error');
  assert.deepEqual(
    searches(view).map(({ data }) => data.pageToken),
    [undefined, 'token-1', 'token-1'],
  );
  assert.equal(view.data().shops.length, 21);
});

test('a page of an earlier search is dropped', async () => {
  const { response, release } = pending();
  const chooseLocation = succeeding({ latitude: 31.2, longitude: 121.4 });
  const respond = inTurn(ok(range(0, 20), 'token-1'), response, ok([shop(99)]));
  const view = await open('nearby', {}, { ...granted, chooseLocation, respond });
  view.page.onReachBottom();
  await view.settle();
  await view.tap('.choose');
  release(ok(range(20, 40)));
  await view.settle();
  assert.deepEqual(
    view.data().shops.map(({ name }) => name),
    ['Shop 99'],
  );
  assert.equal(view.data().loadingMore, false);
});

test('empty: the page offers another point', async () => {
  const view = await open(
    'nearby',
    {},
    { ...granted, chooseLocation: failing('chooseLocation:fail cancel'), respond: inTurn(ok([])) },
  );
  assert.match(view.text(), /附近 5 公里内没有商户/);
  await view.tap('.choose-empty');
  assert.equal(view.calls.chooseLocation.length, 1);
});

const ERRORS = [
  [failed(503, 'UNAVAILABLE'), /服务暂时不可用/],
  [failed(429, 'RESOURCE_EXHAUSTED'), /操作过于频繁/],
  [failed(504, 'DEADLINE_EXCEEDED'), /查询超时/],
  [failed(400, 'INVALID_ARGUMENT'), /位置无效/],
  [failed(502, 'BAD_GATEWAY'), /出错了/],
  [{ statusCode: 502, data: '<html>' }, /出错了/],
  [undefined, /网络连接失败/],
];

for (const [response, message] of ERRORS) {
  test(`error: ${message.source}, and retry repeats the search (${response?.statusCode ?? 'no response'})`, async () => {
    const view = await open('nearby', {}, { ...granted, respond: inTurn(response, ok([shop(1)])) });
    assert.equal(view.data().state, 'error');
    assert.match(view.text(), message);
    assert.ok(!view.text().includes('English'));
    await view.tap('.retry');
    assert.deepEqual([view.data().state, view.calls.getFuzzyLocation.length], ['list', 1]);
  });
}

test('pull-down refresh reads a fuzzy position again and keeps a selected one', async () => {
  const chooseLocation = succeeding({ latitude: 31.2, longitude: 121.4 });
  const view = await open('nearby', {}, { ...granted, chooseLocation, respond: inTurn(ok([shop(1)])) });
  await view.page.onPullDownRefresh();
  assert.equal(view.calls.getFuzzyLocation.length, 2);
  await view.tap('.choose');
  await view.page.onPullDownRefresh();
  assert.equal(view.calls.getFuzzyLocation.length, 2);
  assert.deepEqual([searches(view).length, view.calls.stopPullDownRefresh.length], [4, 2]);
});

test('open shops only: the filter starts from the first page', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok(range(0, 20), 'token-1'), ok([shop(1)])) });
  await view.tap('.open-only');
  const { data } = searches(view)[1];
  assert.deepEqual([data.openNow, data.pageToken], [true, undefined]);
});

test('a tap on a shop or its marker opens it, with its id encoded', async () => {
  const view = await open('nearby', {}, { ...granted, respond: inTurn(ok([shop(1), shop(2)])) });
  await view.tap('.shop', 1);
  await dispatch(view.find('.map'), 'markertap', { markerId: 0 });
  const url = (number) => `/pages/shop/shop?id=${encodeURIComponent(`店 ${number}%`)}`;
  assert.deepEqual(
    view.calls.navigateTo.map((call) => call.url),
    [url(2), url(1)],
  );
});

test('session: one login serves all requests, and an expired session is renewed once', async () => {
  const expired = failed(401, 'UNAUTHENTICATED');
  const respond = inTurn(ok(range(0, 20), 'token-1'), expired, ok(range(20, 21)));
  const view = await open('nearby', {}, { ...granted, respond });
  view.page.onReachBottom();
  await view.settle();
  assert.deepEqual(
    view.calls.sent.map(({ target }) => target),
    ['/session', '/nearby', '/nearby', '/session', '/nearby'],
  );
  assert.equal(view.data().shops.length, 21);
});

test('session: a rejected login is an error, and retry logs in again', async () => {
  let sessions = 0;
  const respond = ({ target }) => {
    if (target !== '/session') return ok([shop(1)]);
    return (sessions += 1) === 1 ? failed(401, 'UNAUTHENTICATED') : { statusCode: 200, data: { token: 't' } };
  };
  const view = await open('nearby', {}, { ...granted, session: true, respond });
  assert.match(view.text(), /登录失败/);
  await view.tap('.retry');
  assert.equal(view.data().state, 'list');
});

test('session: a backend without sessions gets no token', async () => {
  const respond = ({ target }) => (target === '/session' ? { statusCode: 200, data: { token: null } } : ok([shop(1)]));
  const view = await open('nearby', {}, { ...granted, session: true, respond });
  assert.deepEqual([view.data().state, searches(view)[0].token], ['list', undefined]);
});

function attributeOf(element, name) {
  return element.toJSON().attrs.find((attr) => attr.name === name)?.value;
}
