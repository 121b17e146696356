// links.js - the short links, and when they were tapped.

import * as api from './api.js';
import { h, barChart, foreign, note, replace, table, time } from './dom.js';

const PAGE = 50;
const columns = [
  ['Link', (l) => [l.link ? foreign(l.link) : h('span', { class: 'soft' }, 'erased'), h('br', {}),
    h('span', { class: 'soft' }, l.shortlink)]],
  ['Message', (l) => h('a', { href: `#/messages/${encodeURIComponent(l.msgid)}` }, l.recipient)],
  ['First tap', (l) => (l.accessed ? time(l.accessed_on) : 'not yet')],
  ['Taps', (l) => l.clicks, 'number'],
  ['Automatic', (l) => l.bots, 'number'],
  ['Ends', (l) => time(l.expires_on)],
];

export function links(body) {
  const chart = h('div', { class: 'card' }), list = h('div', {});
  const more = h('button', { type: 'button', hidden: true }, 'Older ones');
  let pages = 1;
  async function load() {
    const days = await api.get('/links/taps/');
    const taps = days.reduce((sum, d) => sum + d.taps, 0);
    replace(chart, h('h2', {}, `First taps: ${taps} in the last ${days.length} days`),
      barChart(days.map((d) => ({ label: d.date, value: d.taps })), `First taps a day, ${taps} in ${days.length} days`));
    let path = `/links/?limit=${PAGE}`, rows = [];
    for (let i = 0; i < pages && path; i++) {
      const p = await api.page(path);
      rows = rows.concat(p.rows);
      path = p.next;
    }
    more.hidden = !path;
    replace(list, rows.length ? table('Links, newest first', columns, rows) : note('', 'No tracked link yet.'));
  }
  more.addEventListener('click', () => { pages++; load().catch((error) => replace(list, note('bad', error.message))); });
  body.append(chart, list, h('p', {}, more));
  return load;
}
