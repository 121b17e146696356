// modems.js - the modems: how they are, why not, signal over time, USSD.

import * as api from './api.js';
import { h, svg, badge, facts, foreign, lineChart, note, parseTime, replace, say } from './dom.js';

const kinds = { ready: 'good', sending: 'good', gone: 'bad', suspended: 'bad' };
const registrations = {
  home: 'registered', roaming: 'registered, roaming', sms_home: 'registered for SMS only',
  sms_roaming: 'registered for SMS only, roaming', denied: 'the network denies it',
  searching: 'searching', emergency: 'emergency calls only', none: 'not registered', unknown: null,
};

// 27.007 8.5 <rssi> in five steps, as phones draw it.
function bars(dbm) {
  if (dbm === null || dbm === undefined) return null;
  const on = [-109, -101, -93, -85, -77].filter((limit) => dbm >= limit).length;
  return h('span', { class: 'row' },
    h('span', { class: 'bars', 'aria-hidden': 'true' }, [0, 1, 2, 3, 4].map((i) => h('i', { class: i < on ? 'on' : null }))),
    `${dbm} dBm, ${on} of 5`);
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
  const answer = h('div', { role: 'status' });
  const button = h('button', {}, 'Dial');
  const form = h('form', { class: 'row' }, code, button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    replace(answer, note('', 'Asking the network…'));
    try {
      const result = await api.post(`/modems/${encodeURIComponent(name)}/ussd`, { code: code.value });
      replace(answer, h('div', { class: 'note good' }, foreign(result.text, 'div')));
      code.value = '';
    } catch (error) {
      replace(answer, note('bad', error.message));
    }
    button.disabled = false;
    code.focus();
  });
  return h('details', {}, h('summary', {}, 'USSD'), form, answer);
}

// Built once for each modem, so that a form that is being filled in stays as it is.
function card(name) {
  const state = h('span', {}), reason = h('div', {}), rest = h('div', {}), chart = h('div', {});
  const element = h('section', { class: 'card', 'aria-label': `Modem ${name}` },
    h('div', { class: 'row' }, h('h2', {}, foreign(name)), h('span', { class: 'end' }, state)),
    reason, chart, rest, ussdForm(name));
  function update(m) {
    replace(state, badge(kinds[m.state] ?? '', m.state));
    replace(reason, m.reason ? note(kinds[m.state] === 'bad' ? 'bad' : '', m.reason) : null);
    replace(rest, facts([
      ['Operator', m.operator && foreign(m.operator)],
      ['Network', registrations[m.registration] ?? m.registration],
      ['Signal', bars(m.signal_dbm)],
      ['Number', m.number], ['Model', foreign([m.manufacturer, m.model].filter(Boolean).join(' '))],
      ['Firmware', m.firmware && foreign(m.firmware)], ['Port', m.port], ['IMEI', m.imei], ['ICCID', m.iccid],
      ['Service centre', m.smsc], ['Storage', storage(m.storage)], ['Waiting', m.queue],
      ['Sent', m.sent], ['Failed', m.failed || null], ['Received', m.received], ['Restarts', m.resets || null],
    ]));
  }
  return { element, update, chart, charted: 0 };
}

async function updateChart(c, name) {
  if (Date.now() - c.charted < 60000) return;
  c.charted = Date.now();
  replace(c.chart, await signalChart(name));
}

export function modems(body) {
  const cards = new Map();
  const list = h('div', { class: 'cards' });
  const empty = h('div', {});
  body.append(empty, list);
  let before = '';
  return async () => {
    const rows = await api.get('/modems/');
    for (const m of rows) {
      if (!cards.has(m.name)) {
        cards.set(m.name, card(m.name));
        list.append(cards.get(m.name).element);
      }
      cards.get(m.name).update(m);
      await updateChart(cards.get(m.name), m.name);
    }
    replace(empty, rows.length ? null
      : note('', 'No modem yet. Plug one in, or ask “smsbridge doctor” what it sees.'));
    const now = rows.map((m) => `${m.name} ${m.state}`).join(', ');
    if (before && before !== now) say(now);
    before = now;
  };
}
