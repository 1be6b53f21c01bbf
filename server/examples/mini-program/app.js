'use strict';
// The HTTP service: POST /nearby.

const fastify = require('fastify');
const { schema, toRequest } = require('./request');
const { toJson } = require('./response');
const { HttpError, fromFastify, fromGrpc } = require('./errors');
const logger = require('./log');

const OPTIONS = {
  logger,
  // A request has a position, a few words and a page token.
  bodyLimit: 8 * 1024,
  requestTimeout: 10_000,
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

/** Builds the service; `nearby` is the result of `connect` in nearby.js. */
function build(nearby) {
  const app = fastify(OPTIONS);
  // Accepts JSON only, otherwise 415: Fastify accepts plain text by default.
  app.removeContentTypeParser('text/plain');
  app.setNotFoundHandler((_request, reply) => notFound(reply));
  app.setErrorHandler((error, _request, reply) => sendError(error instanceof HttpError ? error : fromFastify(error), reply));
  // Rejects queries: a position in a URL would be logged by every proxy on its path.
  const querystring = { type: 'object', additionalProperties: false };
  app.post('/nearby', { schema: { body: schema, querystring } }, async (request) => {
    const response = await nearby.searchNearby(toRequest(request.body)).catch((error) => {
      throw fromGrpc(error);
    });
    return toJson(response);
  });
  // Runs after the last response is sent.
  app.addHook('onClose', async () => nearby.close());
  return app;
}

const notFound = (reply) => sendError(fromFastify({ statusCode: 404 }), reply);

function sendError(error, reply) {
  const { cause, http, retryAfter } = error;
  if (http >= 500) reply.log.error(cause instanceof Error ? { err: cause } : { cause }, 'failed');
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply.code(http).send(error.toJSON());
}

module.exports = { build };
