'use strict';
// Finds one shop, and converts it to the JSON that its page shows.

const { status } = require('@grpc/grpc-js');
const { HttpError, fromGrpc } = require('./errors');
const { dateText, hoursToJson, localDate } = require('./hours');
const { toShopRequest } = require('./request');
const { OPEN, miniProgramToJson, positionToJson } = require('./response');

const notFound = () => new HttpError(404, 'NOT_FOUND', 'Not found.');

/** Returns a merchant that searches return. */
async function getMerchant(nearby, id) {
  return nearby.getMerchant({ name: `merchants/${id}` }).catch((error) => {
    // An id that cannot exist, such as one that is too long.
    throw error.code === status.INVALID_ARGUMENT ? notFound() : fromGrpc(error);
  });
}

/** Returns the JSON of a shop. */
async function findShop(nearby, id) {
  const merchant = await getMerchant(nearby, id);
  const result = await findResult(nearby, merchant);
  // Hidden, moved or deleted since it was read.
  if (!result) throw notFound();
  return shopToJson(merchant, result, Date.now());
}

/**
 * Searches at the position of the shop: a search, unlike GetMerchant, reports the position in the datum of the map and whether
 * the shop is open. A mall can have more shops at one point than a page.
 */
async function findResult(nearby, merchant) {
  let pageToken = '';
  do {
    const page = await nearby.searchNearby(toShopRequest(merchant, pageToken)).catch((error) => {
      throw fromGrpc(error);
    });
    const found = page.results.find((result) => result.merchant.name === merchant.name);
    if (found) return found;
    pageToken = page.nextPageToken;
  } while (pageToken);
  return undefined;
}

function shopToJson(merchant, { openState, position }, now) {
  const { businessStatus, reopeningDate, openingHours } = merchant;
  const reopens = reopeningDate && dateText(reopeningDate);
  const closed = businessStatus === 'BUSINESS_STATUS_CLOSED_TEMPORARILY';
  return {
    id: merchant.name.replace('merchants/', ''),
    name: merchant.displayName,
    brand: merchant.brand,
    categories: merchant.categories,
    services: merchant.services,
    open: OPEN[openState],
    temporarilyClosed: closed && !(reopens && reopens <= localDate(now, openingHours?.timeZone || 'UTC')),
    reopeningDate: reopens ?? null,
    address: merchant.address ? addressText(merchant.address) : '',
    phone: merchant.phone,
    hours: hoursToJson(openingHours, now),
    miniProgram: miniProgramToJson(merchant.miniProgram),
    links: merchant.serviceLinks.map((link) => ({
      service: link.service,
      text: link.description || link.service,
      miniProgram: miniProgramToJson(link.miniProgram),
      webUri: link.webUri ?? null,
    })),
    position: positionToJson(position),
  };
}

/** Formats an address: in China from the province down and without spaces, elsewhere from the street up. */
function addressText({ regionCode, postalCode, administrativeArea, locality, sublocality, addressLines }) {
  const down = [administrativeArea, locality, sublocality, ...addressLines].filter(Boolean);
  // A municipality such as Beijing is its own province.
  if (['CN', 'HK', 'MO', 'TW'].includes(regionCode)) return [...new Set(down)].join('');
  const town = [postalCode, locality].filter(Boolean).join(' ');
  return [...addressLines, sublocality, town, administrativeArea].filter(Boolean).join(', ');
}

module.exports = { addressText, findShop, getMerchant };
