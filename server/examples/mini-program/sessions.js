'use strict';
// Session tokens: signed, so that neither this process nor a database has to remember them.

const { createHmac, randomBytes, timingSafeEqual } = require('node:crypto');

const TOKEN = /^([\w-]{22})\.([0-9a-z]{1,11})\.([\w-]{43})$/;

/** Issues and checks tokens. Without a key they end with this process, and other processes reject them. */
class Sessions {
  #key;
  #seconds;
  #now;

  constructor({ key = randomBytes(32), seconds }, now = Date.now) {
    this.#key = key;
    this.#seconds = seconds;
    this.#now = now;
  }

  /** Issues a token for a user. It has a hash of the openid: WeChat forbids sending the openid itself to the client. */
  issue(openid) {
    const user = this.#sign('user', openid).slice(0, 22);
    const expiry = Math.floor(this.#now() / 1000) + this.#seconds;
    const content = `${user}.${expiry.toString(36)}`;
    return { token: `${content}.${this.#sign('token', content)}`, expiresInS: this.#seconds };
  }

  /** Returns the user of a token; undefined if the token is invalid or expired. */
  userOf(token) {
    const [, user, expiry, signature] = TOKEN.exec(token) ?? [];
    if (!user) return undefined;
    const expected = this.#sign('token', `${user}.${expiry}`);
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return undefined;
    return parseInt(expiry, 36) * 1000 > this.#now() ? user : undefined;
  }

  // The purpose keeps a signature of one kind from passing as the other.
  #sign(purpose, text) {
    return createHmac('sha256', this.#key).update(`${purpose}\0${text}`).digest('base64url');
  }
}

module.exports = { Sessions };
