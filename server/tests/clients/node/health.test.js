'use strict';
// grpc.health.v1, which load balancers and orchestrators poll.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { HEALTH_NAMES, start } = require('./nearby-server');
const { expectError } = require('./rpc-error');

let server;
before(async () => (server = await start()));
after(() => server.stop());

for (const service of HEALTH_NAMES) {
  test(`'${service}' is SERVING`, async () => {
    assert.deepEqual(await server.client.check({ service }), { status: 'SERVING' });
  });
}

test('unknown service is NOT_FOUND', async () => {
  const error = await expectError(server.client.check({ service: 'nearby.v1.NoSuchService' }));
  assert.equal(error.code, status.NOT_FOUND);
});
