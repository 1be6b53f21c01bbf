// Errors beside the controls that they are about.

import { element } from '../dom.js';

let targets = 0;

/** Removes all errors of a form. */
export function clearErrors(form) {
  form.querySelectorAll('[aria-invalid]').forEach(clearFieldError);
}

/** Removes the error of a control, which has been changed. */
export function clearFieldError(control) {
  document.getElementById(`${control.id}-error`)?.remove();
  control.removeAttribute('aria-invalid');
  control.removeAttribute('aria-errormessage');
}

/** Shows an error beside a control, below the closest element of the class `field`. */
export function showFieldError(control, text) {
  if (!control.id) {
    targets += 1;
    control.id = `error-target-${targets}`;
  }
  const id = `${control.id}-error`;
  const shown = document.getElementById(id);
  if (shown) {
    if (!shown.textContent.includes(text)) shown.append(` ${text}`);
    return;
  }
  control.setAttribute('aria-invalid', 'true');
  control.setAttribute('aria-errormessage', id);
  control.closest('.field').append(element('p', { className: 'field-error', id, role: 'alert' }, text));
  // A control in a closed group would hide its error.
  for (let group = control.closest('details'); group; group = group.parentElement.closest('details')) group.open = true;
}
