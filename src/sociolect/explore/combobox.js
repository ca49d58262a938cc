// A text field with a list of what is found: the combobox with a listbox popup of the ARIA authoring practices.
import { counted, legible, make, say } from "./dom.js";

// `find(text, signal)` gives [{ key, group, row: [nodes], choose }]; the list is drawn as it comes, the last question wins.
export const combobox = (input, list, find, { clear = false } = {}) => {
  let found = [];
  let at = -1;
  let last = null;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off" })) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");

  const shown = () => !list.hidden;
  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const point = (place) => {
    at = place;
    for (const [n, option] of [...list.querySelectorAll("[role=option]")].entries()) {
      option.setAttribute("aria-selected", String(n === at));
      if (n === at) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    }
    if (at < 0) input.removeAttribute("aria-activedescendant");
  };
  const choose = (place) => {
    const one = found[place];
    if (!one) return;
    input.value = clear ? "" : one.text;
    close();
    one.choose();
  };
  const render = (nothing = "Nothing is found.") => {
    const groups = [];
    found.forEach((one, n) => {
      if (groups.at(-1)?.group !== one.group) groups.push({ group: one.group, rows: [] });
      groups.at(-1).rows.push(make("li", { role: "option", id: `${list.id}-${n}`, "aria-selected": "false",
        onpointerdown: (event) => event.preventDefault(), onclick: () => choose(n) }, ...one.row));
    });
    list.replaceChildren(...groups.map(({ group, rows }, n) => make("li", { role: "presentation" },
      make("span", { class: "group", id: `${list.id}-group-${n}` }, group),
      make("ul", { role: "group", "aria-labelledby": `${list.id}-group-${n}` }, ...rows))));
    if (!found.length) list.replaceChildren(make("li", { role: "presentation", class: "hint" }, nothing));
    list.hidden = false;
    input.setAttribute("aria-expanded", String(found.length > 0));
    point(-1);
    say(found.length ? `${counted(found.length, "result")}; arrow down to choose` : nothing);
  };
  const look = async () => {
    last?.abort();
    const text = input.value.trim();
    if (!text) { found = []; close(); return; }
    last = new AbortController();
    const mine = last;
    try {
      const rows = await find(text, mine.signal);
      if (mine.signal.aborted || document.activeElement !== input) return;
      found = rows;
      render();
      performance.mark("found");
    } catch (fault) {
      if (mine.signal.aborted) return;
      found = [];
      render(`The search failed: ${legible(fault.message)}`);
    }
  };
  input.addEventListener("input", look);
  input.addEventListener("focus", () => { if (input.value.trim() && !shown()) look(); });
  input.addEventListener("blur", () => { last?.abort(); close(); });
  input.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      if (!shown()) look();
      else if (found.length) point(at < 0 && event.key === "ArrowUp" ? found.length - 1 : (at + moves[event.key] + found.length) % found.length);
    } else if (event.key === "Enter") {
      if (shown() || input.form) event.preventDefault(); // Enter in a seed's field grows nothing yet
      if (shown()) choose(Math.max(at, 0));
    } else if (event.key === "Escape") {
      if (shown()) close();
      else input.value = "";
    }
  });
};
