'use strict';
// The HTTP service: POST /nearby.

const fastify = require('fastify');
const { schema, toRequest } = require('./request');
const { toJson } = require('./response');
const { Told, fromFastify, fromGrpc } = require('./errors');
const logger = require('./log');

const OPTIONS = {
  logger,
  // A request is a position, a few words and a page token.
  bodyLimit: 8 * 1024,
  requestTimeout: 10_000,
  // What still comes in while the service stops is answered like the rest.
  return503OnClosing: false,
  ajv: {
    customOptions: {
      // Fastify would make 0 of null and 60.17 of "60.17", and drop what it does not know. A wrong position is worse
      // than none.
      coerceTypes: false,
      removeAdditional: false,
      // All that is wrong is said at once. The small body keeps this cheap.
      allErrors: true,
    },
  },
  // By default a URL that cannot be read is repeated in the answer, and one that leads nowhere in the log as well.
  frameworkErrors: (_error, _request, reply) => nothingHere(reply),
};

/** `nearby` is what `connect` of nearby.js gives. */
function build(nearby) {
  const app = fastify(OPTIONS);
  // JSON or 415: plain text is taken by default.
  app.removeContentTypeParser('text/plain');
  app.setNotFoundHandler((_request, reply) => nothingHere(reply));
  app.setErrorHandler((error, _request, reply) => tell(error instanceof Told ? error : fromFastify(error), reply));
  // A position in a URL would stand in the log of every proxy on its way: no query is taken.
  const querystring = { type: 'object', additionalProperties: false };
  app.post('/nearby', { schema: { body: schema, querystring } }, async (request) => {
    const answer = await nearby.searchNearby(toRequest(request.body)).catch((error) => {
      throw fromGrpc(error);
    });
    return toJson(answer);
  });
  // After the last answer is sent.
  app.addHook('onClose', async () => nearby.close());
  return app;
}

const nothingHere = (reply) => tell(fromFastify({ statusCode: 404 }), reply);

function tell(told, reply) {
  const { cause, http, retryAfter } = told;
  if (http >= 500) reply.log.error(cause instanceof Error ? { err: cause } : { cause }, 'failed');
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply.code(http).send(told.toJSON());
}

module.exports = { build };
