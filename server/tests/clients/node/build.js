'use strict';
// Messages that the server takes, for tests to change one thing in.

const WGS84 = 'COORDINATE_SYSTEM_WGS84';

const position = (latitude, longitude, coordinateSystem = WGS84) => ({ latitude, longitude, coordinateSystem });

/** A merchant; one without an id has no name, so that the server makes one. */
const merchant = (id, latitude, longitude, fields = {}) => ({
  name: id ? `merchants/${id}` : '',
  displayName: `Shop ${id}`,
  position: position(latitude, longitude),
  ...fields,
});

module.exports = { merchant, position };
