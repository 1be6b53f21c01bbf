// The position of the user: a fuzzy one from the phone, or a point that the user selects.
//
// WeChat grants `wx.getLocation` to few kinds of apps, and an app that declares it cannot declare `wx.getFuzzyLocation`.

/** An error with one of the reasons `cancelled`, `privacy`, `denied`, `system` and `failed`. */
class LocationError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** @type {[RegExp, string][]} */
const REASONS = [
  [/cancel/i, 'cancelled'],
  [/privacy/i, 'privacy'],
  // The location service of the phone is off, or WeChat may not use it: the settings of the app do not help.
  [/system permission|LOCATIONSWITCHOFF/i, 'system'],
  [/auth|authorize|permission/i, 'denied'],
];

/** @param {{errMsg: string}} error */
function toError({ errMsg }) {
  const found = REASONS.find(([pattern]) => pattern.test(errMsg));
  return new LocationError(found ? found[1] : 'failed');
}

/**
 * Reads the fuzzy position, in the datum of `<map>`. The backend assigns its accuracy: WeChat reports none.
 * @returns {Promise<{latitude: number, longitude: number, datum: string, source?: string}>}
 */
const fuzzy = () =>
  new Promise((resolve, reject) => {
    wx.getFuzzyLocation({
      type: 'gcj02',
      success: ({ latitude, longitude }) => resolve({ latitude, longitude, datum: 'gcj02', source: 'fuzzy' }),
      fail: (error) => reject(toError(error)),
    });
  });

/**
 * Lets the user select a point, which `wx.chooseLocation` returns in GCJ-02.
 * @returns {Promise<{latitude: number, longitude: number, datum: string, source?: string}>}
 */
const choose = () =>
  new Promise((resolve, reject) => {
    wx.chooseLocation({
      success: ({ latitude, longitude }) => resolve({ latitude, longitude, datum: 'gcj02' }),
      fail: (error) => reject(toError(error)),
    });
  });

module.exports = { LocationError, choose, fuzzy };
