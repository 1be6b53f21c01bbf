'use strict';
// The HTTP service; routes.js has its routes.

const fastify = require('fastify');
const { HttpError, fromFastify } = require('./errors');
const logger = require('./log');
const { register } = require('./routes');

const OPTIONS = {
  logger,
  // A request has a position, a few words and a page token.
  bodyLimit: 8 * 1024,
  requestTimeout: 10_000,
  // A merchant id has up to 128 bytes, each of which is three characters in a URL. The default is 100.
  routerOptions: { maxParamLength: 3 * 128 },
  // Requests that arrive during shutdown are served normally.
  return503OnClosing: false,
  ajv: {
    customOptions: {
      // By default Fastify converts null to 0 and "60.17" to 60.17, and drops unknown fields. A wrong position is worse
      // than an error.
      coerceTypes: false,
      removeAdditional: false,
      // Reports all invalid fields at once. The body limit keeps this cheap.
      allErrors: true,
    },
  },
  // By default the response repeats a malformed URL, and the log an unknown one.
  frameworkErrors: (_error, _request, reply) => notFound(reply),
};

/** Builds the service; `services` is the result of `open` in services.js. */
function build(services) {
  const app = fastify(OPTIONS);
  // Accepts JSON only, otherwise 415: Fastify accepts plain text by default.
  app.removeContentTypeParser('text/plain');
  app.setNotFoundHandler((_request, reply) => notFound(reply));
  app.setErrorHandler((error, _request, reply) => sendError(error instanceof HttpError ? error : fromFastify(error), reply));
  register(app, services);
  // Runs after the last response is sent.
  app.addHook('onClose', async () => services.nearby.close());
  return app;
}

const notFound = (reply) => sendError(fromFastify({ statusCode: 404 }), reply);

function sendError(error, reply) {
  const { cause, http, retryAfter } = error;
  if (http >= 500) reply.log.error(cause instanceof Error ? { err: cause } : { cause }, 'failed');
  if (http === 401) reply.header('www-authenticate', 'Bearer');
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply.code(http).send(error.toJSON());
}

module.exports = { build };
