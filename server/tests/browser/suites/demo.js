'use strict';
// The demo.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { openPage, until } = require('../browser');

module.exports = shared => {
  test('the demo names its page, which opens 500 m around the station', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-demo-'));
    const child = spawn(process.env.NEARBY_BIN, ['demo', '--data-dir', folder, '--listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    let printed = '';
    child.stderr.on('data', data => { printed += data; });
    try {
      const url = await until(() => /http:\/\/[\d.:]+\/(?=\n)/.exec(printed)?.[0]);
      const view = await openPage(shared.browser, url, { origin: null });
      assert.equal(await view.page.inputValue('#radius'), '500');
      assert.equal(await view.page.inputValue('#latitude'), '60.1719');
      assert.match(await view.text('#status'), /^20 of 586, nearest first$/);
      assert.equal((await view.pins()).length, 20);
      await view.close();
    } finally {
      child.kill('SIGINT');
      await ended;
      fs.rmSync(folder, { recursive: true });
    }
  });
};
