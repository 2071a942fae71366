// Reads the form encoding Stripe's clients send: `metadata[order_id]=x&expand[0]=y` becomes nested
// objects whose leaves are strings. Lists stay objects with numbered keys.

/** A decoded form: strings at the leaves. */
export type Form = { [key: string]: string | Form };

/** Thrown for a form that cannot be read; the message is fit to be shown to the caller. */
export class FormError extends Error {}

const MAXIMUM_FIELDS = 200;
const MAXIMUM_DEPTH = 5;

/** Decodes `application/x-www-form-urlencoded` with bracketed names. Throws {@link FormError}. */
export function parseForm(text: string): Form {
  const form = emptyForm();
  let fields = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    fields += 1;
    if (fields > MAXIMUM_FIELDS) throw new FormError('Too many parameters.');
    assign(form, pathOf(name), value);
  }
  return form;
}

function pathOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (match === null) throw new FormError(`Invalid parameter name: ${name.slice(0, 100)}`);
  const path = [match[1] ?? ''];
  for (const part of (match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)) path.push(part[1] ?? '');
  if (path.length > MAXIMUM_DEPTH) throw new FormError(`Parameter nested too deeply: ${name.slice(0, 100)}`);
  return path;
}

function assign(form: Form, path: string[], value: string): void {
  let target = form;
  for (const [index, part] of path.entries()) {
    const key = part === '' ? String(Object.keys(target).length) : part;
    if (index === path.length - 1) {
      if (target[key] !== undefined) throw new FormError(`Parameter given twice: ${path.join('.')}`);
      target[key] = value;
      return;
    }
    const next = (target[key] ??= emptyForm());
    if (typeof next === 'string') throw new FormError(`Parameter given twice: ${path.join('.')}`);
    target = next;
  }
}

/** Without a prototype, so that no parameter name can reach one. */
function emptyForm(): Form {
  return Object.create(null) as Form;
}
