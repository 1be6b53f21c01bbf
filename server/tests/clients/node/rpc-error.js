'use strict';
// Contents of an RPC error: code, message and error details of google.rpc.

const assert = require('node:assert/strict');
const { message } = require('./contract');

const KINDS = ['BadRequest', 'ErrorInfo', 'PreconditionFailure', 'ResourceInfo', 'RetryInfo'].map(
  (kind) => `google.rpc.${kind}`,
);

/** Waits for a call to fail and returns its error. */
async function expectError(call) {
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (error) => error,
  );
  assert.ok(error.metadata, error);
  const details = unpacked(error);
  const violations = details['google.rpc.BadRequest']?.fieldViolations ?? [];
  return {
    code: error.code,
    fields: violations.map((violation) => violation.field),
    resource: details['google.rpc.ResourceInfo'],
    reason: details['google.rpc.ErrorInfo']?.reason,
    // All text that the client receives.
    text: [error.message, JSON.stringify(details)].join('\n'),
  };
}

function unpacked(error) {
  const [packed] = error.metadata.get('grpc-status-details-bin');
  if (!packed) return {};
  const status = message('google.rpc.Status').deserialize(packed);
  assert.deepEqual([status.code, status.message], [error.code, readable(error.details)], 'status and details agree');
  const details = {};
  for (const detail of status.details) {
    const kind = KINDS.find((name) => detail.type_url === `type.googleapis.com/${name}`);
    assert.ok(kind, `unexpected detail ${detail.type_url}`);
    details[kind] = message(kind).deserialize(detail.value);
  }
  return details;
}

/** Unescapes the two characters that servers may escape in a status message and grpc-js does not unescape. */
const readable = (text) => text.replaceAll('%3F', '?').replaceAll('%23', '#');

module.exports = { expectError };
