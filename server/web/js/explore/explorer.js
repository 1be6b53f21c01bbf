// The explorer: controls, list and map of one search.

import { byId, element } from '../dom.js';
import { currentLanguage, t } from '../i18n/i18n.js';
import { ExplorerMap } from '../map/map.js';
import { toMapDatum } from './datums.js';
import { showError } from './errors.js';
import { Form } from './form.js';
import { merchantHash, nameOf, showOutcome } from './list.js';
import { Search } from './search.js';

/** Starts the explorer. Returns its parts. */
export async function startExplorer({ api, store, config, base, onNeedKey }) {
  const map = new ExplorerMap(byId('map'), config, base);
  const search = new Search(api, store, config);
  const form = new Form(byId('search'), store, config);

  const drawOrigin = async () => {
    const { state } = store;
    const origin = state.origin && await toMapDatum(state.origin, config.mapDatum, base);
    map.setOrigin(origin, state, t('point'));
    return origin;
  };
  const drawPins = () => map.setPins(search.outcome.results.map((result, index) => ({
    name: result.merchant.name, number: index + 1, label: nameOf(result), isOpen: result.openState !== 'OPEN_STATE_CLOSED',
    latitude: result.position.latitude, longitude: result.position.longitude,
  })));
  const showFound = () => {
    showOutcome(search.outcome, store.state, { onHighlight: name => map.highlight(name) });
    drawPins();
    const { error } = search.outcome;
    const others = form.showViolations(error?.violations ?? []);
    showError(byId('error'), error, others, { onRetry: () => search.run(), onNeedKey });
  };

  map.addEventListener('pick', ({ detail }) => {
    store.set({ origin: { latitude: detail.lat, longitude: detail.lng, datum: config.mapDatum }, accuracyM: 0 });
  });
  map.addEventListener('select', ({ detail }) => { location.hash = merchantHash(detail); });
  map.addEventListener('view', () => showNotice(map, config));
  search.addEventListener('change', showFound);
  store.onChange(['origin', 'radiusM', 'minDistanceM', 'accuracyM', 'language'], async (state, old) => {
    const origin = await drawOrigin();
    // A typed point is often elsewhere; a clicked one is where the visitor looks.
    if (state.origin !== old.origin && state.origin?.isTyped) map.fit(origin, state.radiusM);
  });
  store.onChange(['language'], () => {
    showFound();
    showNotice(map, config);
  });
  byId('more').addEventListener('click', () => search.more());

  showFound();
  const searching = search.run();
  try {
    await map.start(currentLanguage() === 'zh' ? MAP_TEXTS_ZH : undefined);
    const origin = await drawOrigin();
    if (origin) map.fit(origin, store.state.radiusM);
  } catch (error) {
    failMap(error.message);
  }
  await searching;
  drawPins();
  return { map, search, form };
}

const MAP_TEXTS_ZH = { 'NavigationControl.ZoomIn': '放大', 'NavigationControl.ZoomOut': '缩小', 'Map.Title': '地图' };

/** Shows what the visitor should know of the map: where it ends, or who sees what is looked at. */
function showNotice(map, config) {
  const notice = byId('map-notice');
  if (notice.dataset.failed) return;
  const key = config.map ? 'map_foreign' : map.isBeyondStreets ? 'map_beyond' : null;
  notice.hidden = !key;
  notice.textContent = key ? t(key) : '';
}

function failMap(reason) {
  const notice = byId('map-notice');
  notice.dataset.failed = 'true';
  notice.hidden = false;
  notice.replaceChildren(element('span', {}, t('map_failed', { reason })));
}
