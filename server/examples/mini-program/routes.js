'use strict';
// The routes. A client of a route for users has a session, and each user a rate limit; codes are for the operator, who prints them.

const { createHash, timingSafeEqual } = require('node:crypto');
const { CODE_WIDTH, PAGE, drawLink, idOf, linkTo, sceneOf } = require('./codes');
const { HttpError, fromGrpc } = require('./errors');
const { schema, toRequest } = require('./request');
const { toJson } = require('./response');
const { findShop, getMerchant } = require('./shop');

// Rejects queries: a position in a URL would be logged by every proxy on its path.
const NO_QUERY = { querystring: { type: 'object', additionalProperties: false } };

// WeChat's codes have 32 characters; none of their lengths is documented.
const SESSION = {
  ...NO_QUERY,
  body: {
    type: 'object',
    required: ['code'],
    additionalProperties: false,
    properties: { code: { type: 'string', minLength: 1, maxLength: 256 } },
  },
};

/** Registers all routes whose settings are complete. */
function register(app, services) {
  registerUsers(app, services);
  if (services.linkPrefix) registerLinks(app, services);
  if (services.operatorKey) registerCodes(app, services);
}

function registerUsers(app, { nearby, wechat, sessions, rateLimit, aliases }) {
  const onRequest = wechat ? async (request) => admit(request, sessions, rateLimit) : [];
  const options = { onRequest, schema: NO_QUERY };

  // Without an app id there are no sessions: the mini program then sends no token.
  app.post('/session', { schema: SESSION }, async ({ body: { code } }) =>
    wechat ? sessions.issue(await wechat.logIn(code)) : { token: null, expiresInS: null },
  );
  app.post('/nearby', { onRequest, schema: { ...NO_QUERY, body: schema } }, async ({ body }) => {
    const response = await nearby.searchNearby(toRequest(body)).catch((error) => {
      throw fromGrpc(error);
    });
    return toJson(response);
  });
  app.get('/shops/:id', options, async ({ params: { id } }) => findShop(nearby, id));
  if (!aliases) return;
  app.get('/scenes/:scene', options, async ({ params: { scene } }) => {
    const id = await idOf(scene, aliases);
    if (id === undefined) throw new HttpError(404, 'NOT_FOUND', 'Not found.');
    return { id };
  });
}

/** Rejects a request without a session, or beyond the rate limit of its user. */
function admit({ headers }, sessions, rateLimit) {
  const user = sessions.userOf(bearerOf(headers));
  if (!user) throw unauthenticated('The session is missing or expired. Log in again.');
  const retryAfter = rateLimit.take(user);
  if (retryAfter) throw new HttpError(429, 'RESOURCE_EXHAUSTED', 'Too many requests. Try again later.', { retryAfter });
}

const unauthenticated = (message) => new HttpError(401, 'UNAUTHENTICATED', message);
const bearerOf = ({ authorization = '' }) => /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '';

// For phones that open the link of a code themselves, without WeChat.
const LANDING_PAGE = `<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>附近商户</title><p>请使用微信扫描二维码,打开小程序查看商户。</p></html>
`;
const LANDING_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

function registerLinks(app, { linkPrefix, verification }) {
  app.get('/s/:id', async (_request, reply) => reply.headers(LANDING_HEADERS).send(LANDING_PAGE));
  if (!verification) return;
  // WeChat looks for the file in the last folder of the rule, or at the root for a rule without folders.
  const { name, content } = verification;
  for (const folder of new Set(['/', '/s/', new URL(linkPrefix).pathname])) {
    app.get(folder + name, async (_request, reply) => reply.type('text/plain; charset=utf-8').send(content));
  }
}

function registerCodes(app, { nearby, wechat, aliases, operatorKey, linkPrefix }) {
  const onRequest = async ({ headers }) => {
    if (!isEqual(bearerOf(headers), operatorKey)) throw unauthenticated('The operator key is missing or wrong.');
  };
  const options = { onRequest, schema: NO_QUERY };
  const send = (reply, { type, image }) => reply.type(type).send(image);
  for (const format of linkPrefix ? ['svg', 'png'] : []) {
    app.get(`/shops/:id/link.${format}`, options, async ({ params: { id } }, reply) => {
      await getMerchant(nearby, id);
      return send(reply, await drawLink(linkTo(linkPrefix, id), format));
    });
  }
  if (!wechat || !aliases) return;
  app.get('/shops/:id/code', options, async ({ params: { id } }, reply) => {
    // A shop that does not exist gets no alias.
    await getMerchant(nearby, id);
    return send(reply, await wechat.code({ scene: await sceneOf(id, aliases), page: PAGE, width: CODE_WIDTH }));
  });
}

/** Compares secrets in a time that tells nothing about them. */
function isEqual(one, other) {
  const [left, right] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left, right);
}

module.exports = { register };
