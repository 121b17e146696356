// inbox.js - what came in.

import * as api from './api.js';
import { h, badge, foreign, note, replace, table, time } from './dom.js';

const PAGE = 50;
const columns = [
  ['From', (m) => h('span', { class: 'number' }, foreign(m.sender))],
  ['Text', (m) => [m.partial ? [badge('', 'incomplete'), ' '] : null, m.binary ? [badge('', 'binary'), ' '] : null,
    foreign(m.message)]],
  ['Received', (m) => time(m.received_time)],
  ['Modem', (m) => foreign(m.modem)],
];

export function inbox(body) {
  const list = h('div', {});
  const more = h('button', { type: 'button', hidden: true }, 'Older ones');
  let pages = 1;
  async function load() {
    let path = `/sms/inbox/?limit=${PAGE}`, rows = [];
    for (let i = 0; i < pages && path; i++) {
      const p = await api.page(path);
      rows = rows.concat(p.rows);
      path = p.next;
    }
    more.hidden = !path;
    replace(list, rows.length ? table('Received messages, newest first', columns, rows) : note('', 'Nothing has come in yet.'));
  }
  more.addEventListener('click', () => { pages++; load().catch((error) => replace(list, note('bad', error.message))); });
  body.append(list, h('p', {}, more));
  return load;
}
