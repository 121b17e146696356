// dom.js - elements, times and charts.  Refuses to know the API.
// Promises: what comes from outside becomes text, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const nameOf = (element) => element.dataset.key ?? element.getAttribute('href') ?? element.id;

// What is shown already is left alone: a reader's place, selection and focus outlast a refresh.
export function replace(parent, ...children) {
  const next = parent.cloneNode(false);
  next.append(...children.flat(Infinity).filter(Boolean));
  if (next.isEqualNode(parent)) return;
  const held = parent.contains(document.activeElement) && parent !== document.activeElement ? nameOf(document.activeElement) : null;
  parent.replaceChildren(...next.childNodes);
  if (held === null) return;
  const again = [...parent.querySelectorAll('a, button, input')].find((element) => nameOf(element) === held);
  (again ?? document.getElementById('main')).focus({ preventScroll: true });
}

// For those who listen instead of look.
export function say(text) {
  document.getElementById('said').textContent = text;
}

// A stranger's text: its direction is its own business.
export function foreign(text, tag = 'span') {
  return h(tag, { class: 'text', dir: 'auto' }, text ?? '');
}

// "2026-01-02 03:04:05" in UTC, as the API writes it.
export function parseTime(text) {
  return text ? new Date(text.replace(' ', 'T') + 'Z') : null;
}

export function time(text, none = '–') {
  const at = parseTime(text);
  if (!at) return none;
  return h('time', { datetime: at.toISOString(), title: text + ' UTC' },
    at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }));
}

export function note(kind, ...children) {
  return h('p', { class: `note ${kind}`, role: kind === 'bad' ? 'alert' : null }, ...children);
}

export function badge(kind, text) {
  return h('span', { class: `badge ${kind}` }, text);
}

// [name, value] pairs; what has no value is left out.
export function facts(pairs) {
  return h('dl', {}, pairs.filter(([, v]) => v !== null && v !== undefined && v !== '')
    .map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

// columns: [title, of a row -> node, class].  One table on a desk, one card a row on a phone.
export function table(caption, columns, rows) {
  const head = h('tr', {}, columns.map(([title, , kind]) => h('th', { scope: 'col', class: kind }, title)));
  const body = rows.map((row) => h('tr', {}, columns.map(([title, cell, kind]) =>
    h('td', { class: kind, 'data-label': title }, h('span', {}, cell(row) ?? '')))));
  return h('table', {}, h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, head), h('tbody', {}, body));
}

const W = 300, H = 56;

// points: [{at: Date, value}], in order; range: what is bottom and top.
export function lineChart(points, [low, high], title) {
  if (points.length < 2) return null;
  const from = points[0].at.getTime(), span = points[points.length - 1].at.getTime() - from || 1;
  const xy = points.map(({ at, value }) =>
    `${((at.getTime() - from) / span * W).toFixed(1)},${((high - value) / (high - low) * H).toFixed(1)}`);
  return svg('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': title },
    svg('line', { x1: 0, y1: H, x2: W, y2: H }), svg('polyline', { points: xy.join(' ') }));
}

// values: [{label, value}]
export function barChart(values, title) {
  if (!values.length) return null;
  const top = Math.max(1, ...values.map((v) => v.value)), step = W / values.length;
  return svg('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': title },
    svg('line', { x1: 0, y1: H, x2: W, y2: H }),
    values.map(({ label, value }, i) => svg('rect', {
      x: i * step + step * 0.1, width: step * 0.8, y: H - value / top * H, height: value / top * H,
    }, svg('title', {}, `${label}: ${value}`))));
}
