'use strict';
// Builds each SearchNearbyRequest: from the JSON of `wx.request`, and for one shop.

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
      // It is not called `type`, which is a parameter of `wx.getLocation` and not part of its result.
      required: ['latitude', 'longitude', 'datum'],
      additionalProperties: false,
      properties: {
        latitude: { type: 'number' },
        longitude: { type: 'number' },
        datum: { enum: Object.keys(DATUMS) },
        accuracy: { type: 'number' },
        source: { enum: ['fuzzy'] },
      },
    },
    radius: { type: 'number' },
    category: { type: 'string' },
    openNow: { type: 'boolean' },
    openOnly: { type: 'boolean' },
    pageToken: { type: 'string' },
  },
};

// `wx.getFuzzyLocation` reports no accuracy. WeChat states none either; reports put its error at one to three kilometres, so the
// larger value keeps a shop from being shown as certainly within the radius when it may not be.
const FUZZY_ACCURACY_M = 3000;

// <map> and wx.openLocation require GCJ-02, whatever datum the merchant is stored in. Nearby applies its offset where
// Tencent's map does, so this is right in Hong Kong, which is shifted, and in Seoul, which is not.
const OUTPUT_DATUM = DATUMS.gcj02;

function toRequest({ position, radius, category, openNow, openOnly, pageToken }) {
  const { latitude, longitude, datum, source } = position;
  const accuracy = position.accuracy ?? (source === 'fuzzy' ? FUZZY_ACCURACY_M : undefined);
  return {
    origin: { latitude, longitude, coordinateSystem: DATUMS[datum], accuracyM: accuracy },
    radiusM: radius,
    pageToken,
    filter: category === undefined ? undefined : { anyCategories: [category] },
    opening: { openNow: true, policy: policy(openNow, openOnly) },
    view: 'MERCHANT_VIEW_BASIC',
    outputCoordinateSystem: OUTPUT_DATUM,
  };
}

/** Builds the search for one merchant at its own position. */
function toShopRequest({ brand, categories, wgs84Position: { latitude, longitude } }, pageToken) {
  return {
    // Nearby rejects a search at 0,0; a millionth of a degree is 11 cm.
    origin: { latitude: latitude || 1e-6, longitude, coordinateSystem: DATUMS.wgs84 },
    radiusM: 1,
    pageSize: 500,
    pageToken,
    // Leaves out most of the other shops of a mall.
    filter: { anyBrands: brand ? [brand] : [], anyCategories: categories.slice(0, 1) },
    opening: { openNow: true, policy: policy() },
    view: 'MERCHANT_VIEW_ID_ONLY',
    outputCoordinateSystem: OUTPUT_DATUM,
  };
}

// Unknown is not closed: only `openOnly` leaves out shops with unknown hours.
function policy(openNow, openOnly) {
  if (openOnly) return 'OPENING_POLICY_OPEN_ONLY';
  return openNow ? 'OPENING_POLICY_OPEN_OR_UNKNOWN' : 'OPENING_POLICY_SHOW_ALL';
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

module.exports = { fieldInJson, schema, toRequest, toShopRequest };
