'use strict';
// The settings, from the environment.

function read(env) {
  return {
    address: env.NEARBY_ADDRESS || '127.0.0.1:50051',
    deadlineMs: whole('DEADLINE_MS', env.DEADLINE_MS || '1500', 1, 60_000),
    host: env.HOST || '127.0.0.1',
    port: whole('PORT', env.PORT || '3000', 0, 65_535),
  };
}

function whole(name, text, least, most) {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${name} must be a whole number from ${least} to ${most}`);
}

module.exports = { read };
