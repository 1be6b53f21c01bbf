// The form of a merchant: its parts in sections, and the difference to the version that was read.

import { element } from '../dom.js';
import { clearErrors, clearFieldError, showFieldError } from '../shared/field-errors.js';
import { AreaPart } from './area-part.js';
import { HoursPart } from './hours-part.js';
import { choicePart, datePart, groupPart, labelled, listPart, momentPart, textPart } from './parts.js';
import { positionPart } from './position-part.js';
import { mapPart, rowsPart } from './rows-part.js';

const STATUSES = [['', 'status_operational'], ['BUSINESS_STATUS_CLOSED_TEMPORARILY', 'temporarily_closed'], ['BUSINESS_STATUS_CLOSED_PERMANENTLY', 'permanently_closed']];
const VISIBILITIES = [['', 'visible'], ['VISIBILITY_HIDDEN', 'hidden']];

/** A text that is equal for equal values, whatever the order of keys. */
const canonical = value => JSON.stringify(value, (_, each) => (each && typeof each === 'object' && !Array.isArray(each)
  ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each)) ?? '';

export const isEqual = (a, b) => canonical(a) === canonical(b);

export class MerchantForm {
  #parts;
  /** Parts that are never shown: they say what a version reads as, without a change of what is typed. */
  #reader;
  /** The texts of values and problems of the version that changes are compared with, by field. */
  #baseline = new Map();
  #idField;
  /** The name of the merchant that is shown; empty for a new one. */
  name = '';

