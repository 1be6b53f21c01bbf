// Runs searches: one at a time, the latest one wins.

import { PAGE_SIZE, SEARCHED, searchRequest } from './request.js';

/** Time that controls rest before a search, so that typing a word is one search. */
const TYPING_MS = 250;

/** Event `change` after each change of `outcome`: `{phase, results, total, omissions, nextPageToken, error}`. */
export class Search extends EventTarget {
  #api;
  #store;
  #config;
  #running = null;
  #timer = 0;
  outcome = { phase: 'idle', results: [], total: 0, omissions: 0, nextPageToken: '', error: null };

  constructor(api, store, config) {
    super();
    this.#api = api;
    this.#store = store;
    this.#config = config;
    store.onChange(SEARCHED, (state, old) => {
      clearTimeout(this.#timer);
      // A click is answered at once.
      if (!Object.is(state.origin, old.origin) || !Object.is(state.language, old.language)) this.run();
      else this.#timer = setTimeout(() => this.run(), TYPING_MS);
    });
  }

  /** Searches from the first page on; `count` results if as many are to stay. */
  async run({ count = PAGE_SIZE } = {}) {
    if (!this.#store.state.origin) return;
    await this.#page({ pageSize: Math.max(count, PAGE_SIZE) }, []);
  }

  /** Adds the next page. */
  async more() {
    const { results, nextPageToken } = this.outcome;
    if (nextPageToken && !this.#running) await this.#page({ pageToken: nextPageToken }, results);
  }

  async #page(page, before) {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#change({ phase: 'searching', error: null });
    try {
      const request = searchRequest(this.#store.state, this.#config, page);
      const found = await this.#api.call('NearbyService/SearchNearby', request, { signal: running.signal });
      if (this.#running !== running) return;
      this.#running = null;
      this.#change({
        phase: 'found',
        results: [...before, ...(found.results ?? [])],
        total: found.totalSize ?? 0,
        omissions: page.pageToken ? this.outcome.omissions : found.possibleOmissions ?? 0,
        nextPageToken: found.nextPageToken ?? '',
      });
    } catch (error) {
      if (this.#running !== running) return;
      this.#running = null;
      // What is shown must belong to what the controls say.
      this.#change({ phase: 'failed', error, results: before, total: before.length, omissions: 0 });
    }
  }

  #change(changes) {
    this.outcome = { ...this.outcome, ...changes };
    this.dispatchEvent(new Event('change'));
  }
}
