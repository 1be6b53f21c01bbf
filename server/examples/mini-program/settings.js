'use strict';
// Settings from environment variables.

function read(env) {
  return {
    address: env.NEARBY_ADDRESS || '127.0.0.1:50051',
    deadlineMs: wholeNumber('DEADLINE_MS', env.DEADLINE_MS || '1500', 1, 60_000),
    host: env.HOST || '127.0.0.1',
    port: wholeNumber('PORT', env.PORT || '3000', 0, 65_535),
  };
}

function wholeNumber(name, text, min, max) {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`${name} must be a whole number from ${min} to ${max}`);
}

module.exports = { read };