  /** `onPlace` is called when the position or the service area has changed. */
  constructor(config, base, onPlace) {
    const parts = partsOf(config, base, onPlace);
    this.#reader = Object.values(partsOf(config, base, () => {}).sections).flat();
    this.#parts = Object.values(parts.sections).flat();
    Object.assign(this, { position: parts.position, area: parts.area, categories: parts.categories, hours: parts.hours });
    this.#idField = labelled('merchant_id', element('input', { id: 'merchant-id', type: 'text', spellcheck: false, autocomplete: 'off' }), { hint: 'merchant_id_hint', path: 'merchant_id' });
    this.node = element('form', { id: 'merchant-form', noValidate: true, autocomplete: 'off', onsubmit: event => event.preventDefault() }, this.#idField,
      Object.entries(parts.sections).map(([name, each], index) => section(name, each, index < 3)));
    for (const type of ['input', 'change']) this.node.addEventListener(type, ({ target }) => this.#clearErrors(target));
  }

  get keys() {
    return this.#parts.map(part => part.key);
  }

  /** The id that is typed for a new merchant. */
  get id() {
    return this.#idField.querySelector('input').value.trim();
  }

  /** Whether something is typed that has not been saved. */
  get isChanged() {
    return Object.keys(this.changes([])).length > 0 || (!this.name && this.id !== '');
  }

  part(key) {
    return this.#parts.find(part => part.key === key);
  }

  /** Shows a version of a merchant; an empty one for a new merchant. */
  write(merchant) {
    for (const part of this.#parts) part.write(merchant[part.key]);
    this.#setBaseline(merchant);
    this.#idField.hidden = this.name !== '';
    this.#idField.querySelector('input').value = '';
    this.part('visibility').node.hidden = this.name !== '';
    this.#showReopening();
    clearErrors(this.node);
  }

  /**
   * Compares with another version from now on. Fields with changes keep what is typed, all others show the version; `theirs` and `ours`
   * are fields for which the visitor has chosen otherwise.
   */
  rebase(merchant, { theirs = [], ours = [] } = {}) {
    const kept = new Set([...Object.keys(this.changes([])), ...ours]);
    for (const key of theirs) kept.delete(key);
    for (const part of this.#parts) if (!kept.has(part.key)) part.write(merchant[part.key]);
    this.#setBaseline(merchant);
    this.#showReopening();
  }

  /** The values of a version as the form would return them. */
  valuesOf(merchant) {
    for (const part of this.#reader) part.write(merchant[part.key]);
    return Object.fromEntries(this.#reader.map(part => [part.key, part.read([])]));
  }

  #setBaseline(merchant) {
    this.name = merchant.name ?? '';
    for (const part of this.#reader) {
      part.write(merchant[part.key]);
      this.#baseline.set(part.key, stateOf(part).text);
    }
  }

  /** The fields that differ from the baseline; null stands for no value. Texts that are not values are violations. */
  changes(violations) {
    const changed = {};
    for (const part of this.#parts) {
      const { value, problems, text } = stateOf(part);
      violations.push(...problems);
      if (text !== this.#baseline.get(part.key)) changed[part.key] = value ?? null;
    }
    return changed;
  }

  /** Removes the errors that a change may have resolved: that of its control, and those of buttons in its section. */
  #clearErrors(target) {
    if (target.matches('[aria-invalid]')) clearFieldError(target);
    target.closest('.section')?.querySelectorAll('button[aria-invalid]').forEach(clearFieldError);
  }

  #showReopening() {
    showReopening(this.part('businessStatus'), this.part('reopeningDate'));
  }

  /** Shows violations beside their controls; returns those that have none. */
  showViolations(violations) {
    clearErrors(this.node);
    const left = violations.filter(({ control, field, description }) => {
      const target = control ?? this.#controlOf(field);
      if (!target) return true;
      showFieldError(target, description);
      return false;
    });
    this.node.querySelector('[aria-invalid]')?.focus();
    return left;
  }

  retranslate() {
    this.hours.retranslate();
  }

  /** The control of a field, or of the closest one that contains it. */
  #controlOf(field) {
    let path = field.replace(/^merchant\./, '');
    for (;;) {
      const node = this.node.querySelector(`[data-path="${CSS.escape(path)}"]`);
      const control = node && [...node.querySelectorAll('input, select, textarea, button')].find(each => !each.closest('[hidden]'));
      if (control) return control;
      const shorter = path.replace(/(\.[^.[\]]+|\[[^\]]*\])$/, '');
      if (shorter === path || shorter === '') return null;
      path = shorter;
    }
  }
}

/** The value of a part, its problems, and both as a text that is equal if they are, in any language. */
function stateOf(part) {
  const problems = [];
  const value = part.read(problems);
  return { value, problems, text: canonical([value ?? null, problems.map(({ control }) => control.value)]) };
}

/** A reopening date is allowed with one status only. */
function showReopening(status, reopening) {
  reopening.node.hidden = status.read() !== 'BUSINESS_STATUS_CLOSED_TEMPORARILY';
}

/** The parts of a form by section, and those that are used by name. */
function partsOf(config, base, onPlace) {
  const position = positionPart(config.mapDatum, onPlace);
  const area = new AreaPart(config, base);
  area.addEventListener('change', onPlace);
  const hours = new HoursPart();
  const categories = listPart('categories', 'categories', { hint: 'categories_hint' });
  const status = choicePart('businessStatus', 'business_status', STATUSES);
  const date = datePart('reopeningDate', 'reopening_date');
  const reopening = { ...date, read: violations => (status.read() === 'BUSINESS_STATUS_CLOSED_TEMPORARILY' ? date.read(violations) : undefined) };
  status.node.addEventListener('change', () => showReopening(status, reopening));
  return {
    position, area, hours, categories,
    sections: {
      section_basics: [
        textPart('displayName', 'display_name'), categories,
        textPart('phone', 'phone', { type: 'tel' }),
        textPart('brand', 'brand_label', { hint: 'brand_label_hint' }), listPart('services', 'services', { hint: 'services_hint' }),
      ],
      section_place: [position, groupPart('address', 'address', [
        ['addressLines', 'address_lines', { isLines: true, hint: 'address_lines_hint' }], ['postalCode', 'postal_code'], ['locality', 'locality'],
        ['sublocality', 'sublocality'], ['administrativeArea', 'administrative_area'], ['regionCode', 'region_code', { hint: 'region_code_hint', isUpper: true }],
      ])],
      section_hours: [hours],
      section_contact: [
        textPart('websiteUri', 'website', { type: 'url' }),
        groupPart('miniProgram', 'mini_program', [['appId', 'app_id'], ['path', 'mini_program_path']]), serviceLinks(),
      ],
      section_photos: [rowsPart('photos', 'photos', [
        { name: 'uri', label: 'photo_uri' }, { name: 'altText', label: 'photo_alt' }, { name: 'attribution', label: 'photo_attribution' },
        { name: 'widthPx', label: 'width_px', type: 'number' }, { name: 'heightPx', label: 'height_px', type: 'number' },
      ], { hint: 'photos_hint' })],
      section_area: [area],
      section_status: [
        choicePart('visibility', 'visibility', VISIBILITIES), status, reopening,
        momentPart('validFrom', 'valid_from', { hint: 'valid_hint' }), momentPart('validUntil', 'valid_until'),
      ],
      section_languages: [mapPart('localizedNames', 'localized_names', [{ name: 'key', label: 'language_tag' }, { name: 'value', label: 'display_name' }], { hint: 'localized_names_hint' })],
      section_data: [
        mapPart('attributes', 'attributes', [{ name: 'key', label: 'key_column' }, { name: 'value', label: 'number_column', type: 'number' }], { hint: 'attributes_hint' }),
        mapPart('labels', 'labels', [{ name: 'key', label: 'key_column' }, { name: 'value', label: 'value_column' }], { hint: 'labels_hint' }),
        rowsPart('externalIds', 'external_ids', [{ name: 'system', label: 'system' }, { name: 'id', label: 'identifier' }], { hint: 'external_ids_hint' }),
        textPart('source', 'source', { hint: 'source_hint' }),
      ],
    },
  };
}

function serviceLinks() {
  const columns = [
    { name: 'service', label: 'service' },
    { name: 'kind', label: 'link_kind', type: 'choice', options: [['web', 'link_web'], ['miniProgram', 'mini_program']] },
    { name: 'target', label: 'link_target' }, { name: 'path', label: 'mini_program_path' }, { name: 'description', label: 'link_text' },
  ];
  return rowsPart('serviceLinks', 'service_links', columns, {
    hint: 'service_links_hint',
    toRow: ({ service, description, webUri, miniProgram }) => (miniProgram
      ? { service, description, kind: 'miniProgram', target: miniProgram.appId, path: miniProgram.path } : { service, description, kind: 'web', target: webUri }),
    fromRow: ({ service, description, kind, target, path }) => ({
      ...(service !== undefined && { service }), ...(description !== undefined && { description }),
      ...(kind === 'web' ? { webUri: target ?? '' } : { miniProgram: { appId: target ?? '', ...(path !== undefined && { path }) } }),
    }),
  });
}

function section(name, parts, isOpen) {
  return element('details', { className: 'section', open: isOpen, id: name },
    element('summary', {}, element('h3', { 'data-t': name })), parts.map(({ node }) => node));
}
