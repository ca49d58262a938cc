// The stage the picture stands on: pointer, wheel and keys, names over communities, the light of what is selected.
import { byId, calm, legible, make, signOf } from "./dom.js";
import { edgesOf, nodesOf, picture } from "./picture.js";

const NAMES = 14; // communities named over the picture, none of less than a 200th of its points
const NOBODY = 65535; // the number of whoever is in no community, or in one of too few people
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const rgb = (words) => { // "#0072b2", as page.css writes it
  const whole = Number.parseInt(words.trim().slice(1), 16);
  return [(whole >> 16) / 255, ((whole >> 8) & 255) / 255, (whole & 255) / 255];
};

export const stage = ({ all, chosen, viewed }) => {
  const host = byId("stage");
  const canvas = byId("canvas");
  const labels = byId("labels");
  const tip = byId("tip");
  let nodes = null;
  let selected = null; // what is lit: { community }, { account, near } or { grown: Map(account -> level) }
  let hovered = -1;
  let at = new Map(); // account -> place among the points
  const place = new Map(all.map((community, n) => [community.name, n]));
  const rings = ["chosen", "near"].map((name) => labels.appendChild(make("span", { class: `ring ${name}`, hidden: true })));
  const names = [];

  const ring = (element, i) => {
    element.hidden = i < 0;
    if (i < 0) return;
    const [left, top] = net.seen(nodes.x[i], nodes.y[i]);
    element.style.transform = `translate(${left}px, ${top}px)`;
  };
  const rearranged = () => {
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    const taken = [];
    for (const { element, community } of names) {
      const [left, top] = net.seen(community.x, community.y);
      const half = 4 * element.textContent.length + 10;
      const free = left > 8 && top > 8 && left < wide - 8 && top < high - 8 && taken.every(([x, y, w]) => Math.abs(x - left) > w + half || Math.abs(y - top) > 20);
      element.hidden = !free;
      if (free) {
        taken.push([left, top, half]);
        element.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%)`;
      }
    }
    ring(rings[0], selected?.account === undefined ? -1 : at.get(selected.account) ?? -1);
    ring(rings[1], hovered);
  };
  let told = 0;
  const net = picture(canvas, { moved: (view) => {
    rearranged();
    clearTimeout(told);
    told = setTimeout(() => viewed(view, net.bounds()), 250);
  } });
  if (!net) {
    const words = byId("unseen-picture");
    words.textContent = "The picture needs WebGL 2, which this browser does not offer. Lists, search, growing and exports work without it.";
    words.hidden = false;
    canvas.hidden = true;
    document.querySelector(".tools").hidden = true;
    byId("stage").removeAttribute("tabindex");
    byId("stage").setAttribute("aria-label", "Picture of the network: not drawn");
    byId("drawn").hidden = true;
    return null;
  }
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    byId("unseen-picture").textContent = "The graphics card let the picture go. Reload the page to draw it again.";
    byId("unseen-picture").hidden = false;
  });

  const painted = () => {
    const style = getComputedStyle(document.documentElement);
    net.colours(["--other", ...Array.from({ length: 8 }, (_, n) => `--c${n + 1}`)].map((name) => rgb(style.getPropertyValue(name))), rgb(style.getPropertyValue("--stage")));
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", painted);
  new ResizeObserver(() => { net.resize(); if (nodes) rearranged(); }).observe(host);

  for (const kind of ["pointermove", "pointerdown", "keydown"]) addEventListener(kind, () => net.busy(), { passive: true });

  // A glide of 160 ms, or a jump where motion is unwelcome.
  let glide = 0;
  const glided = (to) => {
    cancelAnimationFrame(glide);
    if (calm()) { net.move(to); return; }
    const from = net.view();
    const began = performance.now();
    const step = (now) => {
      const t = Math.min(1, Math.max(0, (now - began) / 160));
      const eased = 1 - (1 - t) ** 3;
      net.move(t < 1 ? { x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased, k: from.k * (to.k / from.k) ** eased } : to);
      if (t < 1) glide = requestAnimationFrame(step);
    };
    step(began);
  };
  const zoomed = (factor) => glided({ ...net.view(), k: Math.min(200, Math.max(0.5, net.view().k * factor)) });
  const panned = ([x, y]) => {
    const view = net.view();
    const far = (0.4 * net.bounds().half) / view.k;
    glided({ ...view, x: view.x + x * far, y: view.y + y * far });
  };
  const reset = () => glided({ x: net.bounds().x, y: net.bounds().y, k: 1 });
  for (const [id, act] of Object.entries({
    "zoom-in": () => zoomed(1.6), "zoom-out": () => zoomed(1 / 1.6), reset, "pan-left": () => panned([-1, 0]), "pan-right": () => panned([1, 0]),
    "pan-up": () => panned([0, 1]), "pan-down": () => panned([0, -1]) })) byId(id).addEventListener("click", act);
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVES) panned(MOVES[event.key]);
    else if (event.key === "+" || event.key === "=") zoomed(1.6);
    else if (event.key === "-") zoomed(1 / 1.6);
    else if (event.key === "0") reset();
    else return;
    event.preventDefault();
  });
  host.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = host.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const before = net.meant(left, top);
    const view = net.view();
    const next = { ...view, k: Math.min(200, Math.max(0.5, view.k * Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) * 0.006))) };
    const after = net.meant(left, top, next);
    net.move({ ...next, x: next.x + before[0] - after[0], y: next.y + before[1] - after[1] });
  }, { passive: false });

  let held = null; // where a drag began
  host.addEventListener("dragstart", (event) => event.preventDefault()); // a selection of the page's words is not carried off
  canvas.addEventListener("pointerdown", (event) => { held = { x: event.clientX, y: event.clientY, view: net.view(), far: 0 }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (held) {
      const [x0, y0] = net.meant(0, 0, held.view);
      const [x1, y1] = net.meant(event.clientX - held.x, event.clientY - held.y, held.view);
      held.far = Math.max(held.far, Math.hypot(event.clientX - held.x, event.clientY - held.y));
      if (held.far > 4) net.move({ ...held.view, x: held.view.x - (x1 - x0), y: held.view.y - (y1 - y0) });
      return;
    }
    const box = host.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    hover(net.nearest(left, top), left, top);
  });
  canvas.addEventListener("pointerup", (event) => {
    const click = held && held.far <= 4;
    held = null;
    if (!click) return;
    const box = host.getBoundingClientRect();
    const i = net.nearest(event.clientX - box.left, event.clientY - box.top);
    if (i >= 0) chosen(nodes.account[i]);
  });
  canvas.addEventListener("pointerleave", () => hover(-1));
  const hover = (i, left = 0, top = 0) => {
    if (i !== hovered) performance.mark("hovered");
    hovered = i;
    host.classList.toggle("on-point", i >= 0);
    ring(rings[1], i);
    tip.hidden = i < 0;
    if (i < 0) return;
    const community = all[nodes.community[i]];
    tip.textContent = community ? `in ${legible(community.name)} · click to open` : `${nodes.community[i] === NOBODY ? "in no community, or one of few" : "in a smaller community"} · click to open`;
    tip.style.transform = `translate(${Math.min(left + 14, canvas.clientWidth - 190)}px, ${top + 16}px)`;
  };

  const lit = () => {
    if (!nodes) return;
    if (!selected) net.light(null);
    else if (selected.grown) net.light((i) => selected.grown.get(nodes.account[i]) ?? 0);
    else if (selected.account !== undefined) {
      const near = new Set(selected.near);
      net.light((i) => (nodes.account[i] === selected.account ? 3 : near.has(nodes.account[i]) ? 2 : 0));
    } else {
      const mine = place.get(selected.community) ?? 70000;
      net.light((i) => (nodes.community[i] === mine ? 2 : 0));
    }
    for (const { element, community } of names) element.classList.toggle("dim", Boolean(selected?.community) && community.name !== selected.community);
    rearranged();
  };
  painted();
  return {
    light: (what) => { selected = what; lit(); },
    // Points first, ties after them; the promise ends when both stand.
    load: async (view) => {
      const [points, lines] = [fetch("api/nodes.bin"), fetch("api/edges.bin")];
      lines.catch(() => undefined); // told of below, after the points
      const arrived = await points;
      if (!arrived.ok) throw new Error(`the server answers ${arrived.status} for the picture's points`);
      nodes = nodesOf(await arrived.arrayBuffer());
      at = new Map();
      for (let i = 0; i < nodes.n; i++) at.set(nodes.account[i], i);
      for (const community of all.slice(0, NAMES)) if (community.shown * 200 >= nodes.n) {
        const n = place.get(community.name);
        names.push({ community, element: labels.appendChild(make("span", { class: `name c${signOf(n)}` }, legible(community.name))) });
      }
      net.resize();
      net.nodes(nodes);
      if (view) net.move(view);
      lit();
      performance.mark("points");
      const drawn = await lines;
      if (!drawn.ok) throw new Error(`the server answers ${drawn.status} for the picture's ties`);
      await net.edges(edgesOf(await drawn.arrayBuffer()));
      performance.mark("picture");
    },
    number: (account) => at.get(account) ?? -1,
  };
};
