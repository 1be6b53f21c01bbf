// What the fragment of the URL names. It never holds a position.

const MERCHANT = 'merchants/';

/** The id in a name. */
export const idOf = name => name.slice(MERCHANT.length);
/** The fragment that shows a merchant. */
export const merchantHash = name => `#/merchants/${encodeURIComponent(idOf(name))}`;
/** The fragment that edits a merchant. */
export const editHash = name => `#/manage/merchants/${encodeURIComponent(idOf(name))}`;

export const EXPLORE_HASH = '#/';
export const MANAGE_HASH = '#/manage';
export const NEW_HASH = '#/manage/new';
export const FILES_HASH = '#/manage/files';

/** The view of a fragment: `{view, page, name}`, where `name` is that of a merchant or null. Unknown fragments name the search. */
export function routeOf(hash) {
  if (hash === MANAGE_HASH) return { view: 'manage', page: 'list', name: null };
  if (hash === NEW_HASH) return { view: 'manage', page: 'edit', name: null };
  if (hash === FILES_HASH) return { view: 'manage', page: 'files', name: null };
  const match = /^#\/(manage\/)?merchants\/([^/]+)$/.exec(hash);
  const name = match && decoded(match[2]);
  if (!name) return { view: 'explore', page: 'search', name: null };
  return match[1] ? { view: 'manage', page: 'edit', name } : { view: 'explore', page: 'merchant', name };
}

function decoded(id) {
  try {
    return MERCHANT + decodeURIComponent(id);
  } catch {
    return null;
  }
}
