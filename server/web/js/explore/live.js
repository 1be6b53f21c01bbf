// Live updates: a watch of the merchants around the point.
//
// A watch knows neither opening hours nor expansion, so it says only that something has changed, and the search runs again. Both
// use the same filters. A hidden tab watches nothing: the server has a limit of watchers.

import { SEARCHED, watchRequest } from './request.js';

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const MIN_WATCHED = 100;
const MAX_WATCHED = 1_000;
/** Errors after which another attempt makes sense. */
const TRANSIENT = new Set(['unreachable', 'unavailable', 'aborted', 'deadline_exceeded', 'unknown']);

/** Events: `status` with `{phase}` (off, watching, hidden, lost, ended) and, after a change, `{entered, left, updated}`. */
export class Live extends EventTarget {
  #api;
  #store;
  #config;
  #search;
  #watching = null;
  #resumeToken = '';
  #retryMs = FIRST_RETRY_MS;
  #timer = 0;

  constructor(api, store, config, search) {
    super();
    this.#api = api;
    this.#store = store;
    this.#config = config;
    this.#search = search;
    store.onChange(['live', ...SEARCHED], () => {
      this.#resumeToken = '';
      this.#restart();
    });
    document.addEventListener('visibilitychange', () => this.#restart());
  }

  #restart() {
    clearTimeout(this.#timer);
    this.#watching?.abort();
    this.#watching = null;
    const { live, origin } = this.#store.state;
    if (!live || !origin) {
      this.#status({ phase: 'off' });
    } else if (document.hidden) {
      this.#status({ phase: 'hidden' });
    } else {
      this.#watch();
    }
  }

  async #watch() {
    const watching = new AbortController();
    this.#watching = watching;
    const isResumed = this.#resumeToken !== '';
    const maxResults = Math.min(Math.max(this.#search.outcome.results.length, MIN_WATCHED), MAX_WATCHED);
    const request = watchRequest(this.#store.state, this.#config, { maxResults, resumeToken: this.#resumeToken || undefined });
    try {
      let isFirst = true;
      for await (const response of this.#api.stream('NearbyService/WatchNearbyFrom', request, { signal: watching.signal })) {
        if (this.#watching !== watching) return;
        this.#retryMs = FIRST_RETRY_MS;
        this.#resumeToken = response.resumeToken ?? '';
        // The first set of a new watch is what the search has shown. After a pause it has what was missed.
        if (isFirst && !isResumed) this.#status({ phase: 'watching' });
        else await this.#apply(response);
        isFirst = false;
      }
    } catch (error) {
      if (this.#watching !== watching) return;
      this.#watching = null;
      if (!TRANSIENT.has(error.code)) {
        this.#status({ phase: 'ended', error });
        return;
      }
      this.#status({ phase: 'lost' });
      this.#timer = setTimeout(() => this.#restart(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    }
  }

  async #apply({ reset, entered = [], left = [], updated = [] }) {
    const changes = { entered: entered.length, left: left.length, updated: updated.length };
    const hasChanged = reset || changes.entered + changes.left + changes.updated > 0;
    if (hasChanged) await this.#search.run({ count: this.#search.outcome.results.length });
    this.#status({ phase: 'watching', ...(hasChanged && !reset ? { changes } : {}) });
  }

  #status(detail) {
    this.dispatchEvent(new CustomEvent('status', { detail }));
  }
}
