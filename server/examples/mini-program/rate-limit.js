'use strict';
// A token bucket per user.

const SWEEP_MS = 60_000;

/**
 * Allows `burst` requests at once and `perMinute` in the long run. Stores one number per user, the time at which the bucket is
 * full again (GCRA): a full bucket needs no entry, so that the memory is that of the users of the last minutes.
 */
class RateLimit {
  #intervalMs;
  #toleranceMs;
  #now;
  #fullAt = new Map();
  #sweepAt = 0;

  constructor({ perMinute, burst }, now = Date.now) {
    this.#intervalMs = 60_000 / perMinute;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
    this.#now = now;
  }

  /** Takes a token. Returns 0, or the whole seconds until there is one. */
  take(user) {
    const now = this.#now();
    this.#sweep(now);
    const fullAt = Math.max(now, this.#fullAt.get(user) ?? 0);
    const waitMs = fullAt - now - this.#toleranceMs;
    if (waitMs > 0) return Math.ceil(waitMs / 1000);
    this.#fullAt.set(user, fullAt + this.#intervalMs);
    return 0;
  }

  /** Number of users whose buckets are not known to be full. */
  get size() {
    return this.#fullAt.size;
  }

  #sweep(now) {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    for (const [user, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(user);
  }
}

module.exports = { RateLimit };
