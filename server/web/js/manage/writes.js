// Calls that change a merchant.

/** Makes calls with ids, so that the repetition of one whose outcome is unknown is not applied twice. */
export class Writes {
  #api;
  /** The call that has had no response: its content and its id. */
  #open = { content: '', id: '' };

  constructor(api) {
    this.#api = api;
  }

  async make(method, request) {
    const content = `${method} ${JSON.stringify(request)}`;
    if (this.#open.content !== content) this.#open = { content, id: randomUuid() };
    const response = await this.#api.call(`MerchantService/${method}`, { ...request, requestId: this.#open.id });
    // The same content again is another call.
    this.#open = { content: '', id: '' };
    return response;
  }

  /** The violations that a call would have; none if it fails otherwise. */
  async violationsOf(method, request) {
    try {
      await this.#api.call(`MerchantService/${method}`, { ...request, validateOnly: true });
      return [];
    } catch (error) {
      return error.violations ?? [];
    }
  }
}

/** A UUID of version 4. `crypto.randomUUID` is missing on pages over http. */
function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
