'use strict';
// Log configuration that keeps positions of users out of the log: no body, no URL (clients can put a position there),
// no client address, and no error message, which can quote malformed input.

const serializers = {
  req: (request) => ({ method: request.method, route: request.routeOptions?.url }),
  res: (reply) => ({ statusCode: reply.statusCode }),
  err: (error) => ({ type: error.name, code: error.code, at: framesOf(error) }),
};

const framesOf = ({ stack = '' }) => stack.split('\n').filter((line) => /^ +at /.test(line)).join('\n');

module.exports = { level: 'info', serializers };
