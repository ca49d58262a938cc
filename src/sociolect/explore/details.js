// What is selected: a community with its members, words, posts and neighbours, or an account with its place.
import { asked, byId, cell, counted, fixed, legible, make, mark, named, say, table, whole } from "./dom.js";
import { go, toAccount, toCommunity, written } from "./state.js";

const HINT = "Nothing is selected. Choose a community in the list, search for an account, or click a point in the picture.";

export const details = ({ k, place, seeded }) => {
  let last = null;
  const panel = byId("selected");

  const accountLink = ({ account, name }) => make("a", { href: toAccount(account), "data-state": true }, named(name));
  const communityLink = (name) => (name === null || name === undefined ? make("span", { class: "soft" }, "none")
    : make("a", { href: toCommunity(name), "data-state": true }, mark(place(name)), named(name)));
  const fact = (term, ...value) => make("div", {}, make("dt", {}, term), make("dd", {}, ...value));
  const part = (title, ...inside) => [make("h4", {}, title), ...inside];
  const adder = (name) => make("button", { type: "button", class: "small", "data-seed": true, onclick: () => seeded([name]) }, "Add to seeds");

  const steadiness = (stability) => {
    if (stability === null || stability === undefined) return "not known";
    if (typeof stability === "number") return fixed(stability);
    const [low, middle, high] = stability.quartiles ?? [];
    return `${fixed(stability.mean)} on average; quartiles ${fixed(low)}, ${fixed(middle)}, ${fixed(high)}`;
  };

  const pager = (shown, page) => (shown.pages > 1 ? make("nav", { class: "pager", "aria-label": "Pages of members" },
    make("button", { type: "button", id: "page-back", disabled: page < 1, onclick: () => turn(page - 1, "page-back") }, "Previous"),
    make("span", {}, `Page ${whole(page + 1)} of ${whole(shown.pages)}`),
    make("button", { type: "button", id: "page-on", disabled: page + 1 >= shown.pages, onclick: () => turn(page + 1, "page-on") }, "Next")) : null);
  let kept = null; // the button that turned the page keeps the focus
  const turn = (page, button) => { kept = button; go({ page: page ? String(page) : null }, { step: true }); };

  const community = (shown, page) => {
    const words = shown.words?.length ? make("ul", { class: "words" }, ...shown.words.map(({ word, z }) =>
      make("li", { title: `z = ${fixed(z, 1)}` }, named(word), make("span", { class: "unseen" }, `, z ${fixed(z, 1)}`)))) : null;
    const posts = shown.exemplars?.length ? make("div", { class: "posts" }, ...shown.exemplars.map((text) => make("blockquote", { dir: "auto" }, legible(text)))) : null;
    panel.replaceChildren(
      make("h3", {}, make("span", { class: "kind" }, "Community"), mark(place(shown.name)), named(shown.name)),
      make("dl", { class: "facts" }, fact("People", whole(shown.size)), fact("Conductance", fixed(shown.conductance)), fact("Stability", steadiness(shown.stability))),
      ...(shown.withheld ? [make("p", { class: "note", id: "withheld" }, `Withheld: ${legible(shown.withheld)}. Members, words and posts of so few are not shown.`)] : []),
      ...(words ? part("Words that are its own", words) : []),
      ...(posts ? part("Posts typical of it", posts) : []),
      ...(!words && !posts && !shown.withheld ? [make("p", { class: "hint" }, `No words are shown: there are no posts, or no word is its own and used by ${k} of its people.`)] : []),
      ...(shown.members?.length ? part(`Members, ${counted(shown.size, "account")}`, make("div", { class: "rows" }, table(`Members of ${legible(shown.name)}`,
        ["Account", "#Degree", "#Stability", make("th", { scope: "col" }, make("span", { class: "unseen" }, "Seed"))],
        shown.members.map((one) => make("tr", {}, make("th", { scope: "row" }, accountLink(one)), cell(one.degree, whole(one.degree)),
          cell(one.stability, fixed(one.stability)), make("td", { class: "number" }, make("button", { type: "button", class: "small", "aria-label": `Add ${legible(one.name)} to seeds`, onclick: () => seeded([one.name]) }, "+ seed")))),
        { id: "members" })), pager(shown, page)) : []),
      ...(shown.neighbours?.length ? part("Neighbouring communities", make("div", { class: "rows" }, table("Neighbouring communities", ["Community", "#Weight", "#Share"],
        shown.neighbours.map((one) => make("tr", {}, make("th", { scope: "row" }, communityLink(one.name)), cell(one.weight, whole(one.weight)), cell(one.share, fixed(one.share))))))) : []),
    );
    say(`Community ${legible(shown.name)}, ${counted(shown.size, "person", "people")}${shown.pages > 1 ? `, page ${page + 1} of ${shown.pages}` : ""}`);
  };

  const account = (shown) => {
    panel.replaceChildren(
      make("h3", {}, make("span", { class: "kind" }, "Account"), named(shown.name)),
      make("dl", { class: "facts" }, fact("Community", shown.withheld ? make("span", { class: "soft" }, "withheld") : communityLink(shown.community)), fact("Stability", fixed(shown.stability)),
        fact("Degree", whole(shown.degree)), fact("Strength", whole(shown.strength))),
      ...(shown.withheld ? [make("p", { class: "note" }, `Its community has ${legible(shown.withheld)}: its place is not told.`)] : []),
      adder(shown.name),
      ...(shown.neighbours.length ? part(`Strongest ties, ${counted(shown.neighbours.length, "neighbour")} of ${whole(shown.degree)}`,
        make("div", { class: "rows" }, table(`Neighbours of ${legible(shown.name)}`, ["Account", "Community", "#Weight"],
          shown.neighbours.map((one) => make("tr", {}, make("th", { scope: "row" }, accountLink(one)), make("td", {}, communityLink(one.community)), cell(one.weight, whole(one.weight)))),
          { id: "neighbours" })))
        : [make("p", { class: "hint" }, "It has no ties.")]),
    );
    say(`Account ${legible(shown.name)}, community ${legible(shown.withheld ? "withheld" : shown.community ?? "none")}, ${counted(shown.degree, "neighbour")}`);
  };

  let seen = null;
  return {
    // Shows what the state names and gives it to `light`, which knows the picture.
    show: async (state, light) => {
      const key = JSON.stringify([state.c, state.a, state.page]);
      if (key === seen) return;
      seen = key;
      last?.abort();
      last = new AbortController();
      const mine = last;
      if (state.c === null && state.a === null) {
        panel.replaceChildren(make("p", { class: "hint" }, HINT));
        light(null);
        return;
      }
      panel.setAttribute("aria-busy", "true");
      try {
        if (state.a !== null) {
          const shown = await asked(`api/account/${encodeURIComponent(state.a)}`, undefined, mine.signal);
          if (mine.signal.aborted) return;
          account(shown);
          light({ account: shown.account, near: shown.neighbours.map((one) => one.account), community: shown.community });
        } else {
          const page = Math.max(Number.parseInt(state.page ?? "0", 10) || 0, 0);
          const shown = await asked(`api/community?name=${encodeURIComponent(state.c)}&page=${page}`, undefined, mine.signal);
          if (mine.signal.aborted) return;
          community(shown, page);
          light(shown.withheld ? null : { community: shown.name }); // of few nothing is marked in the picture
          if (kept) byId(kept)?.focus();
        }
        performance.mark("opened");
      } catch (fault) {
        if (mine.signal.aborted) return;
        panel.replaceChildren(make("p", { class: "fault", role: "alert" }, `Nothing can be shown: ${legible(fault.message)}.`),
          make("p", {}, make("a", { href: written({ c: null, a: null, page: null }), "data-state": true }, "Clear the selection")));
        light(null);
      } finally {
        kept = null;
        if (!mine.signal.aborted) panel.removeAttribute("aria-busy");
      }
    },
  };
};
