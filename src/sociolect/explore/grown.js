// What was grown: who was added in which order, how well it holds the truth, and how good a community it is.
import { byId, cell, counted, draw, fixed, legible, make, mark, named, say, table, whole } from "./dom.js";
import { toAccount, toCommunity } from "./state.js";

const PART = 50;
const [WIDE, HIGH, LEFT, FOOT, TOP] = [360, 200, 38, 34, 10];

export const curve = (points, what) => {
  const most = Math.max(...points.map(([added]) => added), 1);
  const x = (added) => LEFT + (added / most) * (WIDE - LEFT - 12);
  const y = (recall) => TOP + (1 - recall) * (HIGH - TOP - FOOT);
  const at = (n) => n.toFixed(1);
  const words = (left, top, text, anchor) => draw("text", { x: at(left), y: at(top), "text-anchor": anchor, class: "soft" }, text);
  const ticks = [...new Set([0, Math.round(most / 2), most])];
  const path = points.map(([added, recall]) => `${at(x(added))} ${at(y(recall))}`).join("L");
  const end = points.at(-1);
  return make("figure", {}, draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", class: "curve", "aria-labelledby": "curve-title curve-desc" },
    draw("title", { id: "curve-title" }, `Recall of ${what} as accounts are added`),
    draw("desc", { id: "curve-desc" }, `Recall is ${fixed(end[1], 3)} when ${counted(end[0], "account is", "accounts are")} added. The table below has every point.`),
    ...[0, .25, .5, .75, 1].flatMap((recall) => [draw("line", { class: "rule", x1: LEFT, x2: WIDE - 12, y1: at(y(recall)), y2: at(y(recall)) }),
      words(LEFT - 6, y(recall) + 4, recall.toFixed(2), "end")]),
    ...ticks.map((added) => words(x(added), HIGH - FOOT + 16, whole(added), added === most ? "end" : "middle")),
    words((LEFT + WIDE) / 2, HIGH - 4, "accounts added", "middle"),
    draw("path", { class: "s1", d: `M${path}` }), draw("circle", { class: "c1", cx: at(x(end[0])), cy: at(y(end[1])), r: 3.5 })),
  make("figcaption", { class: "hint" }, `Recall of ${what}`),
  make("details", {}, make("summary", {}, "Recall as a table"), make("div", { class: "rows", tabindex: "0", role: "region", "aria-label": "Recall as a table" },
    table("Recall as accounts are added", ["#Added", "#Recall"], points.map(([added, recall]) => make("tr", {}, cell(added, whole(added)), cell(recall, fixed(recall, 3))))))));
};

const QUALITY = { n: "Accounts, with seeds", internal: "Ties inside", external: "Ties outward", similarity: "Mean similarity" };
const letters = (n) => (n < 26 ? String.fromCharCode(65 + n) : `${String.fromCharCode(64 + Math.floor(n / 26))}${String.fromCharCode(65 + (n % 26))}`);

export const grownView = ({ place }) => {
  const box = byId("grown");
  const clear = () => box.replaceChildren();
  return {
    clear,
    show: (answer, question) => {
      const { members, groups, quality } = answer;
      const end = answer.curve?.at(-1);
      const what = question.truth ? legible(question.truth.community ?? `${question.truth.column} ${question.truth.value}`) : "";
      const judged = members.some((one) => one.hit !== null && one.hit !== undefined);
      let shown = 0;
      const rows = () => members.slice(shown, (shown += PART)).map((one, k) => {
        const n = shown - PART + k;
        return make("tr", { class: one.hit ? "hit" : null }, make("td", { class: "number" }, whole(n + 1)),
          make("th", { scope: "row" }, one.account === null ? named(one.name) : make("a", { href: toAccount(one.account), "data-state": true }, named(one.name))),
          make("td", {}, one.community === null ? make("span", { class: "soft" }, "none") : make("a", { href: toCommunity(one.community), "data-state": true }, mark(place(one.community)), named(one.community))),
          cell(one.score, fixed(one.score, 3)), ...(groups ? [make("td", {}, groups[n] === null || groups[n] === undefined ? "–" : letters(groups[n]))] : []),
          ...(judged ? [make("td", {}, one.hit === null ? "–" : one.hit ? "✓ yes" : "no")] : []));
      });
      const ranked = table("Accounts added, best first", ["#Rank", "Account", "Community", "#Score", ...(groups ? ["Group"] : []), ...(judged ? ["Hit"] : [])], rows(), { id: "grown-members" });
      const more = make("button", { type: "button", onclick: () => { const first = shown; ranked.tBodies[0].append(...rows()); tell(); ranked.tBodies[0].rows[first]?.querySelector("a")?.focus(); } });
      const tell = () => { more.hidden = shown >= members.length; more.textContent = `Show ${Math.min(PART, members.length - shown)} more of ${whole(members.length - shown)}`; };
      tell();
      const fact = (term, value, id) => make("div", {}, make("dt", {}, term), make("dd", { id }, value));
      box.replaceChildren(
        make("h4", {}, `${counted(members.length, "account")} added`),
        make("dl", { class: "facts" },
          ...(end ? [fact(end[0] < members.length ? `Recall after ${whole(end[0])}` : "Recall", fixed(end[1], 3), "recall")] : []),
          ...(answer.candidate_recall !== null && answer.candidate_recall !== undefined ? [fact("Candidate recall", fixed(answer.candidate_recall, 3), "candidate-recall")] : []),
          fact("Candidates", whole(answer.active)), fact("Time", `${fixed(answer.ms, 1)} ms`)),
        ...(answer.curve?.length ? [curve(answer.curve, what)] : []),
        ...(question.truth?.column !== undefined ? [make("p", { class: "hint" }, "A trait is told of several accounts at a time, never of one: no row says whether it is a hit.")] : []),
        make("h4", {}, "Ranked"), make("div", { class: "rows tall" }, ranked), more,
        ...(groups?.includes(null) ? [make("p", { class: "hint" }, `Groups are found among the first ${whole(groups.indexOf(null))} only.`)] : []),
        ...(quality && Object.keys(quality).length ? [make("h4", {}, "Quality of what was grown"), make("dl", { class: "facts" },
          ...Object.entries(quality).map(([name, x]) => fact(QUALITY[name] ?? legible(name).replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()), Number.isInteger(x) ? whole(x) : typeof x === "number" ? fixed(x, 3) : x === null ? "not known" : legible(x))))] : []),
        make("p", { class: "hint" }, "The table of what was grown is under Export."),
      );
      say(`${counted(members.length, "account")} added from ${counted(question.seeds.length, "seed")}${end ? `; recall ${fixed(end[1], 3)}` : ""}`);
    },
  };
};
