'use strict';
// Converts a SearchNearbyResponse to the JSON that a list shows.

const OPEN = { OPEN_STATE_OPEN: 'open', OPEN_STATE_CLOSED: 'closed', OPEN_STATE_UNKNOWN: 'unknown' };

const toJson = ({ results, nextPageToken }) => ({ merchants: results.map(merchantToJson), nextPageToken });

function merchantToJson({ merchant, distanceM, openState, uncertain, position }) {
  return {
    id: merchant.name.replace('merchants/', ''),
    name: merchant.displayName,
    distance: distanceText(distanceM),
    distanceM: Math.round(distanceM),
    open: OPEN[openState],
    uncertain,
    miniProgram: miniProgramToJson(merchant.miniProgram),
    position: positionToJson(position),
  };
}

/** Returns the argument of wx.navigateToMiniProgram, or null. */
const miniProgramToJson = (link) => (link ? { appId: link.appId, path: link.path } : null);

// Requests ask for this datum.
const positionToJson = ({ latitude, longitude }) => ({ latitude, longitude, datum: 'gcj02' });

/** Rounds to the precision of phone positions: to 10 m, from 1 km to 0.1 km, from 10 km to 1 km. */
function distanceText(metres) {
  const tens = Math.round(metres / 10) * 10;
  if (tens < 10) return '< 10 m';
  if (tens < 1_000) return `${tens} m`;
  // From 995 m: displayed as 1.0 km.
  const tenths = Math.round(metres / 100) / 10;
  return tenths < 10 ? `${tenths.toFixed(1)} km` : `${Math.round(metres / 1_000)} km`;
}

module.exports = { OPEN, distanceText, miniProgramToJson, positionToJson, toJson };
