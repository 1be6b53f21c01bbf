'use strict';
// Starts the service, and stops it when it is told to.

const { build } = require('./app');
const { connect } = require('./nearby');
const { read } = require('./settings');

// How long requests under way may take after SIGTERM or SIGINT.
const STOP_MS = 10_000;

async function main() {
  const settings = read(process.env);
  const app = build(connect(settings));
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop(app));
  await app.listen({ host: settings.host, port: settings.port });
}

async function stop(app) {
  app.log.info('stopping');
  // A caller that neither sends its request nor goes away must not keep the process.
  setTimeout(() => process.exit(1), STOP_MS).unref();
  await app.close();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
