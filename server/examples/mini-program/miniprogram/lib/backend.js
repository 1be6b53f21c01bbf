// Requests to the backend, each with the session of the user.

const config = require('../config');

// Beyond the deadline of the backend, so that its error arrives rather than a timeout without one.
const TIMEOUT_MS = 10000;

const TEXTS = {
  DEADLINE_EXCEEDED: '查询超时,请重试',
  INVALID_ARGUMENT: '位置无效,请重新选择位置',
  NETWORK: '网络连接失败,请检查网络后重试',
  NOT_FOUND: '没有找到该商户',
  RESOURCE_EXHAUSTED: '操作过于频繁,请稍后重试',
  UNAUTHENTICATED: '登录失败,请重试',
  UNAVAILABLE: '服务暂时不可用,请稍后重试',
};
const UNKNOWN = '出错了,请重试';

/**
 * The login in progress or done: requests that start together share one.
 * @type {Promise<string | null> | undefined}
 */
let session;

/** An error that a page can show: a code of the backend or NETWORK, and a text for the user. */
class BackendError extends Error {
  /** @param {string} code */
  constructor(code) {
    super(/** @type {Record<string, string>} */ (TEXTS)[code] || UNKNOWN);
    this.code = code;
  }
}

/**
 * Sends one request and resolves with the response whatever its status.
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {object | undefined} data
 * @param {string | null} token
 * @returns {Promise<{statusCode: number, data: any}>}
 */
function send(method, path, data, token) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: config.backend + path,
      method,
      data,
      header: token ? { authorization: `Bearer ${token}` } : {},
      timeout: TIMEOUT_MS,
      success: resolve,
      fail: () => reject(new BackendError('NETWORK')),
    });
  });
}

/** @returns {Promise<string>} */
const loginCode = () =>
  new Promise((resolve, reject) => {
    wx.login({ success: ({ code }) => resolve(code), fail: () => reject(new BackendError('UNAUTHENTICATED')) });
  });

/**
 * Exchanges a login code for a session token; null if the backend runs without sessions.
 * @returns {Promise<string | null>}
 */
async function logIn() {
  const response = await send('POST', '/session', { code: await loginCode() }, null);
  if (response.statusCode !== 200) throw errorOf(response);
  return response.data.token;
}

/** @returns {Promise<string | null>} */
function token() {
  if (!session) {
    const started = logIn();
    session = started;
    // The next request tries again.
    started.catch(() => forget(started));
  }
  return session;
}

/**
 * Forgets a session unless a newer one has replaced it.
 * @param {Promise<string | null>} old
 */
function forget(old) {
  if (session === old) session = undefined;
}

/** @param {{data: any}} response */
const errorOf = ({ data }) => new BackendError((data && data.error && data.error.code) || 'INTERNAL');

/**
 * Sends a request with a session and returns the JSON of the response. Logs in again once if the session has expired.
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {object} [data]
 */
async function request(method, path, data) {
  let used = token();
  let response = await send(method, path, data, await used);
  if (response.statusCode === 401) {
    forget(used);
    used = token();
    response = await send(method, path, data, await used);
  }
  if (response.statusCode !== 200) throw errorOf(response);
  return response.data;
}

module.exports = {
  /** @param {object} body */
  searchNearby: (body) => request('POST', '/nearby', body),
  /** @param {string} id */
  getShop: (id) => request('GET', `/shops/${encodeURIComponent(id)}`),
  /** @param {string} scene */
  resolveScene: (scene) => request('GET', `/scenes/${encodeURIComponent(scene)}`),
};
