// modems.js - the modems: how they are, why not, signal over time, USSD.

import * as api from './api.js';
import { h, badge, facts, foreign, lineChart, note, parseTime, replace, say, time } from './dom.js';

const CHARTS = 4;     // so many a round: with many modems the rate limit is not hit
const kinds = { ready: 'good', sending: 'good', gone: 'bad', suspended: 'bad' };

function bars({ signal_dbm: dbm, signal_bars: on }) {
  if (dbm === null) return null;
  return h('span', { class: 'row' },
    h('span', { class: 'bars', 'aria-hidden': 'true' }, [0, 1, 2, 3].map((i) => h('i', { class: i < on ? 'on' : null }))),
    `${dbm} dBm, ${on} of 4`);
}

function calls(m) {
  return m.calls ? [`${m.calls}, the last by `, m.last_caller ? foreign(m.last_caller) : 'a withheld number', ', ', time(m.last_call)] : null;
}

function recoveries(m) {
  return Object.entries(m.recoveries ?? {}).filter(([, n]) => n).map(([rung, n]) => `${rung} ${n}`).join(', ');
}

function storage(s) {
  if (!s) return null;
  const text = `${s.used} of ${s.size} in ${s.name}`;
  return s.size && s.used >= s.size ? badge('bad', `full: ${text}`) : text;
}

async function signalChart(name) {
  try {
    const samples = await api.get(`/modems/${encodeURIComponent(name)}/signal/`);
    const points = samples.map(({ time, dbm }) => ({ at: parseTime(time), value: dbm }));
    return lineChart(points, [-113, -51], `Signal of ${name}, ${points.length} samples up to now`);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function ussdForm(name) {
  const code = h('input', { placeholder: '*100#', 'aria-label': `USSD code for ${name}`, inputmode: 'tel', required: true });
  const path = `/modems/${encodeURIComponent(name)}/ussd`;
  const answer = h('div', { role: 'status' });
  const button = h('button', {}, 'Dial');
  const leave = h('button', { type: 'button', hidden: true }, 'Leave the menu');
  const form = h('form', { class: 'row' }, code, button, leave);
  // In a menu the next thing typed is an answer, not a code.
  function menu(open) {
    leave.hidden = !open;
    button.textContent = open ? 'Answer' : 'Dial';
    code.placeholder = open ? 'your answer' : '*100#';
    code.setAttribute('aria-label', open ? `Answer to the menu of ${name}` : `USSD code for ${name}`);
  }
  leave.addEventListener('click', async () => {
    try {
      await api.remove(path);
      replace(answer);
    } catch (error) {
      replace(answer, note('bad', error.message));
    }
    menu(false);
    code.focus();
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    replace(answer, note('', 'Asking the network…'));
    try {
      const result = await api.post(path, { code: code.value });
      menu(result.state === 'question');
      replace(answer, h('div', { class: 'note good' }, foreign(result.text, 'div')));
      code.value = '';
    } catch (error) {
      menu(false);
      replace(answer, note('bad', error.message));
    }
    button.disabled = false;
    code.focus();
  });
  return h('details', {}, h('summary', {}, 'USSD'), form, answer);
}

// Built once for each modem, so that a form that is being filled in stays as it is.
function card(name) {
  const state = h('span', {}), reason = h('div', {}), rest = h('div', {}), chart = h('div', {}), unasked = h('div', {});
  const element = h('section', { class: 'card', 'aria-label': `Modem ${name}` },
    h('div', { class: 'row' }, h('h2', {}, foreign(name)), h('span', { class: 'end' }, state)),
    reason, unasked, chart, rest, ussdForm(name));
  function update(m) {
    replace(state, badge(kinds[m.state] ?? '', m.state));
    replace(reason, m.reason ? note(kinds[m.state] === 'bad' ? 'bad' : '', m.reason) : null);
    replace(rest, facts([
      ['Operator', m.operator && foreign(m.operator)],
      ['Network', m.registration_text],
      ['Signal', bars(m)], ['Until', m.suspended_until && time(m.suspended_until)],
      ['Number', m.number], ['Model', foreign([m.manufacturer, m.model].filter(Boolean).join(' '))],
      ['Firmware', m.firmware && foreign(m.firmware)], ['Port', m.port], ['IMEI', m.imei], ['ICCID', m.iccid],
      ['Service centre', m.smsc], ['Storage', storage(m.storage)], ['Waiting', m.queue],
      ['Sent', m.sent], ['Failed', m.failed || null], ['Received', m.received], ['Calls', calls(m)],
      ['Restarts', m.resets || null], ['Repairs', recoveries(m)],
    ]));
  }
  const hears = (text) => replace(unasked, h('div', { class: 'note', role: 'status' }, 'The network says: ', foreign(text, 'div')));
  return { element, update, hears, chart, charted: 0 };
}

async function updateChart(c, name) {
  if (Date.now() - c.charted < 60000) return false;
  c.charted = Date.now();
  replace(c.chart, await signalChart(name));
  return true;
}

export function modems(body) {
  const cards = new Map();
  const list = h('div', { class: 'cards' });
  const empty = h('div', {});
  body.append(empty, list);
  let before = '';
  async function load() {
    const rows = await api.get('/modems/');
    let charts = 0;
    for (const m of rows) {
      if (!cards.has(m.name)) {
        cards.set(m.name, card(m.name));
        list.append(cards.get(m.name).element);
      }
      cards.get(m.name).update(m);
      if (charts < CHARTS && await updateChart(cards.get(m.name), m.name)) charts++;
    }
    replace(empty, rows.length ? null
      : note('', 'No modem yet. Plug one in, or ask “smsbridge doctor” what it sees.'));
    const now = rows.map((m) => `${m.name} ${m.state}`).join(', ');
    if (before && before !== now) say(now);
    before = now;
  }
  load.heard = (kind, data) => kind === 'ussd' && cards.get(data.modem)?.hears(data.text);
  return load;
}
