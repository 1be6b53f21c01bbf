'use strict';
// Builders of valid messages.

const WGS84 = 'COORDINATE_SYSTEM_WGS84';

const position = (latitude, longitude, coordinateSystem = WGS84) => ({ latitude, longitude, coordinateSystem });

/** Builds a merchant; without an id it has no name, so that the server generates one. */
const merchant = (id, latitude, longitude, fields = {}) => ({
  name: id ? `merchants/${id}` : '',
  displayName: `Shop ${id}`,
  position: position(latitude, longitude),
  ...fields,
});

module.exports = { merchant, position };
