// Dialogs: the API key, and a search as a command.

import { byId, element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { COMMANDS, METHOD } from './commands.js';

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

/** Opens the dialog of commands for a request. */
export function showCommands(request, api, config) {
  const dialog = byId('copy-dialog');
  const status = element('p', { className: 'hint', role: 'status' });
  const text = element('textarea', { id: 'command', readOnly: true, spellcheck: false, 'aria-labelledby': 'copy-title' });
  const note = element('p', { className: 'hint' });
  const choices = Object.keys(COMMANDS).map(name => element('button', { type: 'button', 'data-command': name, onclick: () => choose(name) }, t(`copy_${name}`)));
  const choose = name => {
    text.value = COMMANDS[name](request, api.url(METHOD), { needsKey: config.needsKey || api.hasKey });
    note.textContent = name === 'grpcurl' ? t('copy_grpc_address') : t('copy_position');
    status.textContent = '';
    for (const choice of choices) choice.setAttribute('aria-pressed', String(choice.dataset.command === name));
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text.value);
      status.textContent = t('copied');
    } catch {
      text.select();
      status.textContent = t('copy_failed');
    }
  };
  dialog.replaceChildren(
    element('h2', { id: 'copy-title' }, t('copy_title')),
    element('div', { className: 'buttons' }, choices), text, note,
    element('div', { className: 'buttons' },
      element('button', { type: 'button', className: 'primary', id: 'copy-button', onclick: copy }, t('copy_button')),
      element('button', { type: 'button', id: 'copy-close', onclick: () => dialog.close() }, t('close'))),
    status,
  );
  choose('curl');
  dialog.showModal();
}
