'use strict';
// Runs server/examples/mini-program as a child process and sends it HTTP requests.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const EXAMPLE = path.join(__dirname, '..', '..', '..', 'examples', 'mini-program');
const START_MS = 20_000;
const STOP_MS = 20_000;

/** Starts the example, or a copy of it, with a Nearby server at this address. */
async function start(address, settings = {}, folder = EXAMPLE) {
  // Ignores a proxy configured in the environment.
  const env = { ...process.env, NEARBY_SERVER: `http://${address}`, PORT: '0', no_grpc_proxy: '127.0.0.1', ...settings };
  const child = spawn(process.execPath, [path.join(folder, 'server.js')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));

  /** Waits until the log matches; returns the match. */
  async function waitForLog(pattern) {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const found = pattern.exec(log);
      if (found) return found;
      assert.equal(child.exitCode, null, `the example exited\n${log}`);
      assert.ok(Date.now() < deadline, `the log never matched ${pattern}\n${log}`);
      await sleep(10);
    }
  }

  let origin;
  try {
    [, origin] = await waitForLog(/Server listening at (http:\/\/[\d.:]+)/);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }

  const send = (target, init) => fetch(origin + target, { signal: AbortSignal.timeout(START_MS), ...init });

  /** Sends a request and parses the JSON response. */
  async function request(target, init) {
    const response = await send(target, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  }

  const terminate = () => child.kill('SIGTERM');

  /** Waits for a clean exit; returns the log without the numbers that differ between runs. */
  async function stopped() {
    // A process that does not exit in time is killed, which fails the assertion on the exit code.
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const [code, signal] = await ended;
    clearTimeout(killer);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, log);
    const lines = log.trim().split('\n').map((line) => JSON.parse(line));
    return lines.map(({ time, pid, responseTime, ...rest }) => JSON.stringify(rest)).join('\n');
  }

  function stop() {
    terminate();
    return stopped();
  }

  return {
    request,
    /** Sends a request whose response is not JSON. */
    send,
    /** Kills the process if it is still running: cleanup after a failed test. */
    kill: () => child.kill('SIGKILL'),
    port: Number(new URL(origin).port),
    /** Sends POST /nearby with a JSON body. */
    nearby: (body) => request('/nearby', post(JSON.stringify(body))),
    waitForLog,
    stop,
    stopped,
    /** Sends SIGTERM without waiting. */
    terminate,
  };
}

const post = (body, type = 'application/json') => ({ method: 'POST', headers: { 'content-type': type }, body });

/** Requests all pages of a list. */
async function pages(backend, body) {
  const responses = [];
  let pageToken = '';
  do {
    const { status, body: response, text } = await backend.nearby({ ...body, pageToken });
    assert.equal(status, 200, text);
    responses.push(response);
    pageToken = response.nextPageToken;
  } while (pageToken);
  return responses;
}

module.exports = { EXAMPLE, pages, post, start };
