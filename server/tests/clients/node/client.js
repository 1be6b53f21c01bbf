'use strict';
// Clients of a server under test, with calls that are promises.

const grpc = require('@grpc/grpc-js');
const { Health, MerchantService, NearbyService } = require('./contract');

const DEADLINE_MS = 20_000;
const OPTIONS = {
  // A proxy of the machine must not stand between the test and its own child process.
  'grpc.enable_http_proxy': 0,
  // Server and test share the machine: waiting long before the next attempt to connect wins nothing.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
};

// A deadline for every call: a server that hangs must fail a test, not stop the run.
const soon = () => ({ deadline: Date.now() + DEADLINE_MS });

/** `client.call(request)` that gives a promise. */
function promised(client, method) {
  return (request) =>
    new Promise((resolve, reject) => {
      client[method](request, soon(), (error, answer) => (error ? reject(error) : resolve(answer)));
    });
}

/** The same for a call that takes a stream of messages. */
function streamed(client, method) {
  return (messages) =>
    new Promise((resolve, reject) => {
      const call = client[method](soon(), (error, answer) => (error ? reject(error) : resolve(answer)));
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
    check: promised(health, 'check'),
    create: promised(merchants, 'createMerchant'),
    get: promised(merchants, 'getMerchant'),
    list: promised(merchants, 'listMerchants'),
    update: promised(merchants, 'updateMerchant'),
    remove: promised(merchants, 'deleteMerchant'),
    batchCreate: promised(merchants, 'batchCreateMerchants'),
    importAll: streamed(merchants, 'importMerchants'),
    search: promised(nearby, 'searchNearby'),
    batchSearch: promised(nearby, 'batchSearchNearby'),
    close: () => [health, merchants, nearby].forEach((client) => client.close()),
  };
}

module.exports = { connect };
