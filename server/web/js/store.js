// The state of the page: one object, and the listeners of its changes.

export class Store {
  #state;
  #listeners = new Set();

  constructor(state) {
    this.#state = Object.freeze(state);
  }

  get state() {
    return this.#state;
  }

  /** Replaces some of the values. Listeners get the new and the old state. */
  set(changes) {
    const old = this.#state;
    if (Object.keys(changes).every(name => Object.is(changes[name], old[name]))) return;
    this.#state = Object.freeze({ ...old, ...changes });
    for (const listener of this.#listeners) listener(this.#state, old);
  }

  /** Calls a listener after every change. */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Calls a listener after changes of one of some values. */
  onChange(names, listener) {
    this.subscribe((state, old) => {
      if (names.some(name => !Object.is(state[name], old[name]))) listener(state, old);
    });
  }
}
