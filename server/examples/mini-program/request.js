'use strict';
// From the JSON of `wx.request` to a SearchNearbyRequest.

const DATUMS = { wgs84: 'COORDINATE_SYSTEM_WGS84', gcj02: 'COORDINATE_SYSTEM_GCJ02' };

// What may be written; what the values may be is known to Nearby alone, so that no limit stands in two places.
const schema = {
  type: 'object',
  required: ['position'],
  additionalProperties: false,
  properties: {
    position: {
      type: 'object',
      // The datum has no default: in China WGS-84 taken for GCJ-02 is a few hundred metres off, and nobody notices.
      // It is not called `type`, which `wx.choosePoi` gives another meaning.
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
    // Shops whose hours nobody knows are kept either way: unknown is not closed.
    opening: { openNow: true, policy: openNow ? 'OPENING_POLICY_OPEN_OR_UNKNOWN' : 'OPENING_POLICY_SHOW_ALL' },
    view: 'MERCHANT_VIEW_BASIC',
    // Whatever datum a shop was stored in: <map> and wx.openLocation take GCJ-02 only.
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

/** The name in the JSON of a field in the request, or nothing where the caller has no say in it. */
const fieldInJson = (field) => FIELDS[field];

module.exports = { fieldInJson, schema, toRequest };
