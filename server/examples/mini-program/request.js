'use strict';
// Converts the JSON of `wx.request` to a SearchNearbyRequest.

const DATUMS = { wgs84: 'COORDINATE_SYSTEM_WGS84', gcj02: 'COORDINATE_SYSTEM_GCJ02' };

// JSON schema of the body. Nearby checks the ranges of values, so that no limit is defined twice.
const schema = {
  type: 'object',
  required: ['position'],
  additionalProperties: false,
  properties: {
    position: {
      type: 'object',
      // The datum has no default: in China, taking WGS-84 for GCJ-02 is off by a few hundred metres without any error.
      // It is not called `type`, which has another meaning in `wx.choosePoi`.
      required: ['latitude', 'longitude', 'datum'],
      additionalProperties: false,
      properties: {
        latitude: { type: 'number' },
        longitude: { type: 'number' },
        datum: { enum: Object.keys(DATUMS) },
        accuracy: { type: 'number' },
      },
    },
    radius: { type: 'number' },
    category: { type: 'string' },
    openNow: { type: 'boolean' },
    pageToken: { type: 'string' },
  },
};

function toRequest({ position, radius, category, openNow, pageToken }) {
  const { latitude, longitude, datum, accuracy } = position;
  return {
    origin: { latitude, longitude, coordinateSystem: DATUMS[datum], accuracyM: accuracy },
    radiusM: radius,
    pageToken,
    filter: category === undefined ? undefined : { anyCategories: [category] },
    // Merchants with unknown hours are returned either way: unknown is not closed.
    opening: { openNow: true, policy: openNow ? 'OPENING_POLICY_OPEN_OR_UNKNOWN' : 'OPENING_POLICY_SHOW_ALL' },
    view: 'MERCHANT_VIEW_BASIC',
    // <map> and wx.openLocation require GCJ-02, whatever datum the merchant is stored in. Nearby applies its offset where
    // Tencent's map does, so this is right in Hong Kong, which is shifted, and in Seoul, which is not.
    outputCoordinateSystem: 'COORDINATE_SYSTEM_GCJ02',
  };
}

const FIELDS = {
  origin: 'position',
  'origin.latitude': 'position.latitude',
  'origin.longitude': 'position.longitude',
  'origin.coordinate_system': 'position.datum',
  'origin.accuracy_m': 'position.accuracy',
  radius_m: 'radius',
  'filter.any_categories[0]': 'category',
  page_token: 'pageToken',
};

/** Returns the JSON name of a field of the request; undefined if the client cannot set it. */
const fieldInJson = (field) => FIELDS[field];

module.exports = { fieldInJson, schema, toRequest };
