// The position of a merchant: typed, or the place of its pin.

import { element } from '../dom.js';
import { t } from '../i18n/i18n.js';
import { DATUMS, datumOf, roundedDegrees, systemOf } from '../shared/datums.js';
import { labelled, numberInput, numberOf } from './parts.js';

/** The part of the field `position`. `onChange` is called after each change by typing. */
export function positionPart(mapDatum, onChange) {
  const latitude = numberInput({ id: 'position-latitude' });
  const longitude = numberInput({ id: 'position-longitude' });
  const accuracy = numberInput({ id: 'position-accuracy' });
  const datum = element('select', { id: 'position-datum' }, DATUMS.map(name => element('option', { value: name, 'data-t': `datum_${name}` })));
  const field = (label, control, name) => labelled(label, control, { path: `position.${name}` });
  const node = element('fieldset', { className: 'field', 'data-path': 'position', oninput: onChange, onchange: onChange },
    element('legend', { 'data-t': 'position' }),
    element('p', { className: 'hint', 'data-t': 'position_hint' }),
    element('div', { className: 'row' }, field('latitude', latitude, 'latitude'), field('longitude', longitude, 'longitude')),
    element('div', { className: 'row' }, field('datum', datum, 'coordinate_system'), field('accuracy', accuracy, 'accuracy_m')));
  const read = violations => {
    const position = { latitude: numberOf(latitude, violations), longitude: numberOf(longitude, violations), coordinateSystem: systemOf(datum.value) };
    const accuracyM = numberOf(accuracy, violations);
    if (accuracyM !== undefined) position.accuracyM = accuracyM;
    for (const [control, value] of [[latitude, position.latitude], [longitude, position.longitude]]) {
      if (value === undefined && control.value.trim() === '') violations.push({ control, description: t('position_missing') });
    }
    return position;
  };
  return {
    key: 'position',
    node,
    write: position => {
      // JSON leaves zeros out; a number that is not known yet is undefined.
      latitude.value = position ? ('latitude' in position ? position.latitude ?? '' : 0) : '';
      longitude.value = position ? ('longitude' in position ? position.longitude ?? '' : 0) : '';
      datum.value = position ? datumOf(position.coordinateSystem) : mapDatum;
      accuracy.value = position?.accuracyM ?? '';
    },
    read,
    /** The point `{latitude, longitude, datum}`, or null while it is none. */
    point: () => {
      const violations = [];
      const position = read(violations);
      const isPoint = violations.length === 0 && Math.abs(position.latitude) <= 90 && Math.abs(position.longitude) <= 180;
      return isPoint ? { latitude: position.latitude, longitude: position.longitude, datum: datum.value } : null;
    },
    /** Takes over the place of the pin. The accuracy is that of the position before, and no longer holds. */
    moveTo: point => {
      latitude.value = roundedDegrees(point.latitude);
      longitude.value = roundedDegrees(point.longitude);
      datum.value = mapDatum;
      accuracy.value = '';
    },
  };
}
