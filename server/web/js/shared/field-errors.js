// Errors beside the controls that they are about.

import { element } from '../dom.js';

/** Removes all errors of a form. */
export function clearErrors(form) {
  for (const note of form.querySelectorAll('.field-error')) note.remove();
  for (const control of form.querySelectorAll('[aria-invalid]')) {
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-errormessage');
  }
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
