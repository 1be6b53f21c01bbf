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
};

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
