// The page: what it starts with, and what all of its views share.
//
// ```text
// app ─→ explore/explorer ─┬─→ form, list, merchant, tools   what the visitor sees
//                          ├─→ search, live, density          calls ─→ request ─→ api
//                          └─→ map/map ─→ basemap, pins, geometry
// ```
// A further view is a link in `#tabs` and a route in the fragment of the URL.

import { Api } from './api.js';
import { byId, element } from './dom.js';
import { askForKey } from './explore/dialogs.js';
import { Explorer } from './explore/explorer.js';
import { initialState } from './explore/request.js';
import { currentLanguage, setLanguage, t } from './i18n/i18n.js';
import { Store } from './store.js';

// Everything is relative to the page, which a proxy may serve below a path.
const base = new URL('.', document.baseURI);

async function start() {
  const tab = element('a', { href: '#/', 'aria-current': 'page' });
  tab.dataset.t = 'explore';
  byId('tabs').append(tab);
  setLanguage(currentLanguage());
  const response = await fetch(new URL('config.json', base));
  if (!response.ok) throw new Error(`config.json: HTTP ${response.status}`);
  const config = await response.json();
  const api = new Api(base);
  const store = new Store({ ...initialState(config), language: currentLanguage() });
  const onNeedKey = () => askForKey(api, key => {
    api.setKey(key);
    showKey(api);
    explorer.refresh();
  });
  const explorer = new Explorer({ api, store, config, base, onNeedKey });
  byId('key-button').addEventListener('click', onNeedKey);
  byId('language').addEventListener('click', () => {
    setLanguage(currentLanguage() === 'en' ? 'zh' : 'en');
    showLanguage();
    showKey(api);
    store.set({ language: currentLanguage() });
  });
  showLanguage();
  await explorer.start();
  // Tests wait for this.
  document.documentElement.dataset.ready = 'true';
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
  box.hidden = false;
  box.textContent = t('error_other', { message: error.message });
});
