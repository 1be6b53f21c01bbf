'use strict';
// The contract, and the published protocols that the tests use, loaded from their .proto files at each run.

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const ours = path.join(__dirname, 'protos');
const proto = path.join(__dirname, '..', '..', '..', '..', 'proto');

const files = [
  'nearby/v1/manage.proto',
  'nearby/v1/merchant.proto',
  'nearby/v1/search.proto',
  'health.proto',
  'error_details.proto',
];

// Enums by name and 64-bit numbers as strings, as in protobuf JSON; unset fields have their defaults.
const loaded = loader.loadSync(files, {
  includeDirs: [proto, ours],
  enums: String,
  longs: String,
  defaults: true,
  oneofs: true,
});
const { nearby, grpc: published } = grpc.loadPackageDefinition(loaded);

module.exports = {
  NearbyService: nearby.v1.NearbyService,
  MerchantService: nearby.v1.MerchantService,
  Health: published.health.v1.Health,
  /** Returns a message type by its full name, with `serialize` and `deserialize`. */
  message: (name) => loaded[name],
};
