'use strict';
// 500 fixed points in and around 50 cities in all regions of China.

const CITIES = [
  ['Aksu', 41.1685, 80.2606],
  ['Baotou', 40.6574, 109.8403],
  ['Beijing', 39.9042, 116.4074],
  ['Changchun', 43.8171, 125.3235],
  ['Changsha', 28.2282, 112.9388],
  ['Chengdu', 30.5728, 104.0668],
  ['Chifeng', 42.2578, 118.8869],
  ['Chongqing', 29.563, 106.5516],
  ['Dali', 25.6065, 100.2676],
  ['Datong', 40.0768, 113.3001],
  ['Ganzhou', 25.8311, 114.9336],
  ['Golmud', 36.4064, 94.9285],
  ['Guangzhou', 23.1291, 113.2644],
  ['Guilin', 25.2736, 110.29],
  ['Guiyang', 26.647, 106.6302],
  ['Hami', 42.8184, 93.515],
  ['Hangzhou', 30.2741, 120.1551],
  ['Harbin', 45.8038, 126.535],
  ['Hefei', 31.8206, 117.2272],
  ['Hohhot', 40.8426, 111.7492],
  ['Hotan', 37.1141, 79.9225],
  ['Huaihua', 27.555, 110.0016],
  ['Hulunbuir', 49.2116, 119.7658],
  ['Jiamusi', 46.7996, 130.3189],
  ['Jiayuguan', 39.7732, 98.2882],
  ['Jinan', 36.6512, 117.1201],
  ['Jinghong', 22.0073, 100.7975],
  ['Karamay', 45.5799, 84.8892],
  ['Kashgar', 39.4704, 75.9898],
  ['Kunming', 24.8801, 102.8329],
  ['Lanzhou', 36.0611, 103.8343],
  ['Lhasa', 29.65, 91.1],
  ['Linyi', 35.1041, 118.3564],
  ['Luoyang', 34.6197, 112.454],
  ['Nanchang', 28.682, 115.8579],
  ['Nanjing', 32.0603, 118.7969],
  ['Nanning', 22.817, 108.3665],
  ['Ngari', 32.5, 80.1],
  ['Panzhihua', 26.5823, 101.7186],
  ['Qiqihar', 47.3543, 123.9182],
  ['Shenyang', 41.8057, 123.4315],
  ['Shigatse', 29.269, 88.8806],
  ['Taiyuan', 37.8706, 112.5489],
  ['Urumqi', 43.8256, 87.6168],
  ['Wuhan', 30.5928, 114.3055],
  ["Xi'an", 34.3416, 108.9398],
  ['Xining', 36.6171, 101.7782],
  ['Xuzhou', 34.2044, 117.2859],
  ['Yinchuan', 38.4872, 106.2309],
  ['Zhengzhou', 34.7466, 113.6254],
];
const PLACES_PER_CITY = 10;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

// A spiral with steps of about a kilometre, each in a different direction.
const PLACES = CITIES.flatMap(([city, latitude, longitude]) =>
  Array.from({ length: PLACES_PER_CITY }, (_, step) => ({
    id: `${city}-${step}`,
    latitude: latitude + step * 0.009 * Math.cos(step * GOLDEN_ANGLE),
    longitude: longitude + step * 0.011 * Math.sin(step * GOLDEN_ANGLE),
  })),
);

module.exports = { PLACES };
