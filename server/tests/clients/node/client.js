'use strict';
// Clients of the server under test, with promises.

const grpc = require('@grpc/grpc-js');
const { Health, MerchantService, NearbyService } = require('./contract');

const DEADLINE_MS = 20_000;
const OPTIONS = {
  // Ignores a proxy configured in the environment.
  'grpc.enable_http_proxy': 0,
  // Server and test share the machine, so reconnecting quickly is harmless.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
};

// Deadline of every call: a server that hangs must fail a test, not block the run.
const withDeadline = (ms = DEADLINE_MS) => ({ deadline: Date.now() + ms });

/** Returns a unary method as a function that returns a promise. */
function unary(client, method) {
  return (request) =>
    new Promise((resolve, reject) => {
      client[method](request, withDeadline(), (error, response) => (error ? reject(error) : resolve(response)));
    });
}

/** Returns a client-streaming method as a function that returns a promise. */
function clientStreaming(client, method) {
  return (messages, deadlineMs) =>
    new Promise((resolve, reject) => {
      const call = client[method](withDeadline(deadlineMs), (error, response) => (error ? reject(error) : resolve(response)));
      for (const message of messages) call.write(message);
      call.end();
    });
}

/** Returns a method that streams in both directions as a function that returns a promise of all responses. */
function streaming(client, method) {
  return (messages, deadlineMs) =>
    new Promise((resolve, reject) => {
      const call = client[method](withDeadline(deadlineMs));
      const responses = [];
      call.on('data', (response) => responses.push(response));
      call.on('error', reject);
      call.on('end', () => resolve(responses));
      for (const message of messages) call.write(message);
      call.end();
    });
}

function connect(address) {
  const credentials = grpc.credentials.createInsecure();
  const health = new Health(address, credentials, OPTIONS);
  const merchants = new MerchantService(address, credentials, OPTIONS);
  const nearby = new NearbyService(address, credentials, OPTIONS);
  return {
    check: unary(health, 'check'),
    create: unary(merchants, 'createMerchant'),
    get: unary(merchants, 'getMerchant'),
    list: unary(merchants, 'listMerchants'),
    update: unary(merchants, 'updateMerchant'),
    remove: unary(merchants, 'deleteMerchant'),
    batchCreate: unary(merchants, 'batchCreateMerchants'),
    importAll: clientStreaming(merchants, 'importMerchants'),
    search: unary(nearby, 'searchNearby'),
    batchSearch: unary(nearby, 'batchSearchNearby'),
    streamSearch: streaming(nearby, 'streamSearchNearby'),
    close: () => [health, merchants, nearby].forEach((client) => client.close()),
  };
}

module.exports = { connect };
