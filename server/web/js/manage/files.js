// Import of a file with its progress, and export.

import { CallError } from '../api.js';
import { byId, element } from '../dom.js';
import { count, t, translate } from '../i18n/i18n.js';
import { MANAGE_HASH } from '../routes.js';
import { DATUMS } from '../shared/datums.js';
import { showError } from '../shared/errors.js';
import { button, labelled } from './parts.js';

/** Content types by the end of a file name. */
const FORMATS = { csv: 'text/csv', ndjson: 'application/x-ndjson', jsonl: 'application/x-ndjson', geojson: 'application/geo+json', json: 'application/geo+json' };
const EXPORTS = [['csv', 'text/csv'], ['ndjson', 'application/x-ndjson'], ['geojson', 'application/geo+json']];
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Rows of the table; the counts are those of all. */
const MAX_SHOWN = 1_000;

export class Files {
  #api;
  #onNeedKey;
  #importing = null;
  #file = element('input', { id: 'import-file', type: 'file', accept: '.csv,.ndjson,.jsonl,.geojson,.json' });
  #source = element('input', { id: 'import-source', type: 'text', spellcheck: false, autocomplete: 'off' });
  #datum = element('select', { id: 'import-datum' }, [['', 'datum_of_file'], ...DATUMS.map(name => [name, `datum_${name}`])].map(([value, label]) => element('option', { value, 'data-t': label })));
  #zone = element('input', { id: 'import-zone', type: 'text', spellcheck: false, autocomplete: 'off' });

