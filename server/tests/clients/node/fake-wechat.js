'use strict';
// A fake of WeChat's server API on loopback that checks what WeChat checks, as its documentation describes it.

const { once } = require('node:events');
const http = require('node:http');

const APP_ID = 'wx0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';
const SCENE = /^[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}$/;
const TOKEN_SECONDS = 7_200;

/**
 * Starts the fake. `codes` maps the codes of `wx.login` to openids; each is valid once. `published` are the pages of the
 * released version. `fail[path]` is an errcode for every call. `calls` records {path, query, body} and `scenes` those of
 * codes. `image` is the content of all codes.
 */
async function start() {
  const fake = {
    codes: new Map(),
    published: ['pages/scan/scan'],
    fail: {},
    calls: [],
    scenes: [],
    image: Buffer.from('\x89PNG fake'),
    tokenSeconds: TOKEN_SECONDS,
    issued: 0,
    /** Ends the validity of the current token, as a reset of the secret does. */
    revoke: () => (token = undefined),
    callsOf: (path) => fake.calls.filter((call) => call.path === path),
  };
  let token;

  const methods = {
    '/sns/jscode2session': ['GET', ({ query }) => logIn(fake, query)],
    '/cgi-bin/stable_token': [
      'POST',
      ({ body }) => {
        if (body.grant_type !== 'client_credential') return error(40002);
        if (body.appid !== APP_ID) return error(40013);
        if (body.secret !== SECRET) return error(40125);
        // The same token until it expires, unless the refresh is forced.
        if (!token || body.force_refresh) token = `token-${(fake.issued += 1)}`;
        return { access_token: token, expires_in: fake.tokenSeconds };
      },
    ],
    '/wxa/getwxacodeunlimit': [
      'POST',
      ({ query, body }) => {
        if (!query.access_token) return error(41001);
        if (query.access_token !== token) return error(query.access_token.startsWith('token-') ? 42001 : 40001);
        return code(fake, body);
      },
    ],
  };

  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const chunks = await request.toArray();
    const text = Buffer.concat(chunks).toString();
    const call = { path: url.pathname, query: Object.fromEntries(url.searchParams), body: text && JSON.parse(text) };
    fake.calls.push(call);
    const [method, handler] = methods[call.path] ?? [];
    const reply = method === request.method ? (reject(fake.fail[call.path]) ?? handler(call)) : error(43002);
    // Errors are JSON with status 200 too.
    const isImage = Buffer.isBuffer(reply);
    response.writeHead(200, { 'content-type': isImage ? 'image/png' : 'application/json; encoding=utf-8' });
    response.end(isImage ? reply : JSON.stringify(reply));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  fake.origin = `http://127.0.0.1:${server.address().port}`;
  fake.stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return fake;
}

const error = (errcode) => ({ errcode, errmsg: `fake error ${errcode} rid: 0` });
const reject = (errcode) => (errcode === undefined ? undefined : error(errcode));

function logIn(fake, { appid, secret, js_code: code, grant_type: grant }) {
  if (appid !== APP_ID) return error(40013);
  if (secret !== SECRET) return error(40125);
  if (grant !== 'authorization_code') return error(40002);
  const openid = fake.codes.get(code);
  if (openid === undefined) return error(40029);
  if (openid === null) return error(40163);
  fake.codes.set(code, null);
  return { openid, session_key: 'a-session-key' };
}

function code(fake, { scene, page, check_path: check = true, env_version: version = 'release', width = 430 }) {
  if (typeof scene !== 'string' || scene.length > 32) return error(40169);
  if (!SCENE.test(scene)) return error(40129);
  if (page.startsWith('/') || page.includes('?')) return error(41030);
  if (check && !fake.published.includes(page)) return error(41030);
  if (!['release', 'trial', 'develop'].includes(version) || width < 280 || width > 1280) return error(40097);
  fake.scenes.push(scene);
  return fake.image;
}

module.exports = { APP_ID, SECRET, start };
