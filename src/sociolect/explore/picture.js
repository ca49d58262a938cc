// The network drawn: points in every frame where the machine can, ties on a sheet of their own, a part of them a frame.
import { POINTS, SHEET, TIES } from "./shaders.js";
import { bindFramebufferInfo, createBufferInfoFromArrays, createFramebufferInfo, createProgramInfo, drawBufferInfo,
  resizeFramebufferInfo, setBuffersAndAttributes, setUniforms } from "./vendor.js";

const EDGE = 0.93; // the part of the canvas that the whole network takes
const REST = 300; // ms without a move before the picture is drawn anew where it is slow, and its ties everywhere
const SLOW = 12; // ms for all points: beyond it they are not drawn in every frame of a move

export const nodesOf = (buffer) => {
  const n = new Uint32Array(buffer, 0, 1)[0];
  // The numbers of communities take two bytes each, so what follows may stand at an odd place: it is copied.
  const after = 4 + 10 * n;
  return { n, x: new Float32Array(buffer, 4, n), y: new Float32Array(buffer, 4 + 4 * n, n), community: new Uint16Array(buffer, 4 + 8 * n, n),
    size: new Float32Array(buffer.slice(after, after + 4 * n)), account: new Uint32Array(buffer.slice(after + 4 * n, after + 8 * n)) };
};
export const edgesOf = (buffer) => {
  const m = new Uint32Array(buffer, 0, 1)[0];
  return { m, a: new Uint32Array(buffer, 4, m), b: new Uint32Array(buffer, 4 + 4 * m, m) };
};

