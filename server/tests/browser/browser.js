'use strict';
// A browser, and pages that record what they load and store.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { chromium } = require('playwright-core');

const WAIT_MS = 15_000;

/** Starts the browser. WebGL runs on the processor. */
function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--host-resolver-rules=MAP rebound.test 127.0.0.1'],
  });
}

/** Waits until `read` returns something true, and returns it. Texts that Playwright evaluates itself break under the CSP of the page. */
async function until(read, complaint) {
  const deadline = Date.now() + WAIT_MS;
  let last;
  for (;;) {
    last = await read();
    if (last) return last;
    assert.ok(Date.now() < deadline, complaint ?? `waited for ${read}`);
    await sleep(15);
  }
}

/**
 * Opens the page in a context of its own. `origin` is a point to search around, `null` for none. Errors of the page fail the test when
 * it closes, unless they are expected. A page without a map starts in a fraction of the time: the processor draws it.
 */
async function openPage(browser, url, { origin = { latitude: 60.1719, longitude: 24.9414 }, radiusM, hash = '', context = {}, prepare, hasMap = true } = {}) {
  const opened = await browser.newContext({
    // The processor draws the map: fewer pixels, faster tests.
    viewport: { width: 900, height: 600 }, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Helsinki', ...context });
  const page = await opened.newPage();
  await prepare?.(page);
  if (!hasMap) await page.addInitScript(() => { HTMLCanvasElement.prototype.getContext = () => null; });
  const seen = { requests: [], errors: [] };
  page.on('request', request => seen.requests.push(request));
  page.on('pageerror', error => seen.errors.push(error.message));
  page.on('console', message => {
    if (message.type() === 'error') seen.errors.push(message.text());
  });
  await page.goto(url + hash);
  await until(() => page.evaluate(() => document.documentElement.dataset.ready === 'true'), 'the page did not start');
  const helper = new Page(page, seen);
  if (origin && !hash) await helper.searchAt(origin, radiusM);
  return helper;
}

/** What tests do with a page. */
class Page {
  constructor(page, seen) {
    this.page = page;
    this.seen = seen;
    /** Texts of errors that the test expects. */
    this.expected = [];
  }

  /** Types a point, and waits for its results. */
  async searchAt({ latitude, longitude, datum = 'wgs84' }, radiusM) {
    if (radiusM) await this.setNumber('radius', radiusM);
    // A phone opens with it closed.
    await this.page.$eval('#coordinates', each => { each.open = true; });
    await this.page.fill('#latitude', String(latitude));
    await this.page.fill('#longitude', String(longitude));
    await this.page.selectOption('#datum', datum);
    return this.afterSearch(() => this.page.click('#search button[type=submit]'));
  }

  async setNumber(id, value) {
    await this.page.fill(`#${id}`, String(value));
    await this.page.dispatchEvent(`#${id}`, 'change');
  }

  /** Does something that searches; returns the request and the response of the search, once the page shows it. */
  async afterSearch(act) {
    const response = this.page.waitForResponse(each => each.url().endsWith('/SearchNearby'));
    await act();
    const found = await response;
    const body = await found.json();
    await until(() => this.page.evaluate(() => document.getElementById('results').getAttribute('aria-busy') === 'false'));
    return { request: found.request().postDataJSON(), response: body };
  }

  /** Names in the list, in order. */
  names() {
    return this.page.$$eval('#results .name', all => all.map(each => each.textContent));
  }

  /** Merchants of the list, in order. */
  ids() {
    return this.page.$$eval('#results a', all => all.map(each => each.dataset.name));
  }

  text(selector) {
    return this.page.$eval(selector, each => each.textContent);
  }

  async isHidden(selector) {
    return !(await this.page.isVisible(selector));
  }

  /** Labels of the pins, by number. */
  async pins() {
    const labels = await this.page.$$eval('.pin', all => all.map(each => each.getAttribute('aria-label')));
    return labels.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  }

  /** Closes the page; its errors fail the test. */
  async close() {
    await this.page.context().close();
    const errors = this.seen.errors.filter(text => !this.expected.some(expected => text.includes(expected)));
    assert.deepEqual(errors, []);
  }
}

module.exports = { launch, openPage, until };
