'use strict';
// Starts what the suites share, and runs them.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe } = require('node:test');
const { launch } = require('./browser');
const { createMerchants } = require('./merchants');
const { importSample, nearby, start } = require('./server');

/** A picture of one pixel. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const shared = {
  servers: [],
  /** Runs something while there is one more merchant. */
  async withMerchant(merchant, act) {
    await shared.server.call('MerchantService/CreateMerchant', { merchant });
    try {
      return await act();
    } finally {
      await shared.server.call('MerchantService/DeleteMerchant', { name: merchant.name });
    }
  },
};

before(async () => {
  shared.pictures = [];
  const pictures = http.createServer((request, response) => {
    shared.pictures.push(request.url);
    response.writeHead(200, { 'content-type': 'image/png', 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }).end(PIXEL);
  });
  await new Promise(resolve => { pictures.listen(0, '127.0.0.1', resolve); });
  shared.pictureServer = pictures;
  shared.pictureOrigin = `http://127.0.0.1:${pictures.address().port}`;

  const keys = path.join(fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'nearby-keys-')), 'keys.toml');
  const addKey = (name, ...flags) => nearby('keys', 'add', name, '--keys', keys, ...flags).match(/\S{20,}/)[0];
  shared.keys = { file: keys, search: addKey('search', '--role', 'search'), manage: addKey('manage', '--role', 'manage'), addKey };
  [shared.server, shared.locked, shared.browser] = await Promise.all([
    start(['--photo-origins', shared.pictureOrigin]), start(['--keys', keys]), launch(),
  ]);
  shared.servers.push(shared.server, shared.locked);
  importSample(shared.server);
  await createMerchants(shared.server, shared.pictureOrigin);
});

after(async () => {
  await shared.browser?.close();
  await Promise.all(shared.servers.map(server => server.stop()));
  shared.pictureServer?.close();
});

// Tests of one suite follow each other; suites share no merchant that they change.
describe('page', { concurrency: 3 }, () => {
  for (const file of fs.readdirSync(path.join(__dirname, 'suites')).sort()) {
    describe(path.basename(file, '.js'), { concurrency: 1 }, () => require(`./suites/${file}`)(shared));
  }
});
