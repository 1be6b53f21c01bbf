// One merchant in full.

import { byId, element, outsideLink, webUrl } from '../dom.js';
import { calendarDate, dateTime, distance, t } from '../i18n/i18n.js';
import { EXPLORE_HASH, editHash } from '../routes.js';
import { datumOf } from '../shared/datums.js';
import { showError } from '../shared/errors.js';
import { hoursSection } from '../shared/hours.js';
import { flags, nameOf, openBadge } from './list.js';

/** Shows merchants that a link names. */
export class MerchantView {
  #api;
  #config;
  #actions;
  #running = null;
  #shown = null;

  /** `actions` are `{resultOf, onShown, onSearchHere, onNeedKey}`. */
  constructor(api, config, actions) {
    this.#api = api;
    this.#config = config;
    this.#actions = actions;
  }

  /** Loads and shows a merchant, by name. */
  async show(name) {
    const box = byId('merchant');
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    box.setAttribute('aria-busy', 'true');
    try {
      const merchant = await this.#api.call('MerchantService/GetMerchant', { name }, { signal: running.signal });
      if (this.#running !== running) return;
      this.#shown = merchant;
      this.#render(box, merchant);
      this.#actions.onShown(merchant);
    } catch (error) {
      if (this.#running !== running) return;
      this.#shown = null;
      this.#fail(box, name, error);
    }
    box.removeAttribute('aria-busy');
    box.focus();
  }

  /** Shows the merchant again, in another language. */
  refresh() {
    if (this.#shown) this.#render(byId('merchant'), this.#shown);
  }

  hide() {
    this.#running?.abort();
    this.#running = null;
    this.#shown = null;
    byId('merchant').replaceChildren();
  }

  #fail(box, name, error) {
    const message = element('div', { className: 'error', role: 'alert' });
    box.replaceChildren(back(), message);
    if (error.code === 'not_found') message.textContent = t('not_found');
    else showError(message, error, error.violations ?? [], { onRetry: () => this.show(name), onNeedKey: this.#actions.onNeedKey });
  }

  #render(box, merchant) {
    const result = this.#actions.resultOf(merchant.name);
    const name = result ? nameOf(result) : merchant.displayName;
    box.replaceChildren(
      back(),
      element('h2', {}, name),
      name === merchant.displayName ? '' : element('p', { className: 'sub' }, merchant.displayName),
      element('p', { className: 'badges' }, status(merchant, result),
        result && [element('span', { className: 'badge' }, t('distance_away', { distance: distance(result.distanceM ?? 0) })), flags(result)]),
      facts(merchant),
      hoursSection(merchant.openingHours),
      links(merchant),
      this.#photos(merchant.photos ?? []),
      element('div', { className: 'buttons' },
        element('button', { type: 'button', id: 'search-here', onclick: () => this.#actions.onSearchHere(merchant) }, t('search_here')),
        element('a', { className: 'button', id: 'edit', href: editHash(merchant.name) }, t('edit'))),
    );
  }

  #photos(photos) {
    if (photos.length === 0) return '';
    const isAllowed = uri => this.#config.photoOrigins.includes(webUrl(uri)?.origin);
    const list = photos.map((photo, index) => {
      const name = photo.altText || t('photo', { number: index + 1 });
      const attribution = photo.attribution ? element('span', { className: 'sub' }, ` ${photo.attribution}`) : '';
      if (!isAllowed(photo.uri)) return element('p', {}, outsideLink(photo.uri, name), attribution);
      // Loading a photo tells its server who looks: only the visitor may do that.
      const show = event => event.target.replaceWith(element('img', { src: photo.uri, alt: photo.altText || name, referrerPolicy: 'no-referrer', decoding: 'async' }));
      return element('div', {}, element('button', { type: 'button', className: 'photo', onclick: show }, t('photo_show', { name })), attribution);
    });
    return element('section', { className: 'photos' }, element('h3', {}, t('photos')), list);
  }
}

const back = () => element('a', { href: EXPLORE_HASH, id: 'back' }, t('back'));

function status(merchant, result) {
  if (merchant.businessStatus === 'BUSINESS_STATUS_CLOSED_PERMANENTLY') return element('span', { className: 'badge closed' }, t('permanently_closed'));
  if (merchant.businessStatus === 'BUSINESS_STATUS_CLOSED_TEMPORARILY') {
    const reopens = merchant.reopeningDate ? ` · ${t('reopens', { date: calendarDate(merchant.reopeningDate) })}` : '';
    return element('span', { className: 'badge closed' }, t('temporarily_closed') + reopens);
  }
  return result ? openBadge(result, merchant.openingHours?.timeZone) : null;
}

/** The fields that are set, as a list of terms. */
function facts(merchant) {
  const rows = [
    ['brand_label', merchant.brand],
    ['categories', merchant.categories?.join(', ')],
    ['address', addressText(merchant.address)],
    ['phone', merchant.phone && phoneLink(merchant.phone)],
    ['website', merchant.websiteUri && outsideLink(merchant.websiteUri)],
    ['services', merchant.services?.join(', ')],
    ['service_area', areaText(merchant.serviceArea)],
    ['attributes', Object.entries(merchant.attributes ?? {}).map(([key, value]) => `${key} ${value}`).join(', ')],
    ['position', merchant.position && positionText(merchant.position)],
    ['updated', merchant.updateTime && dateTime(new Date(merchant.updateTime))],
  ];
  return element('dl', {}, rows.filter(([, value]) => value).map(([key, value]) => [element('dt', {}, t(key)), element('dd', {}, value)]));
}

function addressText(address) {
  if (!address) return '';
  const { addressLines = [], sublocality, postalCode, locality, administrativeArea, regionCode } = address;
  return [...addressLines, sublocality, [postalCode, locality].filter(Boolean).join(' '), administrativeArea, regionCode].filter(Boolean).join(', ');
}

/** A link that calls, if the phone is one number. */
function phoneLink(phone) {
  const number = phone.replace(/[\s()./-]/g, '');
  return /^\+?\d{3,20}$/.test(number) ? element('a', { href: `tel:${number}` }, phone) : phone;
}

function areaText(area) {
  if (!area) return '';
  if (area.radiusM) return t('service_area_radius', { radius: distance(area.radiusM) });
  return t('service_area_polygons', { count: area.polygons?.polygons?.length ?? 0 });
}

function positionText({ latitude = 0, longitude = 0, coordinateSystem }) {
  return `${latitude}, ${longitude} (${t(`datum_${datumOf(coordinateSystem)}`)})`;
}

function links(merchant) {
  const miniProgram = ({ appId, path }) => element('code', {}, path ? `${appId} ${path}` : appId);
  const items = (merchant.serviceLinks ?? []).map(link => {
    const text = link.description || link.service;
    return element('li', {}, link.webUri ? outsideLink(link.webUri, text) : [`${text}: ${t('mini_program')} `, miniProgram(link.miniProgram)]);
  });
  if (merchant.miniProgram) items.push(element('li', {}, `${t('mini_program')} `, miniProgram(merchant.miniProgram)));
  return items.length === 0 ? '' : element('section', {}, element('h3', {}, t('links')), element('ul', {}, items));
}
