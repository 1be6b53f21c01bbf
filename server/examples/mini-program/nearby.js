'use strict';
// The connection to Nearby: one for the whole process, calls as promises, each with a deadline.

const grpc = require('@grpc/grpc-js');
const { NearbyService, serviceConfig } = require('./contract');

const OPTIONS = {
  // Searches that meet a server which is just starting or stopping are tried again by the library, within the deadline.
  'grpc.service_config': serviceConfig,
  // By default the library comes to wait up to two minutes before it looks for a lost server again.
  'grpc.max_reconnect_backoff_ms': 5_000,
  // A peer that vanished without a word is noticed in half a minute, not when TCP gives up.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** Connects when it is first used, and again whenever the connection is lost: Nearby need not be there first. */
function connect({ address, deadlineMs }) {
  // Nearby has no TLS of its own: what lies between must be a network that is trusted.
  const client = new NearbyService(address, grpc.credentials.createInsecure(), OPTIONS);
  return {
    searchNearby: (request) =>
      new Promise((resolve, reject) => {
        // For all attempts together. The time limit in the service config holds too: the earlier of both.
        const deadline = Date.now() + deadlineMs;
        client.searchNearby(request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
      }),
    close: () => client.close(),
  };
}

module.exports = { connect };
