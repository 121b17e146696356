// callbacks.js - what no receiver took, and once more.

import * as api from './api.js';
import { h, foreign, note, replace, say, table, time } from './dom.js';

export function callbacks(body) {
  const list = h('div', {}), trouble = h('div', {});
  async function again(id) {
    try {
      await api.post(`/callbacks/${encodeURIComponent(id)}/retry`);
      replace(trouble);
      say('It is being sent again.');
    } catch (error) {
      replace(trouble, note('bad', error.message));
    }
    await load();
  }
  const columns = [
    ['About', (c) => (c.kind === 'inbox' ? 'inbox' : h('a', { href: `#/messages/${encodeURIComponent(c.msgid)}` }, c.kind))],
    ['To', (c) => foreign(c.url)],
    ['Made', (c) => time(c.time)],
    ['Tries', (c) => c.tries, 'number'],
    ['Last error', (c) => foreign(c.error)],
    ['Action', (c) => h('button', { type: 'button', 'data-key': c.id, 'aria-label': `Send again: ${c.kind} of ${c.time} to ${c.url}`, onclick: () => again(c.id) }, 'Send again')],
  ];
  async function load() {
    const rows = await api.get('/callbacks/?state=failed');
    replace(list, rows.length ? table('Callbacks that were given up, newest first', columns, rows)
      : note('good', 'Every callback was received, or is still being tried.'));
  }
  body.append(trouble, list);
  return load;
}
