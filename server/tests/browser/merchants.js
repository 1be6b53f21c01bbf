'use strict';
// Merchants that the sample has not, a kilometre from its nearest one: in the sea south of Helsinki.

/** Nothing else is near. */
const PIER = { latitude: 60.1400, longitude: 24.9500 };

const at = (northM, eastM = 0) => ({
  latitude: PIER.latitude + northM / 111_420, longitude: PIER.longitude + eastM / 55_600, coordinateSystem: 'COORDINATE_SYSTEM_WGS84',
});
const period = (weekday, startMinute, lengthMinutes) => ({ weekday: `WEEKDAY_${weekday}`, startMinute, lengthMinutes });

const merchants = photoOrigin => [
  {
    name: 'merchants/full', displayName: 'Pier Café', brand: 'Pier', categories: ['food/cafe'], services: ['delivery', 'wheelchair'],
    position: at(10), phone: '+358 10 000 0000', websiteUri: 'https://pier.test/menu',
    address: { regionCode: 'FI', postalCode: '00140', locality: 'Helsinki', addressLines: ['Pier 1'] },
    localizedNames: { 'zh-Hans': '码头咖啡' },
    openingHours: {
      timeZone: 'Europe/Helsinki',
      weeklyPeriods: [
        period('MONDAY', 540, 180), period('MONDAY', 780, 240), period('FRIDAY', 1200, 480), period('SATURDAY', 0, 1440),
      ],
      specialDays: [{ date: { year: 2030, month: 12, day: 24 } }, { date: { year: 2030, month: 12, day: 31 }, periods: [{ startMinute: 600, lengthMinutes: 120 }] }],
      displayText: 'ask at the kiosk',
    },
    photos: [
      { uri: `${photoOrigin}/terrace.png`, altText: 'the terrace', attribution: '© A. Photographer' },
      { uri: 'https://elsewhere.test/photo.png' },
    ],
    serviceLinks: [{ service: 'delivery', webUri: 'https://pier.test/order', description: 'Order' }],
    miniProgram: { appId: 'wx0123456789abcdef', path: 'pages/index' },
    serviceArea: { radiusM: 3_000 }, attributes: { rating: 4.5 },
  },
  { name: 'merchants/always', displayName: 'Pier Kiosk', categories: ['shop/kiosk'], brand: 'Kiosk', position: at(120), openingHours: { timeZone: 'UTC', osmExpression: '24/7' } },
  { name: 'merchants/never', displayName: 'Pier Museum', categories: ['tourism/museum'], position: at(240), openingHours: { timeZone: 'UTC', osmExpression: 'off' } },
  { name: 'merchants/closed', displayName: 'Pier Sauna', categories: ['leisure/sauna'], position: at(360), businessStatus: 'BUSINESS_STATUS_CLOSED_TEMPORARILY', reopeningDate: { year: 2090, month: 5, day: 1 } },
  { name: 'merchants/far', displayName: 'Skerry Delivery', categories: ['food/pizza'], services: ['delivery'], position: at(0, 2_000), serviceArea: { radiusM: 2_500 } },
  { name: 'merchants/a b?&#ü', displayName: '<img src=x onerror="document.title=1">', brand: '<b>bold</b>', categories: ['shop/"quoted"'], position: at(480) },
];

/** Creates them. */
async function createMerchants(server, photoOrigin) {
  await server.call('MerchantService/BatchCreateMerchants', { requests: merchants(photoOrigin).map(merchant => ({ merchant })) });
}

module.exports = { PIER, at, createMerchants };