export const picture = (canvas, { moved }) => {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, depth: false, powerPreference: "low-power" });
  if (!gl) return null;
  const [points, ties, sheet] = [POINTS, TIES, SHEET].map((sources) => createProgramInfo(gl, sources));
  const square = createBufferInfoFromArrays(gl, { corner: { numComponents: 2, data: [-1, -1, 1, -1, -1, 1, 1, 1] } });
  const format = [{ format: gl.RGBA, minMag: gl.LINEAR, wrap: gl.CLAMP_TO_EDGE }];
  const sheets = [0, 1].map(() => createFramebufferInfo(gl, format, 4, 4));
  let front = null; // the view that the finished sheet shows
  let nodes = null;
  let drawn = null; // buffers of points
  let lines = null; // buffers of ties
  let m = 0;
  let lit = null;
  let bounds = { x: 0, y: 0, half: 1 };
  let view = { x: 0, y: 0, k: 1 };
  let palette = new Float32Array(27);
  let ground = [1, 1, 1];
  let done = 0; // ties on the sheet that is being drawn
  let chunk = 2000;
  let frame = 0;
  let fence = null; // behind the ties drawn last
  let waited = 0; // frames since
  let rested = 0;
  let complete = null; // called once, when all ties stand

  const scale = (at = view) => {
    const least = Math.min(canvas.width, canvas.height) || 1;
    const unit = (EDGE * at.k * least) / bounds.half;
    return [unit / (canvas.width || 1), unit / (canvas.height || 1)];
  };
  const uniforms = (at) => ({ centre: [at.x, at.y], scale: scale(at), palette });

  const composed = () => {
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!nodes) return;
    if (front) {
      const [sx, sy] = scale();
      gl.useProgram(sheet.program);
      setBuffersAndAttributes(gl, sheet, square);
      setUniforms(sheet, { sheet: sheets[0].attachments[0], stretch: [view.k / front.k, view.k / front.k], middle: [(front.x - view.x) * sx, (front.y - view.y) * sy] });
      drawBufferInfo(gl, square, gl.TRIANGLE_STRIP);
    }
    gl.useProgram(points.program);
    setBuffersAndAttributes(gl, points, drawn);
    const unit = (canvas.width / (canvas.clientWidth || 1)) * Math.min(3.2, Math.max(0.8, view.k ** 0.55)) * Math.min(1.5, Math.max(0.62, (3000 / nodes.n) ** 0.25));
    setUniforms(points, { ...uniforms(view), unit, ground, solid: nodes.n < 6000 ? 0.92 : 0.62, upper: 0 });
    drawBufferInfo(gl, drawn, gl.POINTS);
    if (lit.some((level) => level > 1)) {
      setUniforms(points, { upper: 1 });
      drawBufferInfo(gl, drawn, gl.POINTS);
    }
  };
  // Some thousand ties onto the second sheet; true when all are there and the sheets have changed places.
  const inked = () => {
    bindFramebufferInfo(gl, sheets[1]);
    if (!done) {
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }
    const now = Math.min(chunk, m - done);
    gl.useProgram(ties.program);
    setBuffersAndAttributes(gl, ties, lines);
    setUniforms(ties, { ...uniforms(view), strength: Math.min(0.5, Math.max(0.04, 16 / Math.sqrt(m + 1))) });
    gl.drawElements(gl.LINES, 2 * now, gl.UNSIGNED_INT, 8 * done);
    done += now;
    fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    waited = 0;
    gl.flush();
    if (done < m) return false;
    sheets.reverse();
    front = { ...view };
    return true;
  };
  let moving = false; // the view has changed since the last frame
  let due = false; // points are to be drawn
  let lighted = false; // and at once: another light is on them
  let stale = false; // ties are to be drawn
  let shown = null; // the view of the pixels that are on the canvas
  let paints = 0;
  let slow = false; // whether all points take too long for a frame
  const painted = () => {
    const began = performance.now();
    composed();
    if (nodes) paints += 1;
    if (paints === 2) { // the first waits for the shaders too
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits until all is drawn
      slow = performance.now() - began > SLOW;
    }
    due = false;
    lighted = false;
    shown = { ...view };
    canvas.style.transform = "";
  };
  // Without a graphics card the pixels that are there are moved and stretched, until the view rests.
  const stretched = () => {
    const k = view.k / shown.k;
    const [[x0, y0], [x1, y1]] = [api.seen(0, 0, shown), api.seen(0, 0)];
    canvas.style.transform = `translate(${x1 - k * x0}px, ${y1 - k * y0}px) scale(${k})`;
  };
  // Whether the ties drawn last are through; how many frames that took says how many fit in one.
  const free = () => {
    if (!fence) return true;
    waited += 1;
    if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return false;
    chunk = waited > 1 ? Math.max(1000, chunk >> 1) : Math.min(chunk << 1, 1 << 20);
    gl.deleteSync(fence);
    fence = null;
    return true;
  };
  const step = (now) => {
    frame = 0;
    if (moving) {
      moving = false;
      if (slow && shown) stretched();
      else painted();
      moved(view);
    } else if (due && (!slow || lighted || now >= rested)) {
      painted();
    } else if (stale && m && now >= rested && free() && inked()) {
      stale = false;
      painted();
      complete?.();
      complete = null;
    }
    if (moving || due || (stale && m)) wake();
  };
  const wake = () => { frame ||= requestAnimationFrame(step); };
  const quiet = (rest) => { rested = performance.now() + rest; };
  const changed = (rest = 0) => {
    due = true;
    stale = true;
    done = 0;
    quiet(rest);
    wake();
  };
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

  const api = {
    nodes: (held) => {
      nodes = held;
      lit = new Uint8Array(held.n).fill(1);
      drawn = createBufferInfoFromArrays(gl, {
        x: { numComponents: 1, data: held.x }, y: { numComponents: 1, data: held.y }, size: { numComponents: 1, data: held.size },
        community: { numComponents: 1, data: held.community, normalize: false }, lit: { numComponents: 1, data: lit, normalize: false, drawType: gl.DYNAMIC_DRAW },
      });
      let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
      for (let i = 0; i < held.n; i++) {
        left = Math.min(left, held.x[i]); right = Math.max(right, held.x[i]);
        low = Math.min(low, held.y[i]); high = Math.max(high, held.y[i]);
      }
      bounds = held.n ? { x: (left + right) / 2, y: (low + high) / 2, half: Math.max(right - left, high - low) / 2 || 1 } : bounds;
      view = { x: bounds.x, y: bounds.y, k: 1 };
      changed();
      moving = true; // names take their places
    },
    edges: ({ m: count, a, b }) => new Promise((resolve) => {
      const indices = new Uint32Array(2 * count);
      for (let i = 0; i < count; i++) { indices[2 * i] = a[i]; indices[2 * i + 1] = b[i]; }
      lines = createBufferInfoFromArrays(gl, { indices: { numComponents: 2, data: indices } }, drawn);
      m = count;
      complete = resolve;
      if (!m) resolve();
      changed();
    }),
    // `level(i)` is the light of point i: see shaders.js.
    light: (level) => {
      if (!nodes) return;
      for (let i = 0; i < nodes.n; i++) lit[i] = level ? level(i) : 1;
      gl.bindBuffer(gl.ARRAY_BUFFER, drawn.attribs.lit.buffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, lit);
      lighted = true;
      changed(slow ? REST : 0);
    },
    colours: (inks, paper) => { palette = new Float32Array(inks.flat()); ground = paper; changed(); },
    resize: () => {
      const ratio = Math.min(devicePixelRatio || 1, 2);
      const [wide, high] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
      if (!wide || !high || (canvas.width === wide && canvas.height === high)) return;
      canvas.width = wide;
      canvas.height = high;
      for (const one of sheets) resizeFramebufferInfo(gl, one, format, wide, high);
      front = null;
      shown = null;
      if (nodes) painted(); // a resized canvas is blank until it is drawn
      changed();
    },
    // A hand is at work: on a slow machine ties wait until it rests, if none of them is drawn yet.
    busy: () => { if (slow && stale && !done) quiet(REST); },
    view: () => ({ ...view }),
    bounds: () => bounds,
    move: (to) => {
      const reach = 1.2 * bounds.half;
      const held = (x, middle) => Math.min(middle + reach, Math.max(middle - reach, x));
      view = { x: held(to.x, bounds.x), y: held(to.y, bounds.y), k: Math.min(200, Math.max(0.5, to.k)) };
      moving = true;
      changed(REST);
    },
    // Pixels of the page from the canvas's corner, and back.
    seen: (x, y, at = view) => {
      const [sx, sy] = scale(at);
      return [((x - at.x) * sx + 1) * 0.5 * canvas.clientWidth, (1 - (y - at.y) * sy) * 0.5 * canvas.clientHeight];
    },
    meant: (left, top, at = view) => {
      const [sx, sy] = scale(at);
      return [at.x + ((left / canvas.clientWidth) * 2 - 1) / sx, at.y + (1 - (top / canvas.clientHeight) * 2) / sy];
    },
    // The point nearest to a pixel, within `within` pixels; −1 where there is none.
    nearest: (left, top, within = 9) => {
      if (!nodes) return -1;
      const [x, y] = api.meant(left, top);
      const [x1, y1] = api.meant(left + within, top);
      let [found, least] = [-1, (x1 - x) ** 2 + (y1 - y) ** 2];
      for (let i = 0; i < nodes.n; i++) {
        const away = (nodes.x[i] - x) ** 2 + (nodes.y[i] - y) ** 2;
        if (away < least && (lit[i] > 0 || away < least * 0.25)) { least = away; found = i; }
      }
      return found;
    },
  };
  return api;
};
