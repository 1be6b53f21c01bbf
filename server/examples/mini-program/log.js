'use strict';
// What the log may hold: nothing of where anybody is. No body, no URL (somebody will put a position there), no address
// of a caller, and no message of an error, which may quote what it could not read.

const serializers = {
  req: (request) => ({ method: request.method, route: request.routeOptions?.url }),
  res: (reply) => ({ statusCode: reply.statusCode }),
  err: (error) => ({ type: error.name, code: error.code, at: framesOf(error) }),
};

const framesOf = ({ stack = '' }) => stack.split('\n').filter((line) => /^ +at /.test(line)).join('\n');

module.exports = { level: 'info', serializers };
