'use strict';
// The published contract, loaded from its .proto files at startup, without generated code.

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

// A copy of `proto` in the repository, so that this folder works anywhere.
const CONTRACT = path.join(__dirname, 'contract');

// Enums by name and 64-bit numbers as strings, as in protobuf JSON; unset fields have their defaults.
const loaded = loader.loadSync(['nearby/v1/search.proto', 'nearby/v1/manage.proto', 'error_details.proto'], {
  includeDirs: [CONTRACT, __dirname],
  enums: String,
  longs: String,
  defaults: true,
  oneofs: true,
});

const { MerchantService, NearbyService } = grpc.loadPackageDefinition(loaded).nearby.v1;

module.exports = {
  MerchantService,
  NearbyService,
  /** Published service config with timeouts and retry policies, as JSON. */
  serviceConfig: fs.readFileSync(path.join(CONTRACT, 'nearby', 'v1', 'service_config.json'), 'utf8'),
  /** Decodes a message of google.rpc by its full name. */
  read: (name, bytes) => loaded[name].deserialize(bytes),
};
