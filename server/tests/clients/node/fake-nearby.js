'use strict';
// A Nearby that answers searches as a test says.

const grpc = require('@grpc/grpc-js');
const { NearbyService, message } = require('./contract');

/** Starts it; `answer` is a handler of SearchNearby, which a test may change, and `calls` holds what came. */
async function start() {
  const fake = { calls: [], answer: (_call, reply) => reply(null, { results: [] }) };
  const server = new grpc.Server();
  server.addService(NearbyService.service, {
    searchNearby: (call, reply) => {
      fake.calls.push(call);
      fake.answer(call, reply);
    },
  });
  const port = await new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  fake.address = `127.0.0.1:${port}`;
  // Calls that a test never answered are cut.
  fake.stop = () => server.forceShutdown();
  return fake;
}

/** An error as a server sends it, with details of google.rpc by the last part of their type's name. */
function failure(code, text, details = {}) {
  const packed = Object.entries(details).map(([name, detail]) => ({
    type_url: `type.googleapis.com/google.rpc.${name}`,
    value: message(`google.rpc.${name}`).serialize(detail),
  }));
  const metadata = new grpc.Metadata();
  const whole = message('google.rpc.Status').serialize({ code, message: text, details: packed });
  metadata.set('grpc-status-details-bin', whole);
  return { code, details: text, metadata };
}

module.exports = { failure, start };
