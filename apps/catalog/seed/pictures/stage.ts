/** What all pictures share: format, a background per category, and the shadow that puts the thing on the ground. */
import { darken, lighten, Sheet, type Colour } from './sheet.ts';
import { circle, ellipse, path, rect } from './shapes.ts';

/** How the thing is shown: standing on a surface, lying seen from above, or hanging on a wall. */
export type Pose =
  | {
      readonly kind: 'standing';
      readonly centre: number;
      readonly reach: number;
      readonly floor?: number;
    }
  | { readonly kind: 'lying' }
  | { readonly kind: 'hanging' };

/** One product's picture: a pose and the drawing itself, made on a fresh sheet. */
export interface Picture {
  readonly pose: Pose;
  readonly draw: (sheet: Sheet) => string;
}

/** Background of each category. Lamps get dusk, so that their light shows. */
const backgrounds: Readonly<Record<string, Colour>> = {
  'Rope and rigging': '#c9ddd5',
  Light: '#455a72',
  Workshop: '#e3d6c1',
  'Bags and stowage': '#d3dabd',
  Galley: '#eed5c9',
  Clothing: '#d5d2e4',
  Navigation: '#c2dae5',
  'Log and paper': '#efe2b9',
};

/** A thing that stands: `centre` and `reach` place its shadow on the floor line, in picture units. */
export const standing = (centre: number, reach: number, draw: Picture['draw'], floor = 396): Picture => ({
  pose: { kind: 'standing', centre, reach, floor },
  draw,
});

/** A thing seen from above, with a soft shadow below and to the right. */
export const lying = (draw: Picture['draw']): Picture => ({ pose: { kind: 'lying' }, draw });

/** A thing on a wall, with a close shadow. */
export const hanging = (draw: Picture['draw']): Picture => ({ pose: { kind: 'hanging' }, draw });

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function scenery(sheet: Sheet, pose: Pose, colour: Colour): string {
  const wall =
    rect(0, 0, 640, 480, sheet.down(lighten(colour, 0.26), darken(colour, 0.05))) +
    circle(320, 226, 250, sheet.out(`${lighten(colour, 0.6)}99`, `${lighten(colour, 0.5)}00`));
  if (pose.kind !== 'standing') return wall;
  const floor = pose.floor ?? 396;
  return (
    wall +
    path(`M0 ${floor - 32}H640V480H0z`, sheet.down(darken(colour, 0.1), darken(colour, 0.02))) +
    ellipse(pose.centre + 14, floor, pose.reach * 1.2, 22, sheet.out('#141c2b99', '#141c2b55', '#141c2b00'))
  );
}

/** The whole SVG document (640 by 480 units, ends with a line feed) of a picture. */
export function render(picture: Picture, title: string, category: string): string {
  const colour = backgrounds[category];
  if (colour === undefined) throw new Error(`No background for category "${category}"`);
  const sheet = new Sheet();
  const scene = scenery(sheet, picture.pose, colour);
  const drawing = picture.draw(sheet);
  const standsUp = picture.pose.kind === 'standing';
  const offset = picture.pose.kind === 'lying' ? 10 : 6;
  const shadow = standsUp
    ? ''
    : `<filter id="shadow" x="-.2" y="-.2" width="1.4" height="1.4"><feDropShadow dx="${offset}" dy="${offset + 4}" stdDeviation="9" flood-color="#141c2b" flood-opacity=".34"/></filter>`;
  const attributes = standsUp ? '' : ' filter="url(#shadow)"';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480" width="640" height="480" role="img">` +
    `<title>${escapeText(title)}</title>\n` +
    `<defs>${sheet.definitions()}${shadow}</defs>\n${scene}\n<g${attributes}>${drawing}</g>\n</svg>\n`
  );
}
