'use strict';
// Runs a real server as a child process and requires a clean exit.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { status } = require('@grpc/grpc-js');
const { connect } = require('./client');

const HEALTH_NAMES = ['', 'nearby.v1.NearbyService', 'nearby.v1.MerchantService'];
const START_MS = 20_000;
const STOP_MS = 20_000;

/**
 * Starts a server with an empty data directory and flags; returns its address, a client, and functions to stop it. `kill`
 * kills it if it is still running: cleanup after a failed test. The client has no TLS: without `checkHealth` it makes no call.
 */
async function start(moreFlags = [], { checkHealth = true } = {}) {
  assert.ok(process.env.NEARBY_BIN, 'NEARBY_BIN must be the path of a nearby program');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-node-'));
  const addressFile = path.join(folder, 'address');
  const logFile = path.join(folder, 'log');
  const log = fs.openSync(logFile, 'w');
  const flags = ['--data-dir', path.join(folder, 'data'), '--listen', '127.0.0.1:0', '--address-file', addressFile, ...moreFlags];
  // Removes Nearby settings inherited from the environment.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('NEARBY_')));
  // A nearly full disk must not fail unrelated tests.
  env.NEARBY_MIN_FREE_DISK_MIB = '16';
  const child = spawn(process.env.NEARBY_BIN, ['serve', ...flags], { env, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  const ended = once(child, 'exit');
  const logText = () => fs.readFileSync(logFile, 'utf8');

  async function waitUntil(ready, complaint) {
    const deadline = Date.now() + START_MS;
    while (!(await ready())) {
      assert.equal(child.exitCode, null, `the server exited\n${logText()}`);
      assert.ok(Date.now() < deadline, `${complaint}\n${logText()}`);
      await sleep(20);
    }
  }

  async function stop() {
    // The client stays connected, as load balancers do: that must not delay the shutdown.
    child.kill('SIGTERM');
    // A process that does not exit in time is killed, which fails the assertion on the exit code.
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const [code, signal] = await ended;
    clearTimeout(killer);
    client.close();
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, logText());
    fs.rmSync(folder, { recursive: true });
  }

  let address;
  let client;
  try {
    await waitUntil(() => fs.existsSync(addressFile), 'no address was written');
    address = fs.readFileSync(addressFile, 'utf8').trim();
    client = connect(address);
    for (const service of checkHealth ? HEALTH_NAMES : []) await waitUntil(() => serves(client, service), `'${service}' is not SERVING`);
  } catch (error) {
    child.kill('SIGKILL');
    client?.close();
    throw error;
  }
  return { address, client, kill: () => child.kill('SIGKILL'), stop };
}

async function serves(client, service) {
  try {
    return (await client.check({ service })).status === 'SERVING';
  } catch (error) {
    if (error.code === status.UNAVAILABLE) return false;
    throw error;
  }
}

module.exports = { HEALTH_NAMES, start };
