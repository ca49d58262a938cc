// What the picture is drawn with. Points are sprites whose shape is that of report/ink.py; ties take their ends' colours.
const PLACE = `#version 300 es
precision highp float;
in float x; in float y; in float community; in float lit;
uniform vec2 centre; uniform vec2 scale; uniform vec3 palette[9];
vec3 colour() { return palette[int(community < 8. ? community + 1. : 0.)]; }
vec2 place() { return (vec2(x, y) - centre) * scale; }
`;

// lit: 0 others while something is selected, 1 nothing is selected, 2 selected, 3 the very one.
export const POINTS = [`${PLACE}
in float size;
uniform float unit; uniform float upper; uniform float solid;
out vec3 ink; out float veil; flat out int shape; flat out float wide;
void main() {
  bool mine = (lit > 1.5) == (upper > .5);
  gl_Position = mine ? vec4(place(), 0., 1.) : vec4(9., 9., 9., 1.);
  wide = unit * (2.4 + 7. * size) * (lit > 2.5 ? 1.9 : lit > 1.5 ? 1.35 : 1.);
  gl_PointSize = wide + 2.;
  shape = wide < 6. ? 1 : int(community < 8. ? community + 1. : 0.);
  ink = colour();
  veil = lit < .5 ? .16 : lit > 1.5 ? .92 : solid;
}`, `#version 300 es
precision mediump float;
in vec3 ink; in float veil; flat in int shape; flat in float wide;
uniform vec3 ground;
out vec4 seen;
float box(vec2 p, vec2 half_) { vec2 d = abs(p) - half_; return max(d.x, d.y); }
float kite(vec2 p) { return (abs(p.x) / 1.1 + abs(p.y) / 1.25 - 1.) * .83; }
float three(vec2 p) { return max(max(dot(p, vec2(.876, .482)) - .58, dot(p, vec2(-.876, .482)) - .58), -p.y - .8); }
float plus(vec2 p) { return min(box(p, vec2(.42, 1.15)), box(p, vec2(1.15, .42))); }
void main() {
  float radius = wide * .5;
  vec2 p = (gl_PointCoord * 2. - 1.) * (radius + 1.) / radius;
  p.y = -p.y;
  float away;
  if (shape == 2) away = box(p, vec2(.89));
  else if (shape == 3) away = three(p);
  else if (shape == 4) away = kite(p);
  else if (shape == 5) away = three(-p);
  else if (shape == 6) away = plus(vec2(p.x - p.y, p.x + p.y) * .7071);
  else if (shape == 7) away = plus(p);
  else if (shape == 8) away = box(p, vec2(.5, 1.2));
  else away = length(p) - 1.;
  float cover = clamp(.5 - away * radius, 0., 1.) * veil;
  if (cover < .01) discard;
  float rim = wide < 9. ? 0. : clamp(away * radius + 1.6, 0., 1.);
  seen = vec4(mix(ink, ground, rim * .85) * cover, cover);
}`];

export const TIES = [`${PLACE}
uniform float strength;
out vec4 ink;
void main() {
  gl_Position = vec4(place(), 0., 1.);
  // a tie fades out toward an end that is not selected: eight bits hold no fainter ink in its colour
  ink = vec4(colour(), lit < .5 ? 0. : lit > 1.5 ? min(5. * strength, .7) : strength);
}`, `#version 300 es
precision mediump float;
in vec4 ink;
out vec4 seen;
void main() { seen = vec4(ink.rgb * ink.a, ink.a); }`];

// The finished sheet of ties, moved with the view until a new one is drawn.
export const SHEET = [`#version 300 es
in vec2 corner;
uniform vec2 middle; uniform vec2 stretch;
out vec2 spot;
void main() { spot = corner * .5 + .5; gl_Position = vec4(corner * stretch + middle, 0., 1.); }`, `#version 300 es
precision mediump float;
in vec2 spot;
uniform sampler2D sheet;
out vec4 seen;
void main() { seen = texture(sheet, spot); }`];
