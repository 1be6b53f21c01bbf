// The dialog of the API key.

import { byId, element } from '../dom.js';
import { t } from '../i18n/i18n.js';

/** Opens the dialog of the key. `onKey` gets the key, or an empty text to forget it. */
export function askForKey(api, onKey) {
  const dialog = byId('key-dialog');
  // The field is no password of a form: password managers would store it.
  const input = element('input', { id: 'key', type: 'password', autocomplete: 'off', spellcheck: false });
  const use = key => {
    dialog.close();
    onKey(key);
  };
  dialog.replaceChildren(
    element('h2', { id: 'key-title' }, t('key_title')),
    element('form', {
      onsubmit: event => {
        event.preventDefault();
        use(input.value);
      },
    },
    element('label', { for: 'key', className: 'hint' }, t('key_hint')), input,
    element('div', { className: 'buttons' },
      element('button', { type: 'submit', className: 'primary', id: 'key-use' }, t('key_save')),
      api.hasKey && element('button', { type: 'button', id: 'key-forget', onclick: () => use('') }, t('key_forget')),
      element('button', { type: 'button', onclick: () => dialog.close() }, t('close')))),
  );
  dialog.showModal();
  input.focus();
}
