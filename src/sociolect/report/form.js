"use strict";
// Texts enter the page by textContent only; nothing here makes markup out of words.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const noun = data.kind === "pairs" ? "pair" : "text";
  const known = new Map(data.units.map((unit) => [unit.id, unit]));
  const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

  let annotator = "";
  let order = [];
  let at = 0;
  const bare = () => Object.create(null); // no name is there before it is given
  let answers = bare(); // unit -> question -> option
  let seconds = bare(); // unit -> seconds it was looked at
  let current = 0; // the question that single keys answer
  let kept = true; // whether the browser keeps answers
  let unsaved = false;
  let since = null;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // ---- the annotator's own order: drawn from the id, so that it is the same after a reload
  const stream = (name) => {
    let h = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
    return () => { // mulberry32
      h = (h + 0x6d2b79f5) | 0;
      let t = Math.imul(h ^ (h >>> 15), 1 | h);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  };
  const drawn = (name) => {
    const random = stream(`${data.mark}\n${name}`);
    const units = data.units.map((unit) => unit.id);
    for (let i = units.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [units[i], units[j]] = [units[j], units[i]];
    }
    // A repeat must not come while its first showing is remembered.
    const apart = Math.min(10, Math.floor(units.length / 4));
    const like = (unit) => JSON.stringify([...known.get(unit).texts].sort());
    const near = (i) => units.some((unit, j) => j !== i && Math.abs(i - j) < apart && like(unit) === like(units[i]));
    for (let i = 0; i < units.length; i++) {
      for (let tries = 0; near(i) && tries < 50; tries++) {
        const j = Math.floor(random() * units.length);
        [units[i], units[j]] = [units[j], units[i]];
        if (near(i) || near(j)) [units[i], units[j]] = [units[j], units[i]];
      }
    }
    return units;
  };

  // ---- what the browser keeps
  const place = () => `sociolect-form:${data.mark}:${annotator}`;
  const keep = () => {
    unsaved = true;
    try {
      localStorage.setItem(place(), JSON.stringify({ answers, seconds }));
    } catch {
      if (kept) say("This browser keeps nothing: save your answers before you close the page.");
      kept = false;
    }
  };
  const recall = () => {
    answers = bare();
    seconds = bare();
    let found = {};
    try {
      found = JSON.parse(localStorage.getItem(place()) || "{}") || {};
    } catch {
      return;
    }
    for (const unit of known.keys()) {
      const given = found.answers?.[unit] ?? {};
      const fit = data.questions.filter((q) => q.options.some(([option]) => option === given[q.id]));
      if (fit.length) answers[unit] = Object.assign(bare(), Object.fromEntries(fit.map((q) => [q.id, given[q.id]])));
      const spent = Number(found.seconds?.[unit]);
      if (spent > 0 && Number.isFinite(spent)) seconds[unit] = spent;
    }
  };

  // ---- what is due
  const due = (unit) => data.questions.filter((q) => !q.when || answers[unit]?.[q.when[0]] === q.when[1]);
  const whole = (unit) => due(unit).every((q) => answers[unit]?.[q.id]);
  const done = () => order.filter(whole).length;

  const clock = () => {
    if (since === null || !order.length) return;
    const unit = order[at];
    seconds[unit] = (seconds[unit] || 0) + (performance.now() - since) / 1000;
    since = performance.now();
  };

  // ---- the file
  const rows = () => order.flatMap((unit, i) => due(unit).filter((q) => answers[unit]?.[q.id]).map((q) => ({
    unit, question: q.id, answer: answers[unit][q.id], seconds: Math.round((seconds[unit] || 0) * 10) / 10, place: i + 1,
  })));
  const save = (form) => {
    clock();
    const found = rows();
    const head = ["form", "annotator", "unit", "question", "answer", "seconds", "place"];
    const said = form === "csv" // ids hold no comma, no quote and no formula
      ? [head, ...found.map((row) => [data.mark, annotator, ...head.slice(2).map((c) => row[c])])].map((l) => l.join(",")).join("\n") + "\n"
      : JSON.stringify({ form: data.mark, kind: data.kind, annotator, answers: found }, null, 1) + "\n";
    const url = URL.createObjectURL(new Blob([said], { type: form === "csv" ? "text/csv" : "application/json" }));
    const name = `answers-${data.mark}-${annotator}.${form}`;
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    unsaved = false;
    say(`Saved: ${name}`);
  };

  let fading = 0;
  const say = (words) => {
    byId("status").textContent = words;
    clearTimeout(fading);
    fading = setTimeout(() => { byId("status").textContent = ""; }, 6000);
  };

  // ---- the three views
  const view = (name) => {
    for (const id of ["start", "work", "end"]) byId(id).hidden = id !== name;
    scrollTo(0, 0);
  };
  const letter = (q, i) => (data.kind === "pairs" && q.options.length <= 3 ? "ABC"[i] : i < 9 ? String(i + 1) : "");

  const meter = () => {
    byId("count").textContent = `${done()} of ${order.length} judged`;
    byId("progress").max = order.length;
    byId("progress").value = done();
  };

  const mend = () => { // which questions are asked, and which is current
    const unit = order[at];
    const asked = new Set(due(unit).map((q) => q.id));
    data.questions.forEach((q, i) => {
      const box = byId(`q.${i}`);
      box.hidden = !asked.has(q.id);
      box.disabled = box.hidden;
      box.classList.toggle("current", i === current && byId("shortcuts").checked);
    });
    byId("next").textContent = at + 1 < order.length ? "Next" : "Finish";
    meter();
  };

  const answer = (i, option) => {
    const unit = order[at];
    (answers[unit] ??= bare())[data.questions[i].id] = option;
    data.questions.forEach((q, j) => { // an answer whose question is no longer asked is no answer
      if (q.when && answers[unit][q.when[0]] !== q.when[1] && answers[unit][q.id]) {
        delete answers[unit][q.id];
        for (const input of document.getElementsByName(`answer.${j}`)) input.checked = false;
      }
    });
    clock();
    keep();
    byId("fault").textContent = "";
    byId(`q.${i}`).classList.remove("missing");
    const rest = data.questions.findIndex((q, j) => j > i && due(unit).includes(q) && !answers[unit][q.id]);
    const any = data.questions.findIndex((q) => due(unit).includes(q) && !answers[unit][q.id]);
    current = rest >= 0 ? rest : any >= 0 ? any : i;
    mend();
  };

  const show = (index) => {
    clock();
    at = index;
    since = document.hidden ? null : performance.now();
    const unit = known.get(order[at]);
    byId("heading").textContent = `${noun[0].toUpperCase()}${noun.slice(1)} ${at + 1} of ${order.length}`;
    byId("context").replaceChildren(...unit.context.map(([what, value]) =>
      make("div", {}, make("dt", {}, what), make("dd", { dir: "auto" }, value))));
    byId("texts").className = data.kind;
    byId("texts").replaceChildren(...unit.texts.map((said, i) => {
      const name = data.kind === "pairs" ? `Text ${"AB"[i]}` : "Text";
      return make("article", { "aria-labelledby": `name.${i}` },
        make("h2", { id: `name.${i}` }, name), make("blockquote", { dir: "auto" }, said));
    }));
    byId("questions").replaceChildren(...data.questions.map((q, i) => {
      const options = q.options.map(([option, words], k) => {
        const input = make("input", { type: "radio", name: `answer.${i}`, value: option });
        input.checked = answers[unit.id]?.[q.id] === option;
        input.addEventListener("change", () => answer(i, option));
        const hint = letter(q, k);
        return make("label", {}, input, make("span", { dir: "auto" }, words, ...(hint ? [make("kbd", { "aria-hidden": "true" }, hint)] : [])));
      });
      const box = make("fieldset", { id: `q.${i}` }, make("legend", { dir: "auto" }, q.text), make("div", { class: "options" }, ...options));
      box.addEventListener("focusin", () => { current = i; mend(); });
      return box;
    }));
    const open = data.questions.findIndex((q) => due(unit.id).includes(q) && !answers[unit.id]?.[q.id]);
    current = open >= 0 ? open : 0;
    byId("back").disabled = at === 0;
    byId("fault").textContent = "";
    view("work");
    mend();
    byId("heading").focus({ preventScroll: true });
  };

  const finish = () => {
    clock();
    since = null;
    keep();
    const left = order.length - done();
    byId("done").textContent = left ? "Not all done" : "All done";
    byId("tally").textContent = `${done()} of ${order.length} ${noun}s are judged by ${annotator}.` + (left ? ` ${left} still wait.` : " Thank you.");
    view("end");
    byId("done").focus({ preventScroll: true });
  };

  // ---- what the annotator does
  byId("enter").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = byId("annotator").value.trim();
    const fit = NAME.test(name);
    byId("annotator").setAttribute("aria-invalid", String(!fit));
    byId("annotator.fault").textContent = fit ? "" : "An id begins with a letter or digit and holds letters, digits, dot, dash and underscore.";
    if (!fit) return byId("annotator").focus();
    annotator = name;
    order = drawn(name);
    recall();
    const next = order.findIndex((unit) => !whole(unit));
    if (done()) say(`Welcome back: ${done()} of ${order.length} are judged.`);
    return next >= 0 ? show(next) : finish();
  });
  byId("judgement").addEventListener("submit", (event) => {
    event.preventDefault();
    const unit = order[at];
    const missing = data.questions.map((q, i) => [q, i]).filter(([q]) => due(unit).includes(q) && !answers[unit]?.[q.id]);
    if (missing.length) {
      byId("fault").textContent = `${missing.length} question${missing.length > 1 ? "s have" : " has"} no answer yet.`;
      for (const [, i] of missing) byId(`q.${i}`).classList.add("missing");
      byId(`q.${missing[0][1]}`).querySelector("input").focus();
      return;
    }
    if (at + 1 < order.length) show(at + 1);
    else {
      const open = order.findIndex((u) => !whole(u));
      if (open >= 0) show(open);
      else finish();
    }
  });
  byId("back").addEventListener("click", () => show(at - 1));
  byId("review").addEventListener("click", () => show(0));
  byId("save-so-far").addEventListener("click", () => { keep(); save("json"); });
  byId("save-json").addEventListener("click", () => save("json"));
  byId("save-csv").addEventListener("click", () => save("csv"));
  byId("shortcuts").addEventListener("change", mend);
  document.addEventListener("keydown", (event) => {
    if (byId("work").hidden || !byId("shortcuts").checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const unit = order[at];
    const q = data.questions[current];
    const pressed = event.key.toUpperCase();
    const i = due(unit).includes(q) ? q.options.findIndex((_, k) => letter(q, k) === pressed) : -1;
    if (i >= 0) {
      event.preventDefault();
      document.getElementsByName(`answer.${current}`)[i].checked = true;
      answer(current, q.options[i][0]);
      byId(`q.${current}`).scrollIntoView({ block: "nearest" });
    } else if (pressed === "ENTER" && !event.target.closest("button, input[type=radio], form")) {
      event.preventDefault();
      byId("judgement").requestSubmit();
    } else if (pressed === "P" && at > 0) {
      event.preventDefault();
      show(at - 1);
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (byId("work").hidden) return;
    clock();
    since = document.hidden ? null : performance.now();
    if (document.hidden) keep();
  });
  addEventListener("beforeunload", (event) => {
    if (!byId("work").hidden) { clock(); keep(); }
    if (unsaved && !kept) event.preventDefault();
  });

  byId("legend").textContent = data.kind === "pairs"
    ? "A, B, C answer the marked question; Enter goes on, P goes back."
    : "A digit answers the marked question; Enter goes on, P goes back.";
  view("start");
  byId("annotator").focus();
})();
