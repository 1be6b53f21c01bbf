'use strict';
// A copy of the mini-program example alone, with TLS, a client certificate and an API key, and its log when one is missing.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { EXAMPLE, start: startBackend } = require('./mini-program');
const { start: startNearby } = require('./nearby-server');

const HERE = { latitude: 39.9087, longitude: 116.3975, datum: 'wgs84' };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nearby-tls-'));
const file = (name) => path.join(folder, name);
const copy = file('backend');
const VARIABLES = {
  NEARBY_SERVER_CA: file('ca.pem'),
  NEARBY_CLIENT_CERT: file('client.pem'),
  NEARBY_CLIENT_KEY: file('client.key'),
  NEARBY_API_KEY_FILE: file('key'),
};

let plain;
let secure;
before(async () => {
  fs.cpSync(EXAMPLE, copy, { recursive: true });
  makeCertificates();
  const keys = file('keys.toml');
  fs.writeFileSync(file('key'), execFileSync(process.env.NEARBY_BIN, ['keys', 'add', 'app', '--role', 'search', '--keys', keys]));
  plain = await startNearby();
  const tls = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key'), '--tls-client-ca', file('ca.pem')];
  secure = await startNearby([...tls, '--keys', keys], { checkHealth: false });
});
after(async () => {
  await plain?.stop();
  await secure?.stop();
});

test('a copy of the folder searches with TLS, a client certificate and a key', async (t) => {
  const { status, text } = await search(t, `https://localhost:${portOf(secure)}`, VARIABLES);
  assert.equal(status, 200, text);
});

const without = (...names) => Object.fromEntries(Object.entries(VARIABLES).filter(([name]) => !names.includes(name)));

const FAILURES = [
  ['no key', () => `https://localhost:${portOf(secure)}`, without('NEARBY_API_KEY_FILE'), /"reason":"CREDENTIALS_(MISSING|INVALID)"/],
  ['unknown authority', () => `https://localhost:${portOf(secure)}`, without('NEARBY_SERVER_CA'), /"hint":"[^"]*set NEARBY_SERVER_CA"/],
  [
    'no client certificate',
    () => `https://localhost:${portOf(secure)}`,
    without('NEARBY_CLIENT_CERT', 'NEARBY_CLIENT_KEY'),
    /"hint":"[^"]*set NEARBY_CLIENT_CERT and NEARBY_CLIENT_KEY"/,
  ],
  ['http to a port with TLS', () => `http://localhost:${portOf(secure)}`, {}, /"hint":"[^"]*must begin with https:/],
  ['https to a port without TLS', () => `https://localhost:${portOf(plain)}`, VARIABLES, /"hint":"[^"]*must begin with http:/],
  ['unknown host', () => 'http://no-such-host.invalid:50051', {}, /"hint":"the host name in NEARBY_SERVER does not resolve"/],
];

for (const [what, server, variables, expected] of FAILURES) {
  test(`the log names the cause: ${what}`, async (t) => {
    const { status, log } = await search(t, server(), variables);
    assert.ok(status >= 500, `${status}`);
    assert.match(log, expected);
  });
}

test('an invalid address and a missing file are named at start', async () => {
  await assert.rejects(startBackend('', { NEARBY_SERVER: 'nearby' }, copy), /NEARBY_SERVER must be http:/);
  const missing = { NEARBY_API_KEY_FILE: file('no-such-file') };
  await assert.rejects(startBackend('127.0.0.1:1', missing, copy), /NEARBY_API_KEY_FILE: cannot read .*ENOENT/);
});

const portOf = ({ address }) => address.split(':').pop();

/** Runs one search with these settings; returns the response and the log. */
async function search(t, server, variables) {
  const backend = await startBackend('', { NEARBY_SERVER: server, DEADLINE_MS: '20000', ...variables }, copy);
  t.after(backend.kill);
  const response = await backend.nearby({ position: HERE });
  return { ...response, log: await backend.stop() };
}

/** Writes ca.pem, and a certificate and key for `server` (localhost) and `client`. */
function makeCertificates() {
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-subj', '/CN=test', '-days', '2', '-keyout', file('ca.key'), '-out', file('ca.pem'));
  for (const [name, host] of [['server', 'localhost'], ['client', 'backend']]) {
    fs.writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${host}`);
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`));
    const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
    const output = ['-days', '2', '-extfile', file(`${name}.ext`), '-out', file(`${name}.pem`)];
    openssl('x509', '-req', '-in', file(`${name}.csr`), ...authority, ...output);
  }
}
