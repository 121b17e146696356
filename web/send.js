// send.js - one SMS: how it would go out, while it is written, and out it goes.

import * as api from './api.js';
import { h, facts, foreign, note, replace } from './dom.js';

const PAUSE_MS = 250;
const alphabets = { gsm7: 'GSM 7-bit', ucs2: 'UCS-2' };
const fields = {
  recipient: ['Recipient', { inputmode: 'tel', autocomplete: 'tel', placeholder: '+81 90 1234 5678', required: true }],
  sender: ['Sender', { placeholder: 'at most 10 characters or 15 digits', required: true, value: 'smsbridge' }],
  tags: ['Tags', { placeholder: 'comma separated' }],
  callbackurl: ['Delivery callback', { inputmode: 'url', placeholder: 'https://…' }],
  lt_callbackurl: ['Click callback', { inputmode: 'url', placeholder: 'https://…' }],
};

function labelled(name, text, control) {
  control.id = name;
  control.setAttribute('aria-describedby', `${name}-error`);
  return [h('label', { for: name }, text), control, h('div', { id: `${name}-error` })];
}

// What the server said of each field, at that field; the rest above the button.
function showErrors(form, trouble, error) {
  const left = [];
  for (const [name, texts] of Object.entries(error.fields ?? {})) {
    const place = form.querySelector(`[id="${CSS.escape(name)}-error"]`);
    if (!place) left.push(`${name}: ${[].concat(texts).join(' ')}`);
    else {
      replace(place, note('bad', [].concat(texts).join(' ')));
      form.elements[name]?.setAttribute('aria-invalid', 'true');
    }
  }
  if (left.length || !Object.keys(error.fields ?? {}).length) replace(trouble, note('bad', left.join(' ') || error.message));
}

function clearErrors(form) {
  for (const place of form.querySelectorAll('[id$="-error"]')) place.replaceChildren();
  for (const control of form.elements) control.removeAttribute('aria-invalid');
}

function showPreview(place, p) {
  const costly = p.costly.map((c) => `${c.character} ${c.ucs2 ? 'makes it UCS-2' : `takes ${c.units}`}`);
  replace(place, h('div', { class: 'card' },
    h('h2', {}, `${p.parts} ${p.parts === 1 ? 'part' : 'parts'}, ${p.units} units, ${alphabets[p.alphabet] ?? p.alphabet}`),
    costly.length ? note('', 'Characters that cost more: ', foreign(costly.join(', '))) : null,
    facts([['Goes out as', foreign(p.text, 'div')]])));
}

export function send(body) {
  const text = h('textarea', { name: 'message', required: true });
  const track = h('input', { type: 'checkbox', name: 'track_link', checked: true });
  const preview = h('div', { 'aria-live': 'polite' });
  const trouble = h('div', {}), done = h('div', { role: 'status' });
  const button = h('button', { class: 'main' }, 'Send');
  const plain = ([name, [label, attributes]]) => labelled(name, label, h('input', { name, ...attributes }));
  const [recipient, sender, ...more] = Object.entries(fields).map(plain);
  const form = h('form', { class: 'card', novalidate: true }, recipient, labelled('message', 'Message', text), preview,
    h('label', { class: 'inline' }, track, 'Track the first link'), sender,
    h('details', {}, h('summary', {}, 'Tags and callbacks'), more), trouble, h('p', {}, button), done);

  let timer = null, asked = 0;
  async function look() {
    const mine = ++asked;
    if (!text.value) return replace(preview);
    try {
      const p = await api.post('/sms/preview', { message: text.value, track_link: track.checked });
      if (mine === asked) showPreview(preview, p);
    } catch (error) {
      if (mine === asked) replace(preview, note('bad', error.message));
    }
  }
  const soon = () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); };
  text.addEventListener('input', soon);
  track.addEventListener('change', soon);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    clearErrors(form);
    replace(trouble);
    button.disabled = true;
    const values = { message: text.value, track_link: track.checked };
    for (const name of Object.keys(fields)) {
      const value = form.elements[name].value.trim();
      if (value) values[name] = value;
    }
    try {
      const [{ msgid }] = await api.post('/sms/messages/', values);
      replace(done, note('good', 'Accepted. ', h('a', { href: `#/messages/${msgid}` }, 'Follow it')));
      text.value = '';
      replace(preview);
    } catch (error) {
      showErrors(form, trouble, error);
      form.querySelector('[aria-invalid]')?.focus();
    }
    button.disabled = false;
  });
  body.append(form);
  return null;
}
