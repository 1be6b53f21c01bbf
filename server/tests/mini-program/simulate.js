'use strict';
// Renders pages of the example in jsdom, with a `wx` whose functions the test scripts.

const path = require('node:path');
const { JSDOM } = require('jsdom');

const { window } = new JSDOM('<!doctype html><body></body>');
// `miniprogram-simulate` reads these as globals, as in a browser.
Object.assign(global, { window, document: window.document, Event: window.Event, CustomEvent: window.CustomEvent });
global.TouchEvent = window.TouchEvent;
const simulate = require('miniprogram-simulate');

const APP = path.join(__dirname, '..', '..', 'examples', 'mini-program', 'miniprogram');

/** Fails with the error message of WeChat. */
const failing =
  (errMsg) =>
  ({ fail }) =>
    fail?.({ errMsg });
const succeeding =
  (result) =>
  ({ success }) =>
    success?.(result);

/**
 * Builds a `wx` that records its calls in `calls`, by function. `respond` answers requests to the backend with
 * `{statusCode, data}`, or a promise of it; login and session always succeed unless `overrides` has them.
 */
function fakeWx(respond, overrides = {}) {
  const calls = {};
  const functions = {
    login: succeeding({ code: 'login-code' }),
    getPrivacySetting: succeeding({ privacyContractName: '《附近商户隐私保护指引》' }),
    ...overrides,
  };
  const wx = new Proxy(functions, {
    get:
      (known, name) =>
      (...args) => {
        (calls[name] ??= []).push(args[0]);
        return known[name]?.(...args);
      },
  });
  functions.request = async ({ url, method, data, header, success, fail }) => {
    const target = new URL(url).pathname;
    const call = { target, method, data, token: header.authorization };
    (calls.sent ??= []).push(call);
    if (target === '/session' && !overrides.session) return success({ statusCode: 200, data: { token: 'session-token' } });
    const response = await respond(call);
    return response ? success(response) : fail({ errMsg: 'request:fail' });
  };
  return { wx, calls };
}

/** Opens a page with its query, and waits until it is idle. */
async function open(page, query, { respond = () => undefined, ...overrides } = {}) {
  const { wx, calls } = fakeWx(respond, overrides);
  global.wx = wx;
  // Each page starts without the session and the listeners of the previous one.
  for (const file of Object.keys(require.cache)) if (file.startsWith(APP)) delete require.cache[file];
  const id = simulate.load(path.join(APP, 'pages', page, page), { compiler: 'simulate', rootPath: APP });
  const component = simulate.render(id);
  component.attach(window.document.createElement('page'));
  component.instance.onLoad(query);
  await settle();
  return {
    calls,
    component,
    page: component.instance,
    data: () => component.instance.data,
    text: () => component.dom.textContent.replace(/\s+/g, ' '),
    has: (selector) => component.querySelector(selector) !== undefined,
    find: (selector) => component.querySelector(selector),
    /** Taps the element with this number among those that match. */
    tap: (selector, index = 0) => dispatch(component.querySelectorAll(selector)[index], 'tap'),
    privacy: () => component.querySelector('.privacy'),
    settle,
  };
}

/** Dispatches an event, and waits until the page is idle. */
async function dispatch(element, name, detail) {
  element.dispatchEvent(name, { detail });
  await settle();
}

/** Waits until all promises that need no input have settled. */
async function settle() {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

module.exports = { APP, dispatch, failing, open, settle, succeeding };
