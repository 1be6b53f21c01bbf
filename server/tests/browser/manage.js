'use strict';
// What tests do with the console.

const { openPage, until } = require('./browser');

/** Opens a page of the console. */
async function openManage(shared, hash, { url = shared.server.url, key, ...options } = {}) {
  const view = await openPage(shared.browser, url, { hash: key ? '' : hash, origin: null, ...options });
  if (key) {
    await view.page.click('#key-button');
    await view.page.fill('#key', key);
    await view.page.click('#key-use');
    await view.page.evaluate(target => { location.hash = target; }, hash);
  }
  return Object.assign(view, {
    /** Names in the list. */
    listed: () => view.page.$$eval('#merchants a', all => all.map(each => each.dataset.name)),
    /** Waits for the form. */
    editing: () => until(() => view.page.$('#merchant-form')),
    /** The control of a field, by its path in the contract. */
    control: path => `[data-path="${path}"] :is(input, select, textarea)`,
    /** Opens the section of a name. */
    openSection: name => view.page.$eval(`#section_${name}`, each => { each.open = true; }),
    /** Types into the control of a field. */
    async type(path, text) {
      await view.page.$eval(view.control(path), each => { each.closest('details').open = true; });
      await view.page.fill(view.control(path), text);
    },
    /** Presses Save; returns the status that follows. */
    async save() {
      await view.page.click('#save');
      return view.settled();
    },
    /** The status once a call has ended. */
    settled: () => until(async () => {
      const [key, hasError, isAsked] = await view.page.evaluate(() => [
        document.getElementById('edit-status')?.dataset.t ?? '', document.getElementById('edit-error')?.hidden === false, document.querySelector('dialog[open]') !== null,
      ]);
      return key !== 'saving' && key !== 'unsaved' && (key || (hasError && 'error') || (isAsked && 'dialog'));
    }),
    /** Errors beside controls, by the path of their field. */
    fieldErrors: () => view.page.$$eval('.field-error', all => Object.fromEntries(all.map(each => [each.closest('[data-path]')?.dataset.path ?? each.parentElement.id, each.textContent]))),
    /** Drags an element of the map by pixels. */
    async drag(selector, x, y) {
      const box = await (await view.page.$(selector)).boundingBox();
      const [startX, startY] = [box.x + box.width / 2, box.y + box.height / 2];
      await view.page.mouse.move(startX, startY);
      await view.page.mouse.down();
      await view.page.mouse.move(startX + x / 2, startY + y / 2);
      await view.page.mouse.move(startX + x, startY + y);
      await view.page.mouse.up();
    },
    /** Clicks the map, at pixels from its middle. */
    async clickMap(x, y) {
      const box = await (await view.page.$('#map')).boundingBox();
      await view.page.mouse.click(box.x + box.width / 2 + x, box.y + box.height / 2 + y);
    },
  });
}

module.exports = { openManage };
