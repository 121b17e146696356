// messages.js - all messages, and one with its story.

import * as api from './api.js';
import { h, badge, facts, foreign, note, replace, table, time } from './dom.js';

const PAGE = 50;
const kinds = { DELIVERED: 'good', FAIL: 'bad' };
export const statusBadge = (status) => badge(kinds[status] ?? '', status);

const columns = [
  ['Status', (m) => statusBadge(m.status)],
  ['Recipient', (m) => h('a', { href: `#/messages/${encodeURIComponent(m.msgid)}` }, m.recipient)],
  ['Sender', (m) => foreign(m.sender)],
  ['Accepted', (m) => time(m.sent_time)],
  ['Parts', (m) => m.parts, 'number'],
  ['Tapped', (m) => (m.link_tracking ? (m.link_tracking.accessed ? time(m.link_tracking.accessed_on) : 'not yet') : '–')],
  ['Why', (m) => (m.error ? foreign(m.error.text || m.error.code) : '')],
];

function query(form) {
  const q = new URLSearchParams({ limit: PAGE });
  for (const name of ['status', 'recipient', 'tag']) {
    const value = form.elements[name].value.trim();
    if (value) q.set(name, value);
  }
  return `/sms/messages/?${q}`;
}

function searchForm(onSearch) {
  const form = h('form', { class: 'row card', role: 'search' },
    h('select', { name: 'status', 'aria-label': 'Status' },
      [['', 'every status'], ['QUEUED'], ['DELIVERING'], ['DELIVERED'], ['FAIL']].map(([v, t]) => h('option', { value: v }, t ?? v))),
    h('input', { name: 'recipient', 'aria-label': 'Recipient, in full', placeholder: 'Recipient, in full', inputmode: 'tel' }),
    h('input', { name: 'tag', 'aria-label': 'Tag', placeholder: 'Tag' }),
    h('button', { class: 'main' }, 'Search'));
  form.addEventListener('submit', (event) => { event.preventDefault(); onSearch(); });
  form.elements.status.addEventListener('change', onSearch);
  return form;
}

export function messages(body) {
  const list = h('div', {});
  const more = h('button', { type: 'button', hidden: true }, 'Older ones');
  let pages = 1;
  async function load() {
    let path = query(form), rows = [];
    for (let i = 0; i < pages && path; i++) {
      const p = await api.page(path);
      rows = rows.concat(p.rows);
      path = p.next;
    }
    more.hidden = !path;
    replace(list, rows.length ? table('Messages, newest first', columns, rows) : note('', 'No such message.'));
  }
  const again = () => load().catch((error) => replace(list, note('bad', error.message)));
  const form = searchForm(() => { pages = 1; again(); });
  more.addEventListener('click', () => { pages++; again(); });
  body.append(form, list, h('p', {}, more));
  return load;
}

// ---- one ----

function step(done, title, at, text) {
  return h('li', { class: done }, h('strong', {}, title), at ? time(at) : null, text ? h('span', { class: 'soft' }, text) : null);
}

function outcome(m) {
  if (m.status === 'FAIL') return step('bad', 'Failed', null, m.error?.text);
  if (m.status === 'DELIVERED') return step('done', 'Delivered', m.delivered_on);
  return step('', 'Delivered', null, m.error ? m.error.text : 'no report yet');
}

function tapped(link) {
  if (!link) return null;
  if (!link.accessed) return step('', 'Tapped', null, `not yet; the link ends ${link.expires_on} UTC`);
  const people = link.clicks === 1 ? '1 tap' : `${link.clicks} taps`;
  return step('done', 'Tapped', link.accessed_on, `${people} by people, ${link.bots} automatic fetches`);
}

function timeline(m) {
  const sent = m.status !== 'QUEUED' && (m.status !== 'FAIL' || m.submitted_on);
  return h('ol', { class: 'timeline', 'aria-label': 'What happened' },
    step('done', 'Accepted', m.sent_time),
    step(sent ? 'done' : '', 'Sent', m.submitted_on, sent ? `by ${m.modem ?? 'a modem'}` : m.status === 'QUEUED' ? 'waiting for a modem' : 'not'),
    outcome(m), tapped(m.link_tracking));
}

function show(body, m, onCancel) {
  const link = m.link_tracking;
  replace(body, h('section', { class: 'card' },
    h('div', { class: 'row' }, h('h2', {}, m.recipient), h('span', { class: 'end' }, statusBadge(m.status))),
    timeline(m),
    facts([['Sender', foreign(m.sender)], ['Parts', m.parts], ['Cost', m.cost || null], ['Modem', m.modem],
      ['Tags', m.tags.length ? foreign(m.tags.join(', ')) : null],
      ['Link', link?.link && foreign(link.link)], ['Short link', link?.shortlink],
      ['Error', m.error && `${m.error.code}: ${m.error.text}`], ['Message id', m.msgid]]),
    m.status === 'QUEUED' ? h('p', {}, h('button', { type: 'button', onclick: onCancel }, 'Cancel it')) : null));
}

export function message(body, id) {
  const path = `/sms/messages/${encodeURIComponent(id)}/`;
  const card = h('div', {}), trouble = h('div', {});
  body.append(h('p', {}, h('a', { href: '#/messages' }, 'All messages')), card, trouble);
  async function load() {
    show(card, await api.get(path), cancel);
  }
  async function cancel() {
    try {
      await api.remove(path);
      replace(trouble);
    } catch (error) {
      replace(trouble, note('bad', error.message));
    }
    await load();
  }
  return load;
}
