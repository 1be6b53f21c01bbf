// The form of a merchant: its parts in sections, and the difference to the version that was read.

import { element } from '../dom.js';
import { clearErrors, showFieldError } from '../shared/field-errors.js';
import { AreaPart } from './area-part.js';
import { HoursPart } from './hours-part.js';
import { choicePart, datePart, groupPart, listPart, momentPart, textPart } from './parts.js';
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
  /** What each part returned for the version that was read. */
  #read = new Map();
  #showReopening;

  /** `onPlace` is called when the position or the service area has changed. */
  constructor(config, base, onPlace) {
    this.position = positionPart(config.mapDatum, onPlace);
    this.area = new AreaPart(config, base);
    this.area.addEventListener('change', onPlace);
    this.hours = new HoursPart();
    this.categories = listPart('categories', 'categories', { hint: 'categories_hint' });
    const sections = this.#sections();
    this.#parts = Object.values(sections).flat();
    this.node = element('form', { id: 'merchant-form', novalidate: true, autocomplete: 'off', onsubmit: event => event.preventDefault() },
      Object.entries(sections).map(([name, parts], index) => section(name, parts, index < 3)));
    const [status, reopening] = ['businessStatus', 'reopeningDate'].map(key => this.part(key));
    const showReopening = () => { reopening.node.hidden = status.read() !== 'BUSINESS_STATUS_CLOSED_TEMPORARILY'; };
    status.node.addEventListener('change', showReopening);
    const { read } = reopening;
    // A date is allowed with that status only.
    reopening.read = violations => (reopening.node.hidden ? undefined : read(violations));
    this.#showReopening = showReopening;
  }

  /** The name of the merchant that is shown; empty for a new one. */
  name = '';

  get keys() {
    return this.#parts.map(part => part.key);
  }

  part(key) {
    return this.#parts.find(part => part.key === key);
  }

  /** Shows a version of a merchant; an empty one for a new merchant. */
  write(merchant) {
    this.name = merchant.name ?? '';
    for (const part of this.#parts) this.#writePart(part, merchant);
    this.part('visibility').node.hidden = Boolean(merchant.name);
    clearErrors(this.node);
  }

  /** Takes over another version in the fields that have no changes, and in those of `keys`; it is what changes are compared with. */
  rebase(merchant, keys = []) {
    const changed = new Set(Object.keys(this.changes([])));
    for (const part of this.#parts) {
      if (!changed.has(part.key) || keys.includes(part.key)) {
        this.#writePart(part, merchant);
        continue;
      }
      const typed = part.read([]);
      this.#writePart(part, merchant);
      part.write(typed);
    }
    this.#showReopening();
  }

  #writePart(part, merchant) {
    part.write(merchant[part.key]);
    if (part.key === 'businessStatus') this.#showReopening();
    this.#read.set(part.key, part.read([]));
  }

  /** The fields that differ from the version that was read; null stands for no value. Texts that are no values are violations. */
  changes(violations) {
    const changed = {};
    for (const part of this.#parts) {
      const problems = [];
      const value = part.read(problems);
      violations.push(...problems);
      if (problems.length > 0 || !isEqual(value, this.#read.get(part.key))) changed[part.key] = value ?? null;
    }
    return changed;
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

  #sections() {
    return {
      section_basics: [
        textPart('displayName', 'display_name'), this.categories,
        textPart('phone', 'phone', { type: 'tel' }),
        textPart('brand', 'brand_label', { hint: 'brand_label_hint' }), listPart('services', 'services', { hint: 'services_hint' }),
      ],
      section_place: [this.position, groupPart('address', 'address', [
        ['addressLines', 'address_lines', { isLines: true, hint: 'address_lines_hint' }], ['postalCode', 'postal_code'], ['locality', 'locality'],
        ['sublocality', 'sublocality'], ['administrativeArea', 'administrative_area'], ['regionCode', 'region_code', { hint: 'region_code_hint', isUpper: true }],
      ])],
      section_hours: [this.hours],
      section_contact: [
        textPart('websiteUri', 'website', { type: 'url' }),
        groupPart('miniProgram', 'mini_program', [['appId', 'app_id'], ['path', 'mini_program_path']]), serviceLinks(),
      ],
      section_photos: [rowsPart('photos', 'photos', [
        { name: 'uri', label: 'photo_uri' }, { name: 'altText', label: 'photo_alt' }, { name: 'attribution', label: 'photo_attribution' },
        { name: 'widthPx', label: 'width_px', type: 'number' }, { name: 'heightPx', label: 'height_px', type: 'number' },
      ], { hint: 'photos_hint' })],
      section_area: [this.area],
      section_status: [
        choicePart('visibility', 'visibility', VISIBILITIES), choicePart('businessStatus', 'business_status', STATUSES),
        datePart('reopeningDate', 'reopening_date'), momentPart('validFrom', 'valid_from', { hint: 'valid_hint' }), momentPart('validUntil', 'valid_until'),
      ],
      section_languages: [mapPart('localizedNames', 'localized_names', [{ name: 'key', label: 'language_tag' }, { name: 'value', label: 'display_name' }], { hint: 'localized_names_hint' })],
      section_data: [
        mapPart('attributes', 'attributes', [{ name: 'key', label: 'key_column' }, { name: 'value', label: 'number_column', type: 'number' }], { hint: 'attributes_hint' }),
        mapPart('labels', 'labels', [{ name: 'key', label: 'key_column' }, { name: 'value', label: 'value_column' }], { hint: 'labels_hint' }),
        rowsPart('externalIds', 'external_ids', [{ name: 'system', label: 'system' }, { name: 'id', label: 'identifier' }], { hint: 'external_ids_hint' }),
        textPart('source', 'source', { hint: 'source_hint' }),
      ],
    };
  }
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
