'use strict';
// The calls to WeChat's server API: sessions of users, and mini-program codes.

const { HttpError } = require('./errors');

const TIMEOUT_MS = 5_000;
// WeChat issues the next token five minutes before the last one expires; both are valid in between.
const REFRESH_BEFORE_MS = 5 * 60_000;
// Limits of WeChat are per minute.
const RETRY_AFTER_S = 60;

const TOKEN_REJECTED = [40001, 40014, 42001];
const ERRORS = {
  '-1': [503, 'UNAVAILABLE', 'WeChat is busy. Try again later.'],
  40029: [401, 'UNAUTHENTICATED', 'The login code is invalid or expired.'],
  40163: [401, 'UNAUTHENTICATED', 'The login code has been used.'],
  40226: [403, 'PERMISSION_DENIED', 'WeChat has blocked this user.'],
  45009: [429, 'RESOURCE_EXHAUSTED', 'Too many requests to WeChat. Try again later.'],
  45011: [429, 'RESOURCE_EXHAUSTED', 'Too many requests to WeChat. Try again later.'],
};
const HINTS = {
  40013: 'WECHAT_APP_ID is not that of the app',
  40125: 'WECHAT_APP_SECRET_FILE does not have the secret of the app',
  40164: 'the address of this server is not on the IP list of the app',
  41030: 'the scan page is not published; set WECHAT_ENV_VERSION to trial or develop until it is',
};

/** Client of the API for one app. `now` is the clock. */
class WeChat {
  #settings;
  #now;
  // The last access token, {token, expiresAt}, and the promise of the next one while it is requested.
  #access;
  #refreshing;

  constructor(settings, now = Date.now) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Exchanges the code of `wx.login` for the openid of the user. The session key of WeChat is dropped: nothing uses it. */
  async logIn(code) {
    const { appId: appid, appSecret: secret } = this.#settings;
    const query = { appid, secret, js_code: code, grant_type: 'authorization_code' };
    const { openid } = checked(await this.#call('/sns/jscode2session', query));
    if (typeof openid !== 'string' || openid === '') throw unexpected({ wechat: 'no openid' });
    return openid;
  }

  /** Returns the image of a mini-program code. */
  async code({ scene, page, width }) {
    const { envVersion } = this.#settings;
    // A page can be checked only once it is published.
    const body = { scene, page, width, env_version: envVersion, check_path: envVersion === 'release' };
    const request = async () => {
      const access = await this.#accessToken();
      return { access, response: await this.#call('/wxa/getwxacodeunlimit', { access_token: access.token }, body) };
    };
    let { access, response } = await request();
    if (TOKEN_REJECTED.includes(response?.errcode)) {
      this.#forget(access);
      ({ response } = await request());
    }
    if (response?.image) return response;
    checked(response);
    throw unexpected({ wechat: 'no image' });
  }

  /** Returns the access token, and requests one if there is none that stays valid long enough. */
  #accessToken() {
    const known = this.#access;
    if (known && this.#now() < known.expiresAt - REFRESH_BEFORE_MS) return known;
    // Requests at the same time share one.
    this.#refreshing ??= this.#requestAccessToken()
      .then((access) => (this.#access = access))
      .finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Forgets a token unless a newer one has replaced it. */
  #forget(access) {
    if (this.#access === access) this.#access = undefined;
  }

  async #requestAccessToken() {
    const { appId: appid, appSecret: secret } = this.#settings;
    const body = { grant_type: 'client_credential', appid, secret, force_refresh: false };
    const { access_token: token, expires_in: seconds } = checked(await this.#call('/cgi-bin/stable_token', {}, body));
    if (typeof token !== 'string' || !(seconds > 0)) throw unexpected({ wechat: 'no access token' });
    return { token, expiresAt: this.#now() + seconds * 1000 };
  }

  /** Returns the JSON of a response, or its image. WeChat reports errors as JSON with status 200. */
  async #call(path, query, body) {
    const url = `${this.#settings.api}${path}?${new URLSearchParams(query)}`;
    const init = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    try {
      const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
      const type = response.headers.get('content-type') ?? '';
      if (response.ok && type.startsWith('image/')) return { image: Buffer.from(await response.arrayBuffer()), type };
      return JSON.parse(await response.text());
    } catch (error) {
      // Not the error itself: it can quote the URL, which has the secret or the access token.
      const cause = { wechat: 'unreachable', type: error.name, code: error.cause?.code };
      throw new HttpError(503, 'UNAVAILABLE', 'WeChat cannot be reached. Try again later.', { cause });
    }
  }
}

function checked(response) {
  const errcode = response?.errcode;
  if (response && !errcode) return response;
  const cause = { errcode, hint: HINTS[errcode] };
  const [http, code, message] = ERRORS[errcode] ?? [];
  if (!http) throw unexpected(cause);
  throw new HttpError(http, code, message, { cause, retryAfter: http === 429 ? RETRY_AFTER_S : undefined });
}

const unexpected = (cause) => new HttpError(502, 'BAD_GATEWAY', 'WeChat rejected the request.', { cause });

module.exports = { WeChat };
