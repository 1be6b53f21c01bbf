'use strict';
// grpc.health.v1, which load balancers and orchestrators ask.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { HEALTH_NAMES, start } = require('./nearby-server');
const { refused } = require('./rpc-error');

let server;
before(async () => (server = await start()));
after(() => server.stop());

for (const service of HEALTH_NAMES) {
  test(`'${service}' serves`, async () => {
    assert.deepEqual(await server.client.check({ service }), { status: 'SERVING' });
  });
}

test('an unknown service is not found', async () => {
  const refusal = await refused(server.client.check({ service: 'nearby.v1.NoSuchService' }));
  assert.equal(refusal.code, status.NOT_FOUND);
});
