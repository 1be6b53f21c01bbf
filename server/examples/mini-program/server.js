'use strict';
// Starts the service, and shuts it down on SIGTERM or SIGINT.

const { build } = require('./app');
const { open } = require('./services');
const { read } = require('./settings');

// Grace period for requests in flight.
const SHUTDOWN_GRACE_PERIOD_MS = 10_000;

async function main() {
  const settings = read(process.env);
  const app = build(await open(settings));
  if (!settings.wechat) app.log.warn('WECHAT_APP_ID is not set: no sessions and no rate limit, any client may search');
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => shutdown(app));
  await app.listen({ host: settings.host, port: settings.port });
}

async function shutdown(app) {
  app.log.info('shutting down');
  // A client that neither sends its request nor disconnects must not keep the process alive.
  setTimeout(() => process.exit(1), SHUTDOWN_GRACE_PERIOD_MS).unref();
  await app.close();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
