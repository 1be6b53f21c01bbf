// The page: what it starts with, and which view is shown.

import { Api } from './api.js';
import { byId } from './dom.js';
import { startExplorer } from './explore/explorer.js';
import { initialState } from './explore/request.js';
import { currentLanguage, setLanguage, t } from './i18n/i18n.js';
import { Store } from './store.js';

// Everything is relative to the page, which a proxy may serve below a path.
const base = new URL('.', document.baseURI);

async function start() {
  setLanguage(currentLanguage());
  const response = await fetch(new URL('config.json', base));
  if (!response.ok) throw new Error(`config.json: HTTP ${response.status}`);
  const config = await response.json();
  const api = new Api(base);
  const store = new Store({ ...initialState(config), language: currentLanguage() });
  byId('language').addEventListener('click', () => {
    setLanguage(currentLanguage() === 'en' ? 'zh' : 'en');
    showLanguage();
    store.set({ language: currentLanguage() });
  });
  showLanguage();
  const explorer = await startExplorer({ api, store, config, base, onNeedKey: () => {} });
  document.documentElement.dataset.ready = 'true';
  return explorer;
}

function showLanguage() {
  const button = byId('language');
  button.textContent = t('other_language');
  button.lang = currentLanguage() === 'en' ? 'zh' : 'en';
  button.setAttribute('aria-label', t('switch_language'));
}

start();
