'use strict';
// A fake Nearby server whose responses are scripted by the test.

const grpc = require('@grpc/grpc-js');
const { NearbyService, message } = require('./contract');

/** Starts the server. `handler` handles SearchNearby and can be replaced by the test; `calls` records the calls. */
async function start() {
  const fake = { calls: [], handler: (_call, reply) => reply(null, { results: [] }) };
  const server = new grpc.Server();
  server.addService(NearbyService.service, {
    searchNearby: (call, reply) => {
      fake.calls.push(call);
      fake.handler(call, reply);
    },
  });
  const port = await new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  fake.address = `127.0.0.1:${port}`;
  // Cancels calls without a response.
  fake.stop = () => server.forceShutdown();
  return fake;
}

/** Builds an error with details of google.rpc, given by the last part of their type name. */
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
