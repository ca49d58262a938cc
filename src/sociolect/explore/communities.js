// The list of communities: size, stability, conductance; sorted by any of them; a part at a time.
import { byId, cell, counted, fixed, make, mark, named, say, table, whole } from "./dom.js";
import { toCommunity } from "./state.js";

const PART = 100;
const COLUMNS = [
  ["name", "Community", "", -1],
  ["size", "Size", "People in it", 1],
  ["stability", "Stab.", "Stability: how often its people are found together again under other seeds, 0 to 1", 1],
  ["conductance", "Cond.", "Conductance: the share of its ties' weight that leaves it, 0 to 1", -1],
];

export const communities = (all, unlisted, { shown = PART, sort = "size", falling = true } = {}) => {
  let open = null;
  const place = new Map(all.map((community, n) => [community.name, n]));

  const sorted = () => {
    const sign = falling ? -1 : 1;
    const value = (n) => all[n][sort];
    const order = all.map((_, n) => n);
    if (sort === "name") return order.sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    const lost = (n) => value(n) === null || value(n) === undefined; // what is not known stands last either way
    return order.sort((a, b) => lost(a) - lost(b) || (lost(a) ? 0 : sign * (value(a) - value(b))) || a - b);
  };
  const row = (n) => {
    const { name, size, stability, conductance } = all[n];
    const link = make("a", { href: toCommunity(name), "data-state": true, "data-name": name, "aria-current": name === open ? "true" : null },
      mark(n), named(name));
    return make("tr", { class: name === open ? "open" : null }, make("th", { scope: "row" }, link),
      cell(size, whole(size)), cell(stability, fixed(stability)), cell(conductance, fixed(conductance)));
  };
  const head = ([key, words, meaning, better]) => make("th", {
    scope: "col", class: key === "name" ? null : "number", "aria-sort": key === sort ? (falling ? "descending" : "ascending") : null,
  }, make("button", { type: "button", title: meaning || null, "data-sort": key, onclick: () => {
    falling = key === sort ? !falling : better > 0;
    sort = key;
    render();
    byId("communities-rows").querySelector(`[data-sort=${key}]`).focus();
    say(`Sorted by ${key}, ${falling ? "descending" : "ascending"}`);
  } }, words, make("span", { "aria-hidden": "true", class: "arrow" }, key === sort ? (falling ? " ▾" : " ▴") : "")));

  const render = () => {
    const order = sorted();
    byId("communities-rows").replaceChildren(table(`${counted(all.length, "community", "communities")}`, COLUMNS.map(head),
      order.slice(0, shown).map(row)));
    const more = byId("communities-more");
    const left = Math.max(all.length - shown, 0);
    more.hidden = !left;
    byId("communities-unlisted").textContent = unlisted && !left ? `${counted(unlisted, "smaller community is", "smaller communities are")} not listed: search finds them.` : "";
    more.textContent = `Show ${whole(Math.min(left, PART))} more of ${whole(left)}`;
  };
  byId("communities-more").addEventListener("click", () => {
    const first = shown;
    shown += PART;
    render();
    byId("communities-rows").querySelectorAll("tbody a")[first]?.focus();
  });
  render();
  return {
    place: (name) => place.get(name) ?? -1,
    opened: (name) => {
      open = name;
      for (const link of byId("communities-rows").querySelectorAll("tbody a")) {
        const mine = link.dataset.name === name;
        if (mine) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
        link.closest("tr").classList.toggle("open", mine);
      }
    },
  };
};
