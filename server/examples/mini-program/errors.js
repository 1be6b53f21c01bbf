'use strict';
// Every error as one shape of JSON: {error: {code, message, fields: [{field, reason, description}]}}.
//
// No text that came from outside is passed on but what Nearby says of a field, which never repeats its value.

const { STATUS_CODES } = require('node:http');
const { status } = require('@grpc/grpc-js');
const { fieldInJson } = require('./request');
const { read } = require('./contract');

/** An error that the caller is told of. */
class Told extends Error {
  constructor(http, code, message, { fields = [], retryAfter, cause } = {}) {
    super(message);
    Object.assign(this, { http, code, fields, retryAfter, cause });
  }

  toJSON() {
    return { error: { code: this.code, message: this.message, fields: this.fields } };
  }
}

const FROM_GRPC = {
  [status.INVALID_ARGUMENT]: [400, 'Some fields are not as they must be.'],
  [status.NOT_FOUND]: [404, 'There is no such thing.'],
  [status.RESOURCE_EXHAUSTED]: [429, 'Too much is being asked right now. Try again later.'],
  [status.UNAVAILABLE]: [503, 'The search is not available right now. Try again later.'],
  [status.DEADLINE_EXCEEDED]: [504, 'The search took too long. Try again.'],
};

/** From an error of a call to Nearby. */
function fromGrpc(error) {
  const details = detailsOf(error);
  const cause = { grpc: status[error.code], reason: details.ErrorInfo?.reason };
  const violations = details.BadRequest?.fieldViolations ?? [];
  const fields = violations.map(({ field, reason, description }) => ({
    field: fieldInJson(field),
    reason,
    description,
  }));
  // A field that the caller cannot set was set wrongly here.
  if (fields.some(({ field }) => field === undefined)) {
    return internal({ ...cause, fields: violations.map(({ field }) => field) });
  }
  const [http, message] = FROM_GRPC[error.code] ?? [502, 'The search failed.'];
  const code = http === 502 ? 'BAD_GATEWAY' : status[error.code];
  return new Told(http, code, message, { fields, retryAfter: secondsOf(details.RetryInfo), cause });
}

/** The details of an error, by the last part of their type's name. */
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

/** Whole seconds, which is all that Retry-After can say. */
function secondsOf(retryInfo) {
  const delay = retryInfo?.retryDelay;
  return delay ? Number(delay.seconds) + Math.ceil(delay.nanos / 1e9) : undefined;
}

const REASONS = {
  required: () => ['REQUIRED', 'must be given'],
  type: ({ type }) => ['WRONG_TYPE', `must be of the type ${type}`],
  enum: ({ allowedValues }) => ['NOT_ALLOWED', `must be one of: ${allowedValues.join(', ')}`],
  additionalProperties: () => ['UNKNOWN_FIELD', 'is not a field that is known here'],
};

/** From an error of Fastify, or one of our own making. */
function fromFastify(error) {
  if (error.validation) {
    const fields = error.validation.map(({ keyword, instancePath, params }) => {
      const name = params.missingProperty ?? harmless(params.additionalProperty);
      const field = [...instancePath.split('/').slice(1), name].filter(Boolean).join('.') || error.validationContext;
      const [reason, description] = REASONS[keyword](params);
      return { field, reason, description };
    });
    return new Told(400, 'INVALID_ARGUMENT', FROM_GRPC[status.INVALID_ARGUMENT][1], { fields });
  }
  const http = error.statusCode;
  if (!(http >= 400 && http < 500)) return internal(error);
  // The error's own message is not passed on: it may quote the URL.
  if (http === 400) return new Told(http, 'INVALID_ARGUMENT', 'The body must be a JSON object.');
  return new Told(http, STATUS_CODES[http].toUpperCase().replaceAll(' ', '_'), `${STATUS_CODES[http]}.`);
}

/** The name of a field that is not known here, if it is a word: a caller may have put anything there. */
const harmless = (name) => (/^[A-Za-z]{1,32}$/.test(name) ? name : undefined);

const internal = (cause) => new Told(500, 'INTERNAL', 'Something went wrong here.', { cause });

module.exports = { Told, fromFastify, fromGrpc };
