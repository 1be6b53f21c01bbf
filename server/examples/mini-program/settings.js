'use strict';
// Settings from environment variables.

const fs = require('node:fs');

function read(env) {
  return {
    server: server(env.NEARBY_SERVER || 'http://127.0.0.1:50051'),
    // The names are those of the command line of Nearby; all name files.
    ca: file(env, 'NEARBY_SERVER_CA'),
    certificate: file(env, 'NEARBY_CLIENT_CERT'),
    key: file(env, 'NEARBY_CLIENT_KEY'),
    apiKey: file(env, 'NEARBY_API_KEY_FILE')?.toString().trim(),
    deadlineMs: wholeNumber('DEADLINE_MS', env.DEADLINE_MS || '1500', 1, 60_000),
    host: env.HOST || '127.0.0.1',
    port: wholeNumber('PORT', env.PORT || '3000', 0, 65_535),
  };
}

/** Parses http://HOST:PORT, https://HOST:PORT or HOST:PORT. */
function server(text) {
  const [, scheme = 'http', address] = /^(?:(https?):\/\/)?([^/]+:\d+)\/?$/.exec(text) ?? [];
  if (!address) throw new Error('NEARBY_SERVER must be http://HOST:PORT or https://HOST:PORT');
  return { address, tls: scheme === 'https' };
}

function file(env, name) {
  if (!env[name]) return undefined;
  try {
    return fs.readFileSync(env[name]);
  } catch (error) {
    throw new Error(`${name}: cannot read ${env[name]}: ${error.code}`);
  }
}

function wholeNumber(name, text, min, max) {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`${name} must be a whole number from ${min} to ${max}`);
}

module.exports = { read };
