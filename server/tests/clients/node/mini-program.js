'use strict';
// The example in server/examples/mini-program as a child process: started, asked over HTTP, stopped.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const EXAMPLE = path.join(__dirname, '..', '..', '..', 'examples', 'mini-program');
const START_MS = 20_000;
const STOP_MS = 20_000;

/** Starts the example before a Nearby at this address. */
async function start(address, settings = {}) {
  // A proxy of the machine must not stand between the example and the test's own server.
  const env = { ...process.env, NEARBY_ADDRESS: address, PORT: '0', no_grpc_proxy: '127.0.0.1', ...settings };
  const child = spawn(process.execPath, [path.join(EXAMPLE, 'server.js')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));

  /** Waits until the log says this; returns the match. */
  async function says(words) {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const found = words.exec(said);
      if (found) return found;
      assert.equal(child.exitCode, null, `the example ended\n${said}`);
      assert.ok(Date.now() < deadline, `the log never said ${words}\n${said}`);
      await sleep(10);
    }
  }

  let origin;
  try {
    [, origin] = await says(/Server listening at (http:\/\/[\d.:]+)/);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }

  /** Asks anything of it. */
  async function ask(target, init) {
    const answer = await fetch(origin + target, { signal: AbortSignal.timeout(START_MS), ...init });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  }

  const terminate = () => child.kill('SIGTERM');

  /** Waits until it has stopped; returns its log, without the numbers that differ from run to run. */
  async function stopped() {
    // One that does not stop by itself ends by this signal, and so not with 0.
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const [code, signal] = await ended;
    clearTimeout(killer);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, said);
    const lines = said.trim().split('\n').map((line) => JSON.parse(line));
    return lines.map(({ time, pid, responseTime, ...rest }) => JSON.stringify(rest)).join('\n');
  }

  function stop() {
    terminate();
    return stopped();
  }

  return {
    ask,
    /** Ends it at once, if it has not ended: for what has to be cleared away after a test that failed. */
    kill: () => child.kill('SIGKILL'),
    port: Number(new URL(origin).port),
    /** POST /nearby with a body that is not text already. */
    nearby: (body) => ask('/nearby', post(JSON.stringify(body))),
    says,
    stop,
    stopped,
    /** Tells it to stop, and does not wait. */
    terminate,
  };
}

const post = (body, type = 'application/json') => ({ method: 'POST', headers: { 'content-type': type }, body });

/** All answers of a list, page by page. */
async function pages(backend, body) {
  const answers = [];
  let pageToken = '';
  do {
    const { status, body: answer, text } = await backend.nearby({ ...body, pageToken });
    assert.equal(status, 200, text);
    answers.push(answer);
    pageToken = answer.nextPageToken;
  } while (pageToken);
  return answers;
}

module.exports = { EXAMPLE, pages, post, start };
