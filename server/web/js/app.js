// The page: what it starts with, and what all of its views share.
//
// ```text
// app ─→ explore/explorer ─┬─→ form, list, merchant, tools       what a visitor sees
//     │                    └─→ search, live, density              calls ─→ request ─→ api
//     ├─→ manage/manager ──┬─→ merchant-list, files
//     │                    └─→ editor ─→ merchant-form ─→ parts    a field of the contract each
//     │                               └─→ place ─→ rank            what the map shows of it
//     └─→ map/map ─→ basemap, pins, geometry
//
// explore, manage ─→ shared, map ─→ api, dom, i18n, routes, store
// ```
// A further view is a link in `#tabs` and a route in `routes.js`.

import { Api } from './api.js';
import { byId, element } from './dom.js';
import { Explorer } from './explore/explorer.js';
import { initialState } from './explore/request.js';
import { currentLanguage, setLanguage, t } from './i18n/i18n.js';
import { Manager } from './manage/manager.js';
import { MapView } from './map/map.js';
import { EXPLORE_HASH, MANAGE_HASH, routeOf } from './routes.js';
import { askForKey } from './shared/key-dialog.js';
import { Store } from './store.js';

// Everything is relative to the page, which a proxy may serve below a path.
const base = new URL('.', document.baseURI);
const TABS = { explore: EXPLORE_HASH, manage: MANAGE_HASH };

async function start() {
  for (const [view, href] of Object.entries(TABS)) byId('tabs').append(element('a', { href, 'data-t': view }));
  setLanguage(currentLanguage());
  const response = await fetch(new URL('config.json', base));
  if (!response.ok) throw new Error(`config.json: HTTP ${response.status}`);
  const config = await response.json();
  const api = new Api(base);
  const store = new Store({ ...initialState(config), language: currentLanguage() });
  const map = new MapView(byId('map'), config, base);
  const onNeedKey = () => askForKey(api, key => {
    api.setKey(key);
    showKey(api);
    shown().refresh();
  });
  const shared = { api, store, config, base, map, onNeedKey };
  const shown = followRoutes({ explore: new Explorer(shared), manage: new Manager(shared) });
  byId('key-button').addEventListener('click', onNeedKey);
  byId('language').addEventListener('click', () => {
    setLanguage(currentLanguage() === 'en' ? 'zh' : 'en');
    showLanguage();
    showKey(api);
    map.showNotice();
    store.set({ language: currentLanguage() });
  });
  showLanguage();
  await map.start();
  await shown().onMapReady();
  // Tests wait for this.
  document.documentElement.dataset.ready = 'true';
}

/** Shows the view that the fragment of the URL names, now and after each change of it. Returns a function that returns the view. */
function followRoutes(views) {
  let [current, hash] = [null, null];
  const follow = () => {
    const route = routeOf(location.hash);
    const target = location.hash;
    if (current && !current.canLeave(() => {
      location.hash = target;
    })) {
      // The address stays that of what is shown until the visitor has answered.
      history.replaceState(null, '', hash || EXPLORE_HASH);
      return;
    }
    hash = target;
    if (current !== views[route.view]) for (const [name, view] of Object.entries(views)) if (name !== route.view) view.hide();
    current = views[route.view];
    byId('tabs').querySelectorAll('a').forEach(link => {
      if (link.dataset.t === route.view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    });
    current.show(route);
  };
  addEventListener('hashchange', follow);
  follow();
  return () => current;
}

function showKey(api) {
  byId('key-button').textContent = t(api.hasKey ? 'key_in_use' : 'key');
}

function showLanguage() {
  const button = byId('language');
  button.textContent = t('other_language');
  button.lang = currentLanguage() === 'en' ? 'zh' : 'en';
  button.setAttribute('aria-label', t('switch_language'));
}

start().catch(error => {
  const box = byId('error');
  byId('found').hidden = false;
  box.hidden = false;
  box.textContent = t('error_other', { message: error.message });
});
