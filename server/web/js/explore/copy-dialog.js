// A search as a command.

import { byId, element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { COMMANDS, METHOD } from './commands.js';

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
