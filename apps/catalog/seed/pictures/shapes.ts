/** SVG shapes as strings, and the few things many products share: rope, glow, stitches, screws. */
import { darken, type Colour, type Sheet } from './sheet.ts';

/** Presentation attributes; no `style`, which a strict content security policy could refuse. */
export type Attributes = Readonly<Record<string, string | number>>;

function element(name: string, attributes: Attributes): string {
  const text = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
  return `<${name}${text.join('')}/>`;
}

/** A filled path. */
export const path = (d: string, fill: string, more: Attributes = {}): string => element('path', { d, fill, ...more });

/** An open stroke with round ends; width in picture units. */
export const line = (d: string, stroke: string, width: number, more: Attributes = {}): string =>
  element('path', {
    d,
    fill: 'none',
    stroke,
    'stroke-width': width,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    ...more,
  });

/** A rectangle; `rx` rounds its corners. */
export const rect = (
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  rx = 0,
  more: Attributes = {},
): string => element('rect', { x, y, width, height, ...(rx > 0 ? { rx } : {}), fill, ...more });

/** A circle. */
export const circle = (cx: number, cy: number, r: number, fill: string, more: Attributes = {}): string =>
  element('circle', { cx, cy, r, fill, ...more });

/** An ellipse. */
export const ellipse = (cx: number, cy: number, rx: number, ry: number, fill: string, more: Attributes = {}): string =>
  element('ellipse', { cx, cy, rx, ry, fill, ...more });

/** A group moved, turned or scaled as one. */
export const group = (transform: string, ...children: string[]): string =>
  `<g transform="${transform}">${children.join('')}</g>`;

/** The same drawing for every number from 0 to `count - 1`. */
export const repeat = (count: number, draw: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => draw(index)).join('');

/** The path of a closed ellipse, for strokes that a shape helper cannot give. */
export const ring = (cx: number, cy: number, rx: number, ry: number): string =>
  `M${cx - rx} ${cy}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0`;

/**
 * A rope along a path: a dark edge, the body, and thin cross marks for the lay. With `fleck` it is a
 * braid with a coloured tracer instead.
 */
export function rope(d: string, colour: Colour, width: number, fleck?: Colour): string {
  const dashes = fleck === undefined ? [width * 0.13, width * 0.4] : [width * 0.32, width * 0.76];
  const marks = dashes.map((dash) => dash.toFixed(1)).join(' ');
  const inner = fleck === undefined ? width - 5 : width * 0.6;
  return (
    '<g fill="none" stroke-linecap="round">' +
    `<path d="${d}" stroke="${darken(colour, 0.5)}" stroke-width="${width}"/>` +
    `<path d="${d}" stroke="${colour}" stroke-width="${width - 3}"/>` +
    `<path d="${d}" stroke="${fleck ?? darken(colour, 0.28)}" stroke-width="${Number(inner.toFixed(1))}" stroke-linecap="butt" stroke-dasharray="${marks}"/>` +
    '</g>'
  );
}

/** Soft light around a point. */
export const glow = (sheet: Sheet, cx: number, cy: number, radius: number, colour: Colour): string =>
  circle(cx, cy, radius, sheet.out(`${colour}cc`, `${colour}44`, `${colour}00`));

/** A row of stitches along a path. */
export const stitches = (d: string, colour: Colour): string =>
  line(d, colour, 2.5, { 'stroke-dasharray': '9 6', 'stroke-opacity': 0.8 });

/** A slotted screw head or rivet. */
export const screw = (sheet: Sheet, cx: number, cy: number, radius: number, colour: Colour): string =>
  circle(cx, cy, radius, sheet.ball(colour)) +
  line(
    `M${cx - radius * 0.55} ${cy + radius * 0.3}L${cx + radius * 0.55} ${cy - radius * 0.3}`,
    darken(colour, 0.55),
    radius * 0.24,
  );

/** A highlight: a white stroke that lets the colour below through. */
export const shine = (d: string, width: number, opacity = 0.45): string =>
  line(d, '#ffffff', width, { 'stroke-opacity': opacity });

/** The materials that come back in many products. */
export const material = {
  brass: '#c99a3f',
  bronze: '#b07a45',
  steel: '#a9b4bf',
  iron: '#3f4650',
  ash: '#d9b584',
  beech: '#d2a06b',
  oak: '#b3804d',
  walnut: '#7c5234',
  manila: '#d8bc85',
  hemp: '#b89b6a',
  canvas: '#d9cdb0',
  leather: '#9a6238',
  navy: '#2c4463',
  red: '#b8473b',
  cream: '#f4ecda',
  black: '#2a2f37',
} as const satisfies Record<string, Colour>;
