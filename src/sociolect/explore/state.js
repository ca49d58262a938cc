// What is looked at, kept in the address after #, so that a view can be reloaded, shared and stepped back from.
const WORDS = ["tab", "c", "page", "a", "ranker", "size", "truth", "value", "grown", "v"];
const listeners = [];

export const read = () => {
  const held = new URLSearchParams(location.hash.slice(1));
  const state = { seeds: held.getAll("seed") };
  for (const word of WORDS) state[word] = held.get(word);
  return state;
};

export const written = (patch) => {
  const state = { ...read(), ...patch };
  const held = new URLSearchParams();
  for (const word of WORDS) if (state[word] !== null && state[word] !== undefined && state[word] !== "") held.set(word, state[word]);
  for (const seed of state.seeds) held.append("seed", seed);
  return `#${held}`;
};

// A new place is a step one can go back from; a moved picture or a new seed is not.
export const go = (patch, { step = false } = {}) => {
  const hash = written(patch);
  if (hash === location.hash) return;
  history[step ? "pushState" : "replaceState"](null, "", hash);
  tell();
};

export const listen = (listener) => { listeners.push(listener); };
export const tell = () => { const state = read(); for (const listener of listeners) listener(state); };
addEventListener("popstate", tell);

export const toCommunity = (name) => written({ c: name, page: null, a: null, tab: null });
export const toAccount = (number) => written({ a: String(number), c: null, page: null, tab: null });

// Links to a state move by pushState: a plain click never reloads or scrolls.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-state]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (link.getAttribute("href") === location.hash) { tell(); return; }
  history.pushState(null, "", link.getAttribute("href"));
  tell();
});
