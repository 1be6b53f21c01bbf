'use strict';
// Settings from environment variables.

const fs = require('node:fs');
const path = require('node:path');

// Shorter keys of sessions can be guessed.
const MIN_KEY_BYTES = 32;

function read(env) {
  return {
    server: server(env.NEARBY_SERVER || 'http://127.0.0.1:50051'),
    // The names are those of the command line of Nearby; all name files.
    ca: file(env, 'NEARBY_SERVER_CA'),
    certificate: file(env, 'NEARBY_CLIENT_CERT'),
    key: file(env, 'NEARBY_CLIENT_KEY'),
    apiKey: secret(env, 'NEARBY_API_KEY_FILE'),
    deadlineMs: wholeNumber('DEADLINE_MS', env.DEADLINE_MS || '1500', 1, 60_000),
    host: env.HOST || '127.0.0.1',
    port: wholeNumber('PORT', env.PORT || '3000', 0, 65_535),
    wechat: wechat(env),
    sessions: {
      key: sessionKey(env),
      seconds: wholeNumber('SESSION_SECONDS', env.SESSION_SECONDS || '86400', 60, 30 * 86_400),
    },
    rateLimit: {
      perMinute: wholeNumber('RATE_PER_MINUTE', env.RATE_PER_MINUTE || '60', 1, 100_000),
      burst: wholeNumber('RATE_BURST', env.RATE_BURST || '30', 1, 100_000),
    },
    operatorKey: secret(env, 'OPERATOR_KEY_FILE'),
    linkPrefix: linkPrefix(env.LINK_PREFIX),
    verification: verification(env),
    aliasesFile: env.ALIASES_FILE || undefined,
  };
}

const VERSIONS = ['release', 'trial', 'develop'];

/** Returns the app; undefined without WECHAT_APP_ID. */
function wechat(env) {
  const appSecret = secret(env, 'WECHAT_APP_SECRET_FILE');
  if (!env.WECHAT_APP_ID !== !appSecret) throw new Error('WECHAT_APP_ID and WECHAT_APP_SECRET_FILE must be set together');
  if (!appSecret) return undefined;
  const envVersion = env.WECHAT_ENV_VERSION || 'release';
  if (!VERSIONS.includes(envVersion)) throw new Error(`WECHAT_ENV_VERSION must be one of: ${VERSIONS.join(', ')}`);
  const api = (env.WECHAT_API || 'https://api.weixin.qq.com').replace(/\/$/, '');
  if (!/^https?:\/\/[^/?#]+$/.test(api)) throw new Error('WECHAT_API must be https://HOST or http://HOST:PORT');
  return { appId: env.WECHAT_APP_ID, appSecret, envVersion, api };
}

/** Reads a secret of one line; an empty file is an error, as it would disable what it protects. */
function secret(env, name) {
  const text = file(env, name)?.toString().trim();
  if (text === '') throw new Error(`${name}: ${env[name]} is empty`);
  return text;
}

function sessionKey(env) {
  const key = file(env, 'SESSION_KEY_FILE');
  if (key && key.length < MIN_KEY_BYTES) throw new Error(`SESSION_KEY_FILE must have at least ${MIN_KEY_BYTES} bytes`);
  return key;
}

/** Checks the rule for ordinary links: WeChat matches paths below a rule only if the rule ends with a slash. */
function linkPrefix(text) {
  if (!text) return undefined;
  if (!/^https:\/\/[^/?#]+\/([^?#]+\/)?s\/$/.test(text))
    throw new Error('LINK_PREFIX must be https://HOST/s/, or a folder that ends with /s/');
  return text;
}

/** Reads the file by which WeChat verifies the domain; undefined without one. */
function verification(env) {
  const content = file(env, 'WECHAT_VERIFY_FILE');
  if (!content) return undefined;
  const name = path.basename(env.WECHAT_VERIFY_FILE);
  if (!/^[\w-]+\.txt$/.test(name))
    throw new Error('WECHAT_VERIFY_FILE must keep the name that WeChat gave it, such as AbCdEf1234.txt');
  if (!env.LINK_PREFIX) throw new Error('WECHAT_VERIFY_FILE requires LINK_PREFIX');
  return { name, content };
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
