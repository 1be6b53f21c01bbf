'use strict';
// Connection to Nearby: one per process, with a deadline for each call.

const grpc = require('@grpc/grpc-js');
const { MerchantService, NearbyService, serviceConfig } = require('./contract');

const OPTIONS = {
  // gRPC retries searches within the deadline while the server starts or shuts down.
  'grpc.service_config': serviceConfig,
  // The default backoff between attempts to reconnect grows to two minutes.
  'grpc.max_reconnect_backoff_ms': 5_000,
  // Detects a silently dropped connection within 30 seconds instead of waiting for TCP to give up.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** Connects on first use and reconnects when the connection is lost: Nearby can start later than this backend. */
function connect({ server: { address, tls }, ca, certificate, key, apiKey, deadlineMs }) {
  // Plaintext sends the API key and positions unencrypted: use it on a trusted network only.
  const credentials = tls ? grpc.credentials.createSsl(ca, key, certificate) : grpc.credentials.createInsecure();
  const searches = new NearbyService(address, credentials, OPTIONS);
  // Shares the connection.
  const merchants = new MerchantService(address, credentials, { ...OPTIONS, channelOverride: searches.getChannel() });
  const metadata = new grpc.Metadata();
  if (apiKey) metadata.set('authorization', `Bearer ${apiKey}`);
  const call = (client, method) => (request) =>
    new Promise((resolve, reject) => {
      // Covers all attempts. The timeout of the service config applies too: the earlier of both.
      const deadline = Date.now() + deadlineMs;
      client[method](request, metadata, { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
    });
  return {
    getMerchant: call(merchants, 'getMerchant'),
    searchNearby: call(searches, 'searchNearby'),
    close: () => searches.close(),
  };
}

module.exports = { connect };
