'use strict';
// Runs a real server with the page.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const SAMPLE = path.join(__dirname, '../../data/helsinki.csv');
const START_MS = 30_000;
const STOP_MS = 20_000;

// Settings of the environment would change the servers under test.
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('NEARBY_')));
// A nearly full disk must not fail unrelated tests.
env.NEARBY_MIN_FREE_DISK_MIB = '16';

/** Runs the command line, and returns what it prints. */
const nearby = (...args) => execFileSync(process.env.NEARBY_BIN, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Starts a server; `httpAddress` is that of an earlier one, or any. */
async function start(flags = [], { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-browser-')), httpAddress = '127.0.0.1:0' } = {}) {
  const [addressFile, httpFile, logFile] = ['address', 'http-address', 'log'].map(name => path.join(folder, name));
  const log = fs.openSync(logFile, 'a');
  const child = spawn(process.env.NEARBY_BIN, [
    'serve', '--data-dir', path.join(folder, 'data'), '--listen', '127.0.0.1:0', '--address-file', addressFile,
    '--http-listen', httpAddress, '--http-address-file', httpFile, ...flags,
  ], { env, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  const ended = once(child, 'exit');
  const logText = () => fs.readFileSync(logFile, 'utf8');
  const deadline = Date.now() + START_MS;
  while (!fs.existsSync(addressFile) || !fs.existsSync(httpFile)) {
    assert.equal(child.exitCode, null, `the server exited\n${logText()}`);
    assert.ok(Date.now() < deadline, `the server did not start\n${logText()}`);
    await sleep(20);
  }
  const address = fs.readFileSync(addressFile, 'utf8').trim();
  const http = fs.readFileSync(httpFile, 'utf8').trim();

  async function stop({ keepFolder = false } = {}) {
    child.kill('SIGTERM');
    // A process that does not exit in time is killed, which fails the assertion on the exit code.
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const [code] = await ended;
    clearTimeout(killer);
    assert.equal(code, 0, logText());
    if (!keepFolder) fs.rmSync(folder, { recursive: true });
  }

  /** Makes a unary call from outside of the browser. */
  async function call(method, message, headers = {}) {
    const response = await fetch(`http://${http}/nearby.v1.${method}`, {
      method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(message),
    });
    const body = await response.json();
    assert.ok(response.ok, `${method}: ${JSON.stringify(body)}`);
    return body;
  }

  return { folder, address, http, url: `http://${http}/`, call, stop, kill: () => child.kill('SIGKILL'), logText };
}

/** Loads the sample of Helsinki. */
function importSample(server, ...flags) {
  nearby('import', '--server', `http://${server.address}`, ...flags, SAMPLE);
}

module.exports = { importSample, nearby, start };
