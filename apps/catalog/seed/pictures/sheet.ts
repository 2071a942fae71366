/** The paint box of one picture: colour arithmetic, and a sheet that collects the gradients a drawing asks for. */

/** A colour as `#rrggbb`, or `#rrggbbaa` where a gradient has to fade out. */
export type Colour = string;

function channels(colour: Colour): [number, number, number] {
  const value = Number.parseInt(colour.slice(1, 7), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Goes from `from` towards `to` by `share` (0 to 1), in sRGB: enough for the small steps used here. */
function mix(from: Colour, to: Colour, share: number): Colour {
  const target = channels(to);
  const mixed = channels(from).map((channel, index) => Math.round(channel + ((target[index] ?? 0) - channel) * share));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** Towards white; `share` from 0 to 1. */
export const lighten = (colour: Colour, share: number): Colour => mix(colour, '#ffffff', share);

/** Towards a blue-black, so that shadows stay cool; `share` from 0 to 1. */
export const darken = (colour: Colour, share: number): Colour => mix(colour, '#141c2b', share);

function stops(colours: readonly Colour[]): string {
  return colours
    .map((colour, index) => {
      const offset = Number((index / Math.max(1, colours.length - 1)).toFixed(2));
      const alpha =
        colour.length === 9 ? ` stop-opacity="${(Number.parseInt(colour.slice(7), 16) / 255).toFixed(2)}"` : '';
      return `<stop offset="${offset}" stop-color="${colour.slice(0, 7)}"${alpha}/>`;
    })
    .join('');
}

/**
 * Gradients of one picture. Each method returns a paint (`url(#…)`) and asking twice for the same gives
 * the same one, so pictures stay small. A gradient follows the box of its shape: do not use one to
 * stroke a perfectly straight horizontal or vertical line, whose box has no area.
 */
export class Sheet {
  readonly #definitions = new Map<string, string>();

  #define(element: string, attributes: string, colours: readonly Colour[]): string {
    const body = `${attributes}>${stops(colours)}</${element}>`;
    const key = `<${element} ${body}`;
    const known = this.#definitions.get(key);
    if (known !== undefined) return `url(#${known})`;
    const id = `p${this.#definitions.size + 1}`;
    this.#definitions.set(key, id);
    return `url(#${id})`;
  }

  /** From top to bottom, colours evenly spaced. */
  down(...colours: Colour[]): string {
    return this.#define('linearGradient', 'x1="0" y1="0" x2="0" y2="1"', colours);
  }

  /** From left to right, colours evenly spaced. */
  across(...colours: Colour[]): string {
    return this.#define('linearGradient', 'x1="0" y1="0" x2="1" y2="0"', colours);
  }

  /** From the centre outwards. */
  out(...colours: Colour[]): string {
    return this.#define('radialGradient', 'cx=".5" cy=".5" r=".5"', colours);
  }

  /** A surface lit from above. */
  lit(colour: Colour): string {
    return this.down(lighten(colour, 0.2), darken(colour, 0.14));
  }

  /** An upright cylinder lit from the left. */
  round(colour: Colour): string {
    return this.across(darken(colour, 0.18), lighten(colour, 0.28), colour, darken(colour, 0.12), darken(colour, 0.34));
  }

  /** A cylinder that lies on its side, lit from above. */
  roll(colour: Colour): string {
    return this.down(darken(colour, 0.06), lighten(colour, 0.32), colour, darken(colour, 0.16), darken(colour, 0.36));
  }

  /** A ball lit from the upper left. */
  ball(colour: Colour): string {
    return this.#define('radialGradient', 'cx=".36" cy=".3" r=".75"', [
      lighten(colour, 0.42),
      colour,
      darken(colour, 0.42),
    ]);
  }

  /** Everything asked for so far, as the inside of `<defs>`. */
  definitions(): string {
    return [...this.#definitions].map(([markup, id]) => markup.replace(/^<(\w+) /, `<$1 id="${id}" `)).join('');
  }
}
