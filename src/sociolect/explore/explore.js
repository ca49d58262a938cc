// The explorer's page: numbers and the list of communities first, the picture after them.
import { combobox } from "./combobox.js";
import { communities } from "./communities.js";
import { details } from "./details.js";
import { asked, byId, cell, counted, fixed, legible, make, mark, named, table, whole } from "./dom.js";
import { grow } from "./grow.js";
import { go, listen, read, tell, toAccount, toCommunity } from "./state.js";

const TABS = ["selected", "grow", "export"];
const EXPORTS = [["graphml", "Network as GraphML"], ["gexf", "Network as GEXF"], ["members.csv", "Members as CSV"], ["members.parquet", "Members as Parquet"],
  ["grown.csv", "What was grown last as CSV"], ["grown.parquet", "What was grown last as Parquet"]];
const narrow = matchMedia("(max-width: 60rem)");

const alarm = (words) => { byId("alarm").textContent = words; byId("alarm").hidden = false; };

for (const link of document.querySelectorAll(".skip")) link.addEventListener("click", (event) => { event.preventDefault(); byId(link.dataset.to).focus(); });

const tabs = () => {
  const button = (name) => byId(`tab-${name}`);
  TABS.forEach((name, n) => {
    button(name).addEventListener("click", () => go({ tab: name === TABS[0] ? null : name }));
    button(name).addEventListener("keydown", (event) => {
      const to = { ArrowRight: n + 1, ArrowLeft: n + TABS.length - 1, Home: 0, End: TABS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      button(TABS[to % TABS.length]).click();
      button(TABS[to % TABS.length]).focus();
    });
  });
  return (state) => {
    const open = TABS.includes(state.tab) ? state.tab : TABS[0];
    for (const name of TABS) {
      byId(name).hidden = name !== open;
      button(name).setAttribute("aria-selected", String(name === open));
      button(name).tabIndex = name === open ? 0 : -1;
    }
  };
};

const summary = (overview) => {
  const { drawn, communities: all } = overview;
  byId("drawn").textContent = `${whole(drawn.nodes)} of ${counted(overview.people, "person", "people")} and ${whole(drawn.edges)} of ${counted(overview.ties, "tie")} are drawn. `
    + "Those tied to one another stand near; place has no other meaning.";
  byId("summary-rows").replaceChildren(table("Communities in the picture", ["Community", "#People", "#Drawn", "#Share"], all.slice(0, 30).map((one, n) =>
    make("tr", {}, make("th", { scope: "row" }, mark(n), named(one.name)), cell(one.size, whole(one.size)), cell(one.shown, whole(one.shown)),
      cell(one.size, `${fixed((100 * one.size) / (overview.people || 1), 1)} %`)))));
};

const begin = async () => {
  const overview = await asked("api/overview");
  const all = overview.communities;
  byId("title").textContent = legible(overview.title);
  document.title = `${legible(overview.title)} · Explorer · Sociolect`;
  byId("facts").replaceChildren(...[["People", overview.people], ["Ties", overview.ties], ["Communities", all.length + (overview.unlisted ?? 0)], ["Posts", overview.posts]].map(([term, n]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, whole(n)))), make("div", {}, make("dt", {}, "Modularity"), make("dd", {}, fixed(overview.modularity, 3))));
  const list = communities(all, overview.unlisted ?? 0);
  summary(overview);
  performance.mark("overview");

  let net = null;
  let lit = null; // what the picture shows, for when it arrives
  const light = (what) => { // words first: the picture is lit once they are painted
    lit = what;
    if (net) requestAnimationFrame(() => setTimeout(() => { if (lit === what) net.light(what); }));
  };
  const exports = EXPORTS.map(([what, words]) => {
    const link = make("a", { href: `api/export?what=${what}`, download: true }, words);
    return { what, link, row: make("li", { hidden: what.startsWith("grown") }, link) };
  });
  const growing = grow({ overview, place: list.place, light: (answer, seeds) => {
    const levels = new Map(answer.members.filter((one) => one.account !== null).map((one) => [one.account, 2]));
    for (const one of answer.seeds ?? []) if (one.account !== undefined) levels.set(one.account, 3);
    light(seeds.length ? { grown: levels } : null);
    for (const { what, row, link } of exports) if (what.startsWith("grown")) { // this page's own, whatever another grew since
      link.href = `api/export?what=${what}&growth=${answer.growth}`;
      row.hidden = false;
    }
  } });
  const panel = details({ k: overview.k, place: list.place, seeded: growing.seeded });
  const switched = tabs();
  byId("export").replaceChildren(make("h3", {}, "Export"), make("p", { class: "hint" }, "Accounts are named as in the workspace: by pseudonyms, unless the run kept their ids. GraphML and GEXF open in Gephi, igraph and networkx."),
    make("ul", { class: "exports" }, ...exports.map(({ row }) => row)),
    make("p", { class: "hint" }, "What is grown can be exported here once it is."));

  const reveal = () => { if (narrow.matches) byId("details").scrollIntoView({ block: "start" }); };
  const open = (hash) => { history.pushState(null, "", hash); tell(); reveal(); };
  byId("communities-rows").addEventListener("click", (event) => { if (event.target.closest("a[data-state]")) setTimeout(reveal); });
  const found = async (text, signal) => asked(`api/search?q=${encodeURIComponent(text)}`, undefined, signal);
  const communityRow = (one) => [mark(list.place(one.name)), named(one.name), make("span", { class: "soft" }, counted(one.size, "person", "people"))];
  const accountRow = (one) => [named(one.name), make("span", { class: "soft" }, one.community === null ? "" : `in ${legible(one.community)}`)];
  combobox(byId("search"), byId("search-list"), async (text, signal) => {
    const { accounts, communities: groups } = await found(text, signal);
    return [...groups.map((one) => ({ group: "Communities", text: one.name, row: communityRow(one), choose: () => open(toCommunity(one.name)) })),
      ...accounts.map((one) => ({ group: "Accounts", text: one.name, row: accountRow(one), choose: () => open(toAccount(one.account)) }))];
  });
  combobox(byId("seed"), byId("seed-list"), async (text, signal) => (await found(text, signal)).accounts.map((one) => (
    { group: "Accounts", text: one.name, row: accountRow(one), choose: () => growing.seeded([one.name]) })), { clear: true });

  listen((state) => {
    switched(state);
    list.opened(state.c);
    panel.show(state, light);
    growing.show(state);
  });
  tell();

  // The picture's code is fetched once the numbers stand.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  performance.mark("painted");
  const { stage } = await import("./stage.js");
  net = stage({ all, chosen: (account) => open(toAccount(account)),
    viewed: (view, bounds) => {
      const whole_ = view.k === 1 && view.x === bounds.x && view.y === bounds.y;
      go({ v: whole_ ? null : [view.x, view.y, view.k].map((x) => x.toFixed(4)).join(",") });
    } });
  if (!net) return;
  net.light(lit);
  const held = (read().v ?? "").split(",").map(Number);
  await net.load(held.length === 3 && held.every(Number.isFinite) ? { x: held[0], y: held[1], k: held[2] } : null);
};

begin().catch((fault) => alarm(`The explorer cannot go on: ${legible(fault.message)}.`));
