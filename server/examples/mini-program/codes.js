'use strict';
// The codes on a shop's door: an ordinary link as a QR code, and the scene of a mini-program code.

const qrcode = require('qrcode');

// A scan under bad light or of a scratched code needs redundancy; Q restores 25 % of the code.
const ERROR_CORRECTION = 'Q';
const PNG_WIDTH = 1024;

// The page that both kinds of code open, without a leading slash, as WeChat requires.
const PAGE = 'pages/scan/scan';
const CODE_WIDTH = 1280;

/** Prefix of scenes that are an alias and not an id. */
const ALIAS_PREFIX = '~';
// All that WeChat allows in a scene, except `%`, which it refuses.
const SCENE = /^[A-Za-z0-9!#$&'()*+,/:;=?@._~-]{1,32}$/;

/** Returns the link to a shop. WeChat opens the mini program for links with this prefix. */
const linkTo = (prefix, id) => prefix + encodeURIComponent(id);

const IMAGES = {
  svg: { type: 'image/svg+xml', draw: (link) => qrcode.toString(link, { type: 'svg', errorCorrectionLevel: ERROR_CORRECTION }) },
  png: {
    type: 'image/png',
    draw: (link) => qrcode.toBuffer(link, { type: 'png', errorCorrectionLevel: ERROR_CORRECTION, width: PNG_WIDTH }),
  },
};

/** Draws the QR code of a link as `svg` or `png`. */
async function drawLink(link, format) {
  const { type, draw } = IMAGES[format];
  return { type, image: await draw(link) };
}

/** Returns the scene for an id: the id itself if it can be one, otherwise its alias, which is stored first. */
async function sceneOf(id, aliases) {
  if (SCENE.test(id) && !id.startsWith(ALIAS_PREFIX)) return id;
  return ALIAS_PREFIX + (await aliases.add(id));
}

/** Returns the id of a scene; undefined if the scene is an unknown alias. */
async function idOf(scene, aliases) {
  return scene.startsWith(ALIAS_PREFIX) ? aliases.idOf(scene.slice(ALIAS_PREFIX.length)) : scene;
}

module.exports = { CODE_WIDTH, PAGE, drawLink, idOf, linkTo, sceneOf };
