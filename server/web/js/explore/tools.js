// The switches above the list: live updates, density, and the search as a command.

import { byId, element } from '../dom.js';
import { count, t, translate } from '../i18n/i18n.js';

/** Makes the switches. */
export function showTools(store, onCopy) {
  const toggle = (id, hint) => {
    const button = element('button', { type: 'button', id, onclick: () => store.set({ [id]: !store.state[id] }) });
    button.dataset.t = id;
    if (hint) button.dataset.tTitle = hint;
    return button;
  };
  const copy = element('button', { type: 'button', id: 'copy', onclick: onCopy });
  copy.dataset.t = 'copy';
  const buttons = [toggle('live', 'live_hint'), toggle('density'), copy];
  byId('tools').append(...buttons, element('span', { id: 'live-status', className: 'hint', role: 'status' }));
  translate(byId('tools'));
  const show = ({ live, density, origin }) => {
    byId('live').setAttribute('aria-pressed', String(live));
    byId('density').setAttribute('aria-pressed', String(density));
    copy.disabled = !origin;
  };
  show(store.state);
  store.subscribe(show);
}

/** Shows the state of live updates. */
export function showLiveStatus({ phase, changes }) {
  const keys = { hidden: 'live_paused', lost: 'live_lost', ended: 'live_ended' };
  const text = keys[phase] ? t(keys[phase]) : '';
  const news = changes ? t('live_change', { entered: count(changes.entered), left: count(changes.left), updated: count(changes.updated) }) : '';
  byId('live-status').dataset.phase = phase;
  byId('live-status').textContent = text || news;
}
