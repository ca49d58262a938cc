// Elements, words and numbers. Texts enter the page as text only; nothing here makes markup out of words.
const SVG = "http://www.w3.org/2000/svg";
export const byId = (id) => document.getElementById(id);

const dressed = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
export const make = (tag, attributes = {}, ...children) => dressed(document.createElement(tag), attributes, children);
export const draw = (tag, attributes = {}, ...children) => dressed(document.createElementNS(SVG, tag), attributes, children);

// Control characters and those that turn the direction of a line are shown as a box: a name cannot reorder its row.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
export const legible = (text) => String(text).replace(UNSEEN, "\u25a1");
export const named = (text) => make("bdi", {}, legible(text));

export const whole = (n) => (n === null || n === undefined ? "–" : n.toLocaleString("en-US"));
export const fixed = (x, places = 2) => (x === null || x === undefined || !Number.isFinite(x) ? "–" : x.toFixed(places));
export const counted = (n, one, many = `${one}s`) => `${whole(n)} ${n === 1 ? one : many}`;
// An absent number is a dash to the eye and a word to the ear.
export const cell = (value, shown) => make("td", { class: "number" }, value === null || value === undefined
  ? make("span", {}, make("span", { "aria-hidden": "true" }, "–"), make("span", { class: "unseen" }, "not known")) : shown);

// The marks of report/ink.py: eight colours that also differ in shape; 0 is for all others.
export const MOST = 8;
export const signOf = (place) => (place >= 0 && place < MOST ? place + 1 : 0);
const PLUS = [[-.4, -1.15], [.4, -1.15], [.4, -.4], [1.15, -.4], [1.15, .4], [.4, .4], [.4, 1.15], [-.4, 1.15], [-.4, .4], [-1.15, .4], [-1.15, -.4], [-.4, -.4]];
const CORNERS = {
  2: [[-.89, -.89], [.89, -.89], [.89, .89], [-.89, .89]],
  3: [[0, -1.2], [1.1, .8], [-1.1, .8]],
  4: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  5: [[0, 1.2], [1.1, -.8], [-1.1, -.8]],
  6: PLUS.map(([x, y]) => [(x - y) * .74, (x + y) * .74]),
  7: PLUS,
  8: [[-.5, -1.3], [.5, -1.3], [.5, 1.3], [-.5, 1.3]],
};
export const mark = (place) => {
  const sign = signOf(place);
  const shape = CORNERS[sign]
    ? draw("path", { class: `c${sign}`, d: `M${CORNERS[sign].map((xy) => xy.join(" ")).join("L")}Z` })
    : draw("circle", { class: `c${sign}`, r: sign ? 1 : .8 });
  return draw("svg", { class: "mark", viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true", focusable: "false" }, shape);
};

export const table = (caption, heads, rows, attributes = {}) => make("table", attributes,
  make("caption", { class: "unseen" }, caption),
  make("thead", {}, make("tr", {}, ...heads.map((head) => (head instanceof Node ? head
    : make("th", { scope: "col", class: head.startsWith("#") ? "number" : null }, head.replace(/^#/, "")))))),
  make("tbody", {}, ...rows));

let told = 0;
export const say = (words) => {
  clearTimeout(told); // several in one moment are one saying: the last
  told = setTimeout(() => { byId("said").textContent = words; }, 60);
};

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const asked = async (path, body, signal) => {
  const reply = await fetch(path, body === undefined ? { signal } : {
    method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify(body) }).catch((fault) => {
    if (signal?.aborted) throw fault;
    throw new Error("the explorer does not answer: look whether it still runs in the terminal");
  });
  if (reply.ok) return reply.json();
  let words = `the server answers ${reply.status}`;
  try { words = (await reply.json()).error ?? words; } catch { /* no words of its own */ }
  throw new Error(words);
};
