// Calls of the server, by the Connect protocol: POST requests with JSON, so that no position is in a URL.

const ENVELOPE_BYTES = 5;
const END_OF_STREAM = 2;

/** An error of a call. */
export class CallError extends Error {
  /** @param {{code?: string, message?: string, details?: {type: string, debug?: object}[]}} error as Connect has it */
  constructor(error) {
    super(error.message ?? '');
    this.code = error.code ?? 'unknown';
    const detail = name => error.details?.find(each => each.type === `google.rpc.${name}`)?.debug;
    /** Reason of `proto/ERRORS.md`, or an empty string. */
    this.reason = detail('ErrorInfo')?.reason ?? '';
    /** Invalid fields: `{field, description}`. */
    this.violations = detail('BadRequest')?.fieldViolations ?? [];
    const delay = detail('RetryInfo')?.retryDelay;
    /** Seconds after which a retry is worth it, or null. */
    this.retryAfterS = delay ? Number.parseFloat(delay) : null;
  }
}

/** A client of the server that the page comes from. The key is kept in memory only. */
export class Api {
  #key = '';
  #base;

  constructor(base) {
    this.#base = base;
  }

  setKey(key) {
    this.#key = key.trim();
  }

  get hasKey() {
    return this.#key !== '';
  }

  /** The URL of a method. */
  url(method) {
    return new URL(`nearby.v1.${method}`, this.#base).href;
  }

  /** Makes a unary call, such as `NearbyService/SearchNearby`. Aborting `signal` rejects with an AbortError. */
  async call(method, message, { signal, timeoutMs = 10_000 } = {}) {
    const headers = { ...this.#headers('application/json'), 'connect-timeout-ms': String(timeoutMs) };
    const response = await this.#post(method, headers, JSON.stringify(message), signal);
    const body = await response.text();
    if (!response.ok) throw errorOf(response, body);
    return JSON.parse(body);
  }

  /** Makes a call whose responses are a stream, and yields them. */
  async *stream(method, message, { signal } = {}) {
    const headers = this.#headers('application/connect+json');
    const response = await this.#post(method, headers, envelope(message), signal);
    if (!response.ok || !response.body) throw errorOf(response, await response.text());
    for await (const { flags, text } of messages(response.body)) {
      const received = JSON.parse(text);
      if (!(flags & END_OF_STREAM)) {
        yield received;
        continue;
      }
      if (received.error) throw new CallError(received.error);
      return;
    }
    throw new CallError({ code: 'unavailable', message: 'the connection ended' });
  }

  /**
   * Sends a file, and calls `onLine` with each line of JSON of the response; an `error` among them rejects. `onProgress` gets the share
   * that has been sent.
   */
  upload(path, file, contentType, { signal, onProgress, onLine }) {
    // `fetch` does not tell how much has been sent.
    const request = new XMLHttpRequest();
    return new Promise((resolve, reject) => {
      let read = 0;
      const readLines = () => {
        const text = request.responseText;
        for (let end = text.indexOf('\n', read); end >= 0; end = text.indexOf('\n', read)) {
          const line = JSON.parse(text.slice(read, end));
          read = end + 1;
          if (line.error) reject(new CallError(line.error));
          else onLine(line);
        }
      };
      const attempt = act => () => {
        try {
          act();
        } catch (error) {
          reject(new CallError({ message: error.message }));
          request.abort();
        }
      };
      request.open('POST', new URL(path, this.#base));
      for (const [name, value] of Object.entries(this.#headers(contentType))) request.setRequestHeader(name, value);
      request.upload.onprogress = event => onProgress(event.total > 0 ? event.loaded / event.total : 1);
      request.onprogress = attempt(() => request.status === 200 && readLines());
      request.onload = attempt(() => {
        if (request.status !== 200) {
          reject(errorOf({ status: request.status }, request.responseText));
          return;
        }
        readLines();
        resolve();
      });
      request.onerror = () => reject(new CallError({ code: 'unreachable' }));
      request.onabort = () => reject(new DOMException('', 'AbortError'));
      signal.addEventListener('abort', () => request.abort());
      request.send(file);
    });
  }

  /** Makes a call whose response is a file of the content type `accept`. */
  async download(path, message, accept) {
    const headers = { ...this.#headers('application/json'), accept };
    const response = await this.#send(new URL(path, this.#base), headers, JSON.stringify(message));
    if (!response.ok) throw errorOf(response, await response.text());
    try {
      return await response.blob();
    } catch {
      throw new CallError({ code: 'unavailable', message: 'the connection ended' });
    }
  }

  #headers(contentType) {
    const headers = { 'content-type': contentType, 'connect-protocol-version': '1' };
    if (this.#key) headers.authorization = `Bearer ${this.#key}`;
    return headers;
  }

  #post(method, headers, body, signal) {
    return this.#send(this.url(method), headers, body, signal);
  }

  async #send(url, headers, body, signal) {
    try {
      return await fetch(url, {
        method: 'POST', headers, body, signal, credentials: 'omit', cache: 'no-store', redirect: 'error',
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new CallError({ code: 'unreachable', message: error.message });
    }
  }
}

function errorOf(response, body) {
  try {
    return new CallError(JSON.parse(body));
  } catch {
    // A proxy, or the listener itself, answered with a text.
    const code = { 401: 'unauthenticated', 403: 'permission_denied', 502: 'unavailable', 503: 'unavailable' };
    return new CallError({ code: code[response.status] ?? 'unknown', message: body.trim() || `HTTP ${response.status}` });
  }
}

/** A message with its prefix: flags and length. */
function envelope(message) {
  const content = new TextEncoder().encode(JSON.stringify(message));
  const framed = new Uint8Array(ENVELOPE_BYTES + content.length);
  new DataView(framed.buffer).setUint32(1, content.length);
  framed.set(content, ENVELOPE_BYTES);
  return framed;
}

/** Splits the bytes of a response into messages. */
async function* messages(body) {
  const reader = body.getReader();
  let held = new Uint8Array();
  try {
    for (;;) {
      let length = messageLength(held);
      while (held.length >= length) {
        yield { flags: held[0], text: new TextDecoder().decode(held.subarray(ENVELOPE_BYTES, length)) };
        held = held.slice(length);
        length = messageLength(held);
      }
      const { done, value } = await reader.read();
      if (done) return;
      const longer = new Uint8Array(held.length + value.length);
      longer.set(held);
      longer.set(value, held.length);
      held = longer;
    }
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new CallError({ code: 'unavailable', message: 'the connection ended' });
  } finally {
    // The server stops to watch for a client that has gone.
    reader.cancel().catch(() => {});
  }
}

/** Bytes of the first message and its prefix; infinite while the prefix is incomplete. */
function messageLength(held) {
  if (held.length < ENVELOPE_BYTES) return Infinity;
  return ENVELOPE_BYTES + new DataView(held.buffer, held.byteOffset).getUint32(1);
}
