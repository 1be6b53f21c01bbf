// Errors beside the controls that they are about.

import { element } from '../dom.js';

/** Removes all errors of a form. */
export function clearErrors(form) {
  form.querySelectorAll('[aria-invalid]').forEach(clearFieldError);
}

/** Removes the error of a control, which has been changed. */
export function clearFieldError(control) {
  if (!control.hasAttribute?.('aria-invalid')) return;
  document.getElementById(`${control.id}-error`)?.remove();
  control.removeAttribute('aria-invalid');
  control.removeAttribute('aria-errormessage');
}

/** Shows an error beside a control, below the closest element of the class `field`. A control has one error at a time. */
export function showFieldError(control, text) {
  const id = `${control.id}-error`;
  if (document.getElementById(id)) return;
  control.setAttribute('aria-invalid', 'true');
  control.setAttribute('aria-errormessage', id);
  control.closest('.field').append(element('p', { className: 'field-error', id, role: 'alert' }, text));
  // A control in a closed group would hide its error.
  for (let group = control.closest('details'); group; group = group.parentElement.closest('details')) group.open = true;
}
