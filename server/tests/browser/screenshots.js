'use strict';
// Takes pictures of the page: node screenshots.js OUT_DIR, by `run.sh --screenshots`.

const path = require('node:path');
const { launch, openPage, until } = require('./browser');
const { importSample, start } = require('./server');

const STATION = { latitude: 60.1719, longitude: 24.9414 };
/** Tiles, fonts and labels of the map follow the list. */
const SETTLE_MS = 1_500;

const PICTURES = {
  light: {},
  dark: { context: { colorScheme: 'dark' } },
  phone: { context: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 } },
  chinese: { context: { locale: 'zh-CN' } },
  density: { act: view => view.page.click('#density') },
  // The one of the README: page.png.
  filters: { act: async view => {
    await view.page.click('#filters summary');
    await view.afterSearch(() => view.page.fill('#categories', 'amenity/cafe'));
  } },
  merchant: { act: async view => {
    await view.afterSearch(() => view.page.fill('#text', 'outdoor'));
    await view.page.click('#results a');
    await until(() => view.page.$('#merchant h2'));
  } },
  earth: { origin: null },
  console: { act: view => editFirst(view, 'cafe') },
  'console-phone': { context: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }, act: view => editFirst(view, 'cafe') },
  'console-area': { act: async view => {
    await editFirst(view, 'cafe');
    await view.page.$eval('#section_area', each => { each.open = true; });
    await view.page.selectOption('#area-kind', 'radius');
    await view.page.fill('[data-path="service_area.radius_m"] input', '400');
    await view.page.$eval('#section_area', each => each.scrollIntoView());
  } },
  'console-chinese': { context: { locale: 'zh-CN' }, act: view => editFirst(view, 'cafe') },
};

/** Opens the form of the first merchant that a name finds. */
async function editFirst(view, text) {
  await view.page.evaluate(() => { location.hash = '#/manage'; });
  await view.page.fill('#find', text);
  await until(() => view.page.$('#merchants a'));
  await view.page.waitForTimeout(SETTLE_MS);
  await view.page.click('#merchants a');
  await until(() => view.page.$('#merchant-form'));
}

async function main(folder) {
  const [server, browser] = await Promise.all([start(), launch()]);
  try {
    importSample(server);
    for (const [name, { context, act, origin = STATION }] of Object.entries(PICTURES)) {
      const view = await openPage(browser, server.url, { origin, radiusM: 500, context: { viewport: { width: 1280, height: 800 }, ...context } });
      await act?.(view);
      await view.page.waitForTimeout(SETTLE_MS);
      const file = path.join(folder, `${name}.png`);
      await view.page.screenshot({ path: file });
      console.log(file);
      await view.close();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}

main(process.argv[2]);
