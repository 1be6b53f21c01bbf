'use strict';
// Maps every error to one JSON shape: {error: {code, message, fields: [{field, reason, description}]}}.
//
// Passes on no text from outside except the field descriptions of Nearby, which never repeat a value.

const { STATUS_CODES } = require('node:http');
const { status } = require('@grpc/grpc-js');
const { fieldInJson } = require('./request');
const { read } = require('./contract');

/** An error response. */
class HttpError extends Error {
  constructor(http, code, message, { fields = [], retryAfter, cause } = {}) {
    super(message);
    Object.assign(this, { http, code, fields, retryAfter, cause });
  }

  toJSON() {
    return { error: { code: this.code, message: this.message, fields: this.fields } };
  }
}

const FROM_GRPC = {
  [status.INVALID_ARGUMENT]: [400, 'Some fields are invalid.'],
  [status.NOT_FOUND]: [404, 'Not found.'],
  [status.RESOURCE_EXHAUSTED]: [429, 'Too many requests. Try again later.'],
  [status.UNAVAILABLE]: [503, 'The search is unavailable. Try again later.'],
  [status.DEADLINE_EXCEEDED]: [504, 'The search took too long. Try again.'],
};

// Reasons of RESOURCE_EXHAUSTED that no retry resolves: sizes over a limit. They are a bug of this backend, as its requests
// are small; a 429 would ask the client to retry.
const SIZES_OVER_A_LIMIT = ['MESSAGE_TOO_LARGE', 'RESPONSE_TOO_LARGE'];

/** Converts an error of a call to Nearby. */
function fromGrpc(error) {
  const details = detailsOf(error);
  const cause = { grpc: status[error.code], reason: details.ErrorInfo?.reason, hint: hintOf(error) };
  const violations = details.BadRequest?.fieldViolations ?? [];
  const fields = violations.map(({ field, reason, description }) => ({
    field: fieldInJson(field),
    reason,
    description,
  }));
  // An invalid field that the client cannot set is a bug of this backend.
  if (fields.some(({ field }) => field === undefined)) {
    return internal({ ...cause, fields: violations.map(({ field }) => field) });
  }
  const known = SIZES_OVER_A_LIMIT.includes(cause.reason) ? undefined : FROM_GRPC[error.code];
  const [http, message] = known ?? [502, 'The search failed.'];
  const code = http === 502 ? 'BAD_GATEWAY' : status[error.code];
  return new HttpError(http, code, message, { fields, retryAfter: secondsOf(details.RetryInfo), cause });
}

// Likely causes of a connection that cannot be established, by a part of gRPC's message, which is not logged itself: it could be
// that of a server.
const HINTS = [
  [/wrong version number|EPROTO.*http request|packet length too long/i, 'the port does not speak TLS; NEARBY_SERVER must begin with http://'],
  [/before secure TLS connection was established/, 'the port most likely does not speak TLS; NEARBY_SERVER must begin with http://'],
  [/requires TLS/, 'the port speaks TLS; NEARBY_SERVER must begin with https://'],
  [/certificate required|alert number 116/i, 'the server requires a client certificate; set NEARBY_CLIENT_CERT and NEARBY_CLIENT_KEY'],
  [/self.signed certificate|unable to (verify|get)|CERT_|altnames/i, 'the certificate of the server is not trusted; set NEARBY_SERVER_CA'],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, 'the host name in NEARBY_SERVER does not resolve'],
  [/ECONNREFUSED/, 'no server listens at NEARBY_SERVER'],
];

function hintOf({ code, details = '' }) {
  // Nearby answers a client without TLS on a port with TLS with FAILED_PRECONDITION.
  const isConnection = code === status.UNAVAILABLE || code === status.FAILED_PRECONDITION;
  return isConnection ? HINTS.find(([pattern]) => pattern.test(details))?.[1] : undefined;
}

/** Returns the details of an error, by the last part of their type name. */
function detailsOf(error) {
  const [packed] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!packed) return {};
  const known = ['BadRequest', 'ErrorInfo', 'RetryInfo'];
  const found = read('google.rpc.Status', packed).details.map(({ type_url: url, value }) => {
    const name = known.find((name) => url === `type.googleapis.com/google.rpc.${name}`);
    return name ? [name, read(`google.rpc.${name}`, value)] : [];
  });
  return Object.fromEntries(found.filter(([name]) => name));
}

/** Rounds a delay up to whole seconds, the resolution of Retry-After. */
function secondsOf(retryInfo) {
  const delay = retryInfo?.retryDelay;
  return delay ? Number(delay.seconds) + Math.ceil(delay.nanos / 1e9) : undefined;
}

const REASONS = {
  required: () => ['REQUIRED', 'must be set'],
  type: ({ type }) => ['WRONG_TYPE', `must be of type ${type}`],
  enum: ({ allowedValues }) => ['NOT_ALLOWED', `must be one of: ${allowedValues.join(', ')}`],
  additionalProperties: () => ['UNKNOWN_FIELD', 'unknown field'],
  minLength: ({ limit }) => ['TOO_SHORT', `must have at least ${limit} characters`],
  maxLength: ({ limit }) => ['TOO_LONG', `must have at most ${limit} characters`],
};

/** Converts an error of Fastify, or an unexpected one of this backend. */
function fromFastify(error) {
  if (error.validation) {
    const fields = error.validation.map(({ keyword, instancePath, params }) => {
      const name = params.missingProperty ?? sanitized(params.additionalProperty);
      const field = [...instancePath.split('/').slice(1), name].filter(Boolean).join('.') || error.validationContext;
      const [reason, description] = REASONS[keyword](params);
      return { field, reason, description };
    });
    return new HttpError(400, 'INVALID_ARGUMENT', FROM_GRPC[status.INVALID_ARGUMENT][1], { fields });
  }
  const http = error.statusCode;
  if (!(http >= 400 && http < 500)) return internal(error);
  // The message of the error is not passed on: it can quote the URL.
  if (http === 400) return new HttpError(http, 'INVALID_ARGUMENT', 'The body must be a JSON object.');
  return new HttpError(http, STATUS_CODES[http].toUpperCase().replaceAll(' ', '_'), `${STATUS_CODES[http]}.`);
}

/** Returns the name of an unknown field if it is one word: a client can put anything there, including a position. */
const sanitized = (name) => (/^[A-Za-z]{1,32}$/.test(name) ? name : undefined);

const internal = (cause) => new HttpError(500, 'INTERNAL', 'Internal error.', { cause });

module.exports = { HttpError, fromFastify, fromGrpc };
