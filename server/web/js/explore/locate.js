// The position of the visitor, by the browser.

const TIMEOUT_MS = 15_000;

/** Returns whether the browser tells positions to this page. */
export const canLocate = () => globalThis.isSecureContext && 'geolocation' in navigator;

/** Returns the position; rejects with an Error whose message names a text. */
export function locate() {
  return new Promise((resolve, reject) => {
    const failed = error => reject(new Error(error.code === error.PERMISSION_DENIED ? 'locate_denied' : 'locate_failed'));
    const found = ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracyM: Math.round(coords.accuracy) });
    navigator.geolocation.getCurrentPosition(found, failed, { enableHighAccuracy: true, timeout: TIMEOUT_MS, maximumAge: 0 });
  });
}
