// Elements. Text is always set as text, so that no merchant can add markup to the page.

/**
 * Makes an element. Properties that begin with `on` are listeners, those that begin with `aria-` or `data-`, and `role`, are
 * attributes, and all others properties of the element. Children are elements or texts; `null` and `false` are left out.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (/^(aria-|data-|role$|for$|list$|lang$)/.test(name)) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

/** Returns the element with an id. */
export const byId = id => document.getElementById(id);

/** Returns a URL if it is one of http or https, otherwise null: merchants could give `javascript:` ones. */
export function webUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
  } catch {
    return null;
  }
}

/** Makes a link to another site, or a plain text if it is no web URL. The site does not learn where the visitor comes from. */
export function outsideLink(uri, text = uri) {
  const url = webUrl(uri);
  if (!url) return document.createTextNode(text);
  return element('a', { href: url.href, rel: 'noopener noreferrer', target: '_blank' }, text);
}
