// api.js - the REST API as functions.  Refuses to know the page.
// Promises: an error carries what the server said, word for word; the token lives as long as the tab.

const KEY = 'smsbridge';
let account = JSON.parse(sessionStorage.getItem(KEY) || 'null');

export const signedIn = () => account !== null;
export const sid = () => account?.sid ?? '';

export function signIn(name, token) {
  const bytes = new TextEncoder().encode(`${name}:${token}`);
  account = { sid: name, basic: btoa(String.fromCharCode(...bytes)) };
  sessionStorage.setItem(KEY, JSON.stringify(account));
}

export function signOut() {
  account = null;
  sessionStorage.removeItem(KEY);
}

export class Refused extends Error {
  constructor(status, body) {
    super(words(status, body));
    this.status = status;
    this.fields = body && typeof body === 'object' && !body.detail ? body : {};
  }
}

// {"detail": "…"} or {"field": ["…"]}, in one sentence.
function words(status, body) {
  if (body?.detail) return body.detail;
  if (body && typeof body === 'object') {
    return Object.entries(body).map(([field, texts]) => `${field}: ${[].concat(texts).join(' ')}`).join(' ');
  }
  return status === 404 ? 'There is no such thing here (404).' : `The server answered ${status}.`;
}

async function ask(method, path, body, signal) {
  const headers = { Authorization: `Basic ${account?.basic}`, 'X-Requested-With': 'smsbridge' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(path, { method, headers, signal, cache: 'no-store', credentials: 'omit',
      body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, { detail: 'The server cannot be reached. Trying again…' });
  }
}

async function answer(response) {
  const text = await response.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { body = { detail: text.slice(0, 200) }; }
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

export async function get(path) {
  return answer(await ask('GET', path));
}

// The rows, and the path of the next page or null.
export async function page(path) {
  const response = await ask('GET', path);
  const next = /<([^>]*)>; rel="next"/.exec(response.headers.get('Link') ?? '');
  const url = next && new URL(next[1], location.href);
  return { rows: await answer(response), next: url ? url.pathname + url.search : null };
}

export async function post(path, body = {}) {
  return answer(await ask('POST', path, body));
}

export async function remove(path) {
  return answer(await ask('DELETE', path));
}

// Server-sent events, with the header that EventSource cannot send.  Ends when the connection does.
export async function events(signal, onOpen, onEvent) {
  const response = await ask('GET', '/events/', undefined, signal);
  if (!response.ok) throw new Refused(response.status, null);
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const kind = /^event: (.*)$/m.exec(block);
      if (kind) onEvent(kind[1], JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}'));
    }
  }
}
