// The form that grows a community: seeds, ranker, how many, and the truth that recall is measured against.
import { asked, byId, counted, legible, make, named, say } from "./dom.js";
import { grownView } from "./grown.js";
import { go, read } from "./state.js";

const COMMUNITY = "a community";
const RANKERS = { average: "Average", agglomerative: "Agglomerative", pagerank: "PageRank" };

export const grow = ({ overview, place, light }) => {
  const [form, fault, ranker, size, truth, value] = ["grow-form", "grow-fault", "ranker", "size", "truth", "value"].map(byId);
  const truths = new Map(overview.truths.map(({ column, values }) => [column, values])); // of { value, size }
  ranker.replaceChildren(...overview.rankers.map((name) => make("option", { value: name }, RANKERS[name] ?? legible(name))));
  truth.replaceChildren(make("option", { value: "" }, "nothing"), make("option", { value: "c:" }, COMMUNITY),
    ...[...truths.keys()].map((name) => make("option", { value: `t:${name}` }, legible(name))));
  let seeds = [];
  let grown = null; // the question whose answer is on the page
  let last = null;
  const result = grownView({ place });

  const chips = () => {
    byId("seeds").replaceChildren(...seeds.map((name) => make("li", {}, named(name), make("button", { type: "button", "aria-label": `Remove ${legible(name)} from seeds`, onclick: () => removed(name) }, "×"))));
    if (!seeds.length) byId("seeds").replaceChildren(make("li", { class: "hint" }, "No seeds yet. Add them above, from a list of members, or from an account."));
    byId("tab-grow").textContent = seeds.length ? `Grow (${seeds.length})` : "Grow";
  };
  const removed = (name) => {
    const next = seeds.indexOf(name);
    go({ seeds: seeds.filter((one) => one !== name), grown: null });
    (byId("seeds").querySelectorAll("button")[Math.min(next, seeds.length - 1)] ?? byId("seed")).focus();
    say(`${legible(name)} is no seed any more; ${seeds.length} left`);
  };
  const valued = () => {
    const kind = truth.value.slice(0, 1);
    byId("value-field").hidden = !kind;
    byId("value-label").textContent = kind === "c" ? "Community" : "Value";
    const known = kind === "c" ? overview.communities.slice(0, 500).map((one) => ({ value: one.name, size: one.size })) : truths.get(truth.value.slice(2)) ?? [];
    byId("values").replaceChildren(...known.map(({ value: one, size: people }) => make("option", { value: one, label: `${legible(one)}, ${counted(people, "person", "people")}` })));
  };
  const asking = () => {
    const kind = truth.value.slice(0, 1);
    const known = truths.get(truth.value.slice(2)) ?? [];
    // A value keeps the type it has in the table: 2004 is a number there, and text in a field.
    const typed = known.map((one) => one.value).find((one) => String(one) === value.value) ?? value.value;
    return { seeds, ranker: ranker.value, size: Number(size.value),
      truth: !kind ? null : kind === "c" ? { community: value.value } : { column: truth.value.slice(2), value: typed } };
  };
  const faults = (question) => [
    question.seeds.length ? null : "add at least one seed",
    Number.isInteger(question.size) && question.size >= 1 && question.size <= 5000 ? null : "accounts to add are a whole number from 1 to 5000",
    question.truth && !value.value ? "say which value recall is measured against" : null,
  ].filter(Boolean);

  const grew = async () => {
    const question = asking();
    const key = JSON.stringify(question);
    if (key === grown) return;
    grown = key;
    last?.abort();
    last = new AbortController();
    const mine = last;
    const wrong = faults(question);
    size.toggleAttribute("aria-invalid", wrong.some((words) => words.startsWith("accounts")));
    fault.textContent = wrong.length ? `${wrong.join("; ")}.`.replace(/^./, (first) => first.toUpperCase()) : "";
    if (wrong.length) { result.clear(); return; }
    byId("grow-go").setAttribute("aria-busy", "true");
    try {
      const answer = await asked("api/grow", question, mine.signal);
      if (mine.signal.aborted) return;
      result.show(answer, question);
      light(answer, seeds);
      performance.mark("grown");
    } catch (wrongly) {
      if (mine.signal.aborted) return;
      result.clear(); // what failed is asked again by the button, not by every move of the picture
      fault.textContent = legible(wrongly.message);
    } finally {
      if (!mine.signal.aborted) byId("grow-go").removeAttribute("aria-busy");
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    grown = null;
    go({ grown: "1" });
    grew();
  });
  const kept = () => go({ ranker: ranker.value, size: size.value, truth: truth.value, value: truth.value ? value.value : null, grown: null });
  for (const control of [ranker, size, value]) control.addEventListener("input", kept);
  truth.addEventListener("change", () => { value.value = ""; valued(); kept(); });

  return {
    seeded: (names) => {
      const held = read().seeds;
      const fresh = names.filter((name) => !held.includes(name));
      if (fresh.length) go({ seeds: [...held, ...fresh], grown: null });
      say(fresh.length ? `${fresh.map(legible).join(", ")} added to seeds; ${seeds.length} in all` : "It is a seed already");
    },
    show: (state) => {
      const same = JSON.stringify(seeds) === JSON.stringify(state.seeds);
      seeds = state.seeds;
      if (!same || !byId("seeds").children.length) chips();
      ranker.value = state.ranker ?? overview.rankers[0];
      if (ranker.selectedIndex < 0) ranker.selectedIndex = 0;
      size.value = state.size ?? "100";
      truth.value = state.truth ?? "";
      if (truth.selectedIndex < 0) truth.selectedIndex = 0;
      value.value = state.value ?? "";
      valued();
      if (state.grown) grew();
    },
  };
};
