/** How series are told apart: colours for light and dark, and dashes where colours alone would not do. Pure. */

export type Scheme = 'light' | 'dark';

/** What a line looks like. `dash` is in CSS pixels, drawn and not; empty for a line without gaps. */
export type Look = { colour: string; dash: readonly number[] };

/** Each has a contrast of at least 3 to 1 with the ground panels are drawn on (WCAG 2.2, 1.4.11); a test measures it. */
export const palette: Record<Scheme, readonly string[]> = {
  light: ['#11737b', '#b45c12', '#6a4fb0', '#3c7d2b', '#b5345f', '#2c68b8', '#85700f', '#56626b'],
  dark: ['#4fc3c8', '#f2a25c', '#b7a1f2', '#8ed16f', '#f58bac', '#78b2f7', '#d8c257', '#b4c1c9'],
};

/** The ground of panels: `--surface` in styles/tokens.css. */
export const grounds: Record<Scheme, string> = { light: '#fffefb', dark: '#182327' };

const dashes: readonly (readonly number[])[] = [[], [8, 3], [2, 3], [10, 3, 2, 3]];

/** Pairs of colour and dash that differ from each other. Whatever is beyond looks like one of them. */
export const distinctLooks = palette.light.length * dashes.length;

/**
 * The look in a place, counted from 0. Four lines are solid, the next four dashed also where colours are still to be had:
 * who cannot tell eight colours apart has two times four.
 */
export function lookOf(slot: number, scheme: Scheme): Look {
  const colours = palette[scheme];
  const round = Math.floor(slot / colours.length);
  const half = Math.floor((slot % colours.length) / 4);
  return { colour: colours[slot % colours.length]!, dash: dashes[(round + half) % dashes.length]! };
}

/** Gives every name a place that it keeps, so that a service has one colour on all panels and whoever else comes or goes. */
export type Places = { of(name: string): number };

/** `most` bounds what is remembered: beyond it everything begins anew, and colours may change. */
export function createPlaces(most = 500): Places {
  const places = new Map<string, number>();
  return {
    of(name) {
      const known = places.get(name);
      if (known !== undefined) return known;
      if (places.size >= most) places.clear();
      places.set(name, places.size);
      return places.size - 1;
    },
  };
}