  constructor(api, box, onNeedKey) {
    this.#api = api;
    this.#onNeedKey = onNeedKey;
    box.append(
      element('a', { href: MANAGE_HASH, className: 'back', 'data-t': 'back_to_list' }),
      element('section', { 'data-t-label': 'import' }, element('h2', { 'data-t': 'import' }), element('p', { className: 'hint', 'data-t': 'import_hint' }),
        labelled('file', this.#file), labelled('source', this.#source, { hint: 'import_source_hint' }),
        element('div', { className: 'row' }, labelled('datum', this.#datum), labelled('time_zone_label', this.#zone)),
        element('div', { className: 'buttons' },
          button('import_check', () => this.#import(true), { id: 'import-check' }), button('import_start', () => this.#import(false), { id: 'import-start', className: 'primary' }),
          button('cancel', () => this.cancel(), { id: 'import-cancel', hidden: true })),
        element('progress', { id: 'import-progress', max: 1, value: 0, hidden: true, 'data-t-label': 'import_progress' }),
        element('p', { id: 'import-status', role: 'status', 'aria-live': 'polite' }),
        element('div', { id: 'import-error', className: 'error', role: 'alert', hidden: true }),
        element('div', { id: 'import-rejected' })),
      element('section', { 'data-t-label': 'export' }, element('h2', { 'data-t': 'export' }), element('p', { className: 'hint', 'data-t': 'export_hint' }),
        element('div', { className: 'buttons' }, EXPORTS.map(([name, type]) => element('button', { type: 'button', id: `export-${name}`, onclick: () => this.#export(name, type) }, name === 'csv' ? 'CSV' : name === 'ndjson' ? 'NDJSON' : 'GeoJSON'))),
        element('p', { id: 'export-status', role: 'status', 'aria-live': 'polite' }),
        element('div', { id: 'export-error', className: 'error', role: 'alert', hidden: true })));
    translate(box);
  }

  /** Forgets the outcomes of earlier files. */
  reset() {
    for (const id of ['import-status', 'export-status']) byId(id).textContent = '';
    for (const id of ['import-error', 'export-error']) showError(byId(id), null, [], {});
    byId('import-rejected').replaceChildren();
  }

  /** Stops an import. */
  cancel() {
    this.#importing?.abort();
  }

  /** True if leaving would stop an import. */
  get isBusy() {
    return this.#importing !== null;
  }

  async #import(isDryRun) {
    const file = this.#file.files[0];
    const retry = { onRetry: () => this.#import(isDryRun), onNeedKey: this.#onNeedKey };
    const type = file && FORMATS[file.name.split('.').pop().toLowerCase()];
    const problem = !file ? 'file_missing' : !type ? 'file_unknown' : file.size > MAX_FILE_BYTES ? 'file_too_large' : null;
    byId('import-rejected').replaceChildren();
    showError(byId('import-error'), problem && { code: 'file', message: t(problem) }, [], { ...retry, onRetry: null });
    if (problem) return;
    const options = { source: this.#source.value.trim(), datum: this.#datum.value, timeZone: this.#zone.value.trim(), dryRun: isDryRun ? 'true' : '' };
    const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value !== ''));
    const rejected = [];
    const importing = new AbortController();
    this.#importing = importing;
    this.#showBusy(true);
    let [rows, stored, summary] = [0, 0, null];
    try {
      await this.#api.upload(`import?${query}`, file, type, {
        signal: importing.signal,
        onProgress: share => {
          byId('import-progress').value = share;
          if (share === 1) byId('import-progress').removeAttribute('value');
        },
        onLine: line => {
          if (line.summary) summary = line.summary;
          else rows += 1;
          if (line.state === 'rejected') rejected.push(line);
          else if (!line.summary) stored += 1;
          if (rows % 100 === 0) byId('import-status').textContent = t('import_rows', { count: count(rows) });
        },
      });
      if (!summary) throw new CallError({ code: 'unavailable' });
      byId('import-status').textContent = summaryOf(summary, isDryRun);
    } catch (error) {
      // Rows are stored as they are read.
      byId('import-status').textContent = stored > 0 && !isDryRun ? t('import_incomplete', { count: count(stored) }) : '';
      if (error.name === 'AbortError') byId('import-status').textContent += ` ${t('import_cancelled')}`;
      else showError(byId('import-error'), error, error.violations, retry);
    } finally {
      this.#importing = null;
      this.#showBusy(false);
    }
    showRejected(rejected, summary?.rejected ?? rejected.length);
  }

  #showBusy(isBusy) {
    for (const id of ['import-start', 'import-check']) byId(id).disabled = isBusy;
    byId('import-cancel').hidden = !isBusy;
    byId('import-progress').hidden = !isBusy;
    byId('import-progress').value = 0;
  }

  async #export(name, type) {
    const status = byId('export-status');
    showError(byId('export-error'), null, [], {});
    status.textContent = t('export_running');
    try {
      const blob = await this.#api.download('export', {}, type);
      const link = element('a', { href: URL.createObjectURL(blob), download: `merchants.${name}` });
      link.click();
      // The browser reads it once it has been saved.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      status.textContent = t('export_done');
    } catch (error) {
      status.textContent = '';
      showError(byId('export-error'), error, error.violations ?? [], { onRetry: () => this.#export(name, type), onNeedKey: this.#onNeedKey });
    }
  }
}

function summaryOf(summary, isDryRun) {
  const counts = Object.fromEntries(['rows', 'created', 'updated', 'unchanged', 'rejected'].map(key => [key, count(summary[key])]));
  const ignored = summary.ignored?.length > 0 ? ` ${t('import_ignored', { names: summary.ignored.join(', ') })}` : '';
  return t(isDryRun ? 'import_checked' : 'import_done', counts) + ignored;
}

function showRejected(rejected, total) {
  if (rejected.length === 0) return;
  const cells = ['row', 'name_column', 'problem'].map(key => element('th', { scope: 'col' }, t(key)));
  const rows = rejected.slice(0, MAX_SHOWN).map(({ row, name, violations = [] }) => element('tr', {},
    element('td', {}, String(row)), element('td', {}, name || '–'),
    element('td', {}, violations.map(({ field, description }) => element('div', {}, field ? `${field}: ${description}` : description)))));
  byId('import-rejected').replaceChildren(
    element('h3', {}, t('rejected_rows', { count: count(total) })),
    rows.length < total ? element('p', { className: 'hint' }, t('rejected_first', { count: count(rows.length) })) : '',
    element('div', { className: 'scroll' }, element('table', { className: 'rejected' }, element('thead', {}, element('tr', {}, cells)), element('tbody', {}, rows))));
}

