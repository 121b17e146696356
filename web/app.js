// app.js - signing in, the way to the views, and what keeps them live.
// Refuses to know what a view shows.  Promises: one view at a time; a view that was left changes nothing any more.

import * as api from './api.js';
import { h, note, replace, say } from './dom.js';
import { modems } from './modems.js';
import { send } from './send.js';
import { messages, message } from './messages.js';
import { inbox } from './inbox.js';
import { links } from './links.js';
import { callbacks } from './callbacks.js';

// admin: of what has no owner; an account without that right does not see the way there.
const views = [
  { path: 'modems', title: 'Modems', show: modems, admin: true },
  { path: 'send', title: 'Send', show: send },
  { path: 'messages', title: 'Messages', show: messages },
  { path: 'inbox', title: 'Inbox', show: inbox, admin: true },
  { path: 'links', title: 'Links', show: links },
  { path: 'callbacks', title: 'Callbacks', show: callbacks, admin: true },
];
const detail = { path: 'messages', title: 'Message', show: message };

const POLL_MS = 3000;
const GAP_MS = 250;
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const main = document.getElementById('main');
const nav = document.getElementById('nav');
const who = document.getElementById('who');
let admin = true;
let current = null;      // {refresh, timer, busy}
let eventStream = null;  // AbortController

// ---- live ----

// What a view asked for comes again when something happened, and now and then in any case.
// However much happens, one round at a time with a pause behind it: the API's rate limit is for others too.
async function refresh(view) {
  view.again = true;
  if (view.busy) return;
  view.busy = true;
  while (view.again && view === current && !document.hidden) {
    view.again = false;
    try {
      await view.refresh();
      view.failed?.remove();
      view.failed = null;
    } catch (error) {
      failed(view, error);
    }
    await pause(GAP_MS);
  }
  view.busy = false;
}

function failed(view, error) {
  if (view !== current) return;
  if (error.status === 401) {
    signOut('The account or its token is not accepted any more.');
    return;
  }
  if (view.failed?.textContent === error.message) return;
  view.failed?.remove();
  view.failed = note('bad', error.message);
  main.prepend(view.failed);
}

function happened(kind, data) {
  if (!current) return;
  current.refresh.heard?.(kind, data);
  refresh(current);
}

// Where this is refused, or ends, the page asks every few seconds.
async function listen() {
  const stream = eventStream = new AbortController();
  while (eventStream === stream) {
    try {
      await api.events(stream.signal, happened, happened);
    } catch (error) {
      if ([401, 403, 404].includes(error.status)) return;
    }
    if (eventStream === stream) happened();
    await pause(POLL_MS);
  }
}

// ---- the way ----

function route() {
  const [path, id] = location.hash.replace(/^#\/?/, '').split('/');
  if (path === 'messages' && id) return { view: detail, id: decodeURIComponent(id) };
  const allowed = views.filter((v) => admin || !v.admin);
  return { view: allowed.find((v) => v.path === path) ?? allowed[0] };
}

function showNav(view) {
  nav.hidden = who.hidden = false;
  replace(nav, views.filter((v) => admin || !v.admin).map((v) =>
    h('a', { href: `#/${v.path}`, 'aria-current': v.path === view.path ? 'page' : null }, v.title)));
  replace(who, h('span', {}, api.sid()),
    h('button', { type: 'button', onclick: () => signOut() }, 'Sign out'));
}

async function navigate() {
  if (!api.signedIn()) {
    showSignIn();
    return;
  }
  clearInterval(current?.timer);
  const { view, id } = route();
  const body = h('div', {});
  showNav(view);
  document.title = `${view.title} – smsbridge`;
  main.replaceChildren(h('h1', {}, view.title), body);
  const shown = current = { busy: false };
  shown.refresh = view.show(body, id) ?? (async () => {});
  shown.timer = setInterval(() => refresh(shown), POLL_MS);
  say(view.title);
  main.focus();
  await refresh(shown);
}

// ---- who ----

function signOut(reason) {
  eventStream?.abort();
  eventStream = null;
  clearInterval(current?.timer);
  current = null;
  api.signOut();
  showSignIn(reason);
}

async function start() {
  try {
    await api.get('/modems/');
    admin = true;
  } catch (error) {
    if (error.status !== 403) throw error;
    admin = false;
  }
  if (admin) listen();
  await navigate();
}

// A page that was loaded again: whoever was signed in still is, also where the server is just being restarted.
async function resume() {
  while (api.signedIn()) {
    try {
      return await start();
    } catch (error) {
      if (error.status === 401) api.signOut();
      replace(main, note('bad', error.message));
    }
    await pause(POLL_MS);
  }
  showSignIn();
}

function showSignIn(reason) {
  nav.hidden = who.hidden = true;
  document.title = 'Sign in – smsbridge';
  const sid = h('input', { id: 'sid', name: 'username', autocomplete: 'username', required: true, value: 'main' });
  const token = h('input', { id: 'token', name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const trouble = h('div', {});
  if (reason) trouble.append(note('', reason));
  const form = h('form', { class: 'card narrow' }, h('h1', {}, 'Sign in'),
    h('label', { for: 'sid' }, 'Account (SID)'), sid,
    h('label', { for: 'token' }, 'Auth token'), token,
    h('p', { class: 'soft' }, 'Without an [account] in the configuration it is “main”, and its token is in the file “token” of the state folder.'),
    trouble, h('button', { class: 'main' }, 'Sign in'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    api.signIn(sid.value.trim(), token.value.trim());
    try {
      await start();
    } catch (error) {
      api.signOut();
      replace(trouble, note('bad', error.message));
      token.focus();
    }
  });
  main.replaceChildren(form);
  token.focus();
}

window.addEventListener('hashchange', () => navigate());
document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });
document.addEventListener('visibilitychange', () => current && refresh(current));
resume();
