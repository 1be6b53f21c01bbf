'use strict';
// The published contract, loaded from its files: no generated code to keep in step.

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

// Where the contract lies. Whoever copies this folder copies `proto/nearby/v1` too, and says here where it is.
const CONTRACT = path.join(__dirname, '..', '..', '..', 'proto');

// Enums by name and 64-bit numbers as text, as JSON has them; unset fields are there with their defaults.
const loaded = loader.loadSync(['nearby/v1/search.proto', 'error_details.proto'], {
  includeDirs: [CONTRACT, __dirname],
  enums: String,
  longs: String,
  defaults: true,
  oneofs: true,
});

module.exports = {
  NearbyService: grpc.loadPackageDefinition(loaded).nearby.v1.NearbyService,
  /** What the project says of time limits and of what may be tried again, as JSON. */
  serviceConfig: fs.readFileSync(path.join(CONTRACT, 'nearby', 'v1', 'service_config.json'), 'utf8'),
  /** Reads a message of google.rpc, by its full name. */
  read: (name, bytes) => loaded[name].deserialize(bytes),
};
