// The shop that a code on a door names.

// Scenes that begin with it hold an alias, which the backend resolves; all others are merchant ids.
const ALIAS = '~';

/**
 * Reads the query of the page that codes open: `q` is the percent-encoded link of an ordinary QR code, `scene` the
 * percent-encoded scene of a mini-program code. Returns the id, or the scene to resolve, or null if the code is foreign.
 * @param {{q?: string, scene?: string}} query
 * @param {string} linkPrefix
 * @returns {{id: string} | {scene: string} | null}
 */
function parse({ q, scene }, linkPrefix) {
  if (q) {
    // WeChat encodes the whole link once; the id inside the link has its own encoding.
    const link = decode(q);
    if (!link || !link.startsWith(linkPrefix)) return null;
    const id = decode(link.slice(linkPrefix.length).split(/[/?#]/)[0]);
    return id ? { id } : null;
  }
  const decoded = scene && decode(scene);
  if (!decoded) return null;
  return decoded.startsWith(ALIAS) ? { scene: decoded } : { id: decoded };
}

/**
 * Decodes percent-encoding once; empty if it is malformed.
 * @param {string} text
 */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch (_error) {
    return '';
  }
}

module.exports = { decode, parse };
