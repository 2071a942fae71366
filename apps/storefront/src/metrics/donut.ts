/** Shares of a whole as the arcs of a ring. Pure. */

export type Slice = {
  name: string;
  value: number;
  /** From 0 to 1. */
  share: number;
  /** Its arc, as the `d` of an SVG path around 0,0; empty for a share of nothing. */
  path: string;
  /** The middle of its arc, for a mark on it. */
  middle: { x: number; y: number };
  /** More than one name is in it. */
  names: readonly string[];
};

/** Outer and inner radius of the ring. */
export const ring = { outer: 50, inner: 30 } as const;

/** Slices of their own; what is smaller is one slice together. */
export const mostSlices = 8;

/** The slices, largest first, clockwise from the top. Nulls and values below 0 count as nothing. */
export function slicesOf(entries: readonly { name: string; value: number | null }[]): {
  total: number;
  slices: Slice[];
} {
  const known = entries
    .map(({ name, value }) => ({ name, value: Math.max(0, value ?? 0), names: [name] }))
    .filter(({ value }) => value > 0)
    .toSorted((left, right) => right.value - left.value || left.name.localeCompare(right.name));
  const total = known.reduce((sum, { value }) => sum + value, 0);
  const rest = known.length > mostSlices ? known.slice(mostSlices - 1) : [];
  const own = known.slice(0, known.length - rest.length);
  if (rest.length > 0) {
    own.push({
      name: `${rest.length} others`,
      value: rest.reduce((sum, { value }) => sum + value, 0),
      names: rest.map(({ name }) => name),
    });
  }
  let before = 0;
  const slices = own.map(({ name, value, names }) => {
    const from = before / total;
    before += value;
    const to = before / total;
    return {
      name,
      value,
      names,
      share: value / total,
      path: arc(from, to),
      middle: around((from + to) / 2, (ring.outer + ring.inner) / 2),
    };
  });
  return { total, slices };
}

/** The arc between two parts of the round, each from 0 to 1. */
function arc(from: number, to: number): string {
  if (to <= from) return '';
  // An arc that ends where it begins is none (SVG 1.1, F.6.2): a whole round is two halves.
  if (to - from > 0.9999) return `${arc(from, from + 0.5)}${arc(from + 0.5, from + 0.9999)}`;
  const isLarge = to - from > 0.5 ? 1 : 0;
  const [a, b, c, d] = [
    around(from, ring.outer),
    around(to, ring.outer),
    around(to, ring.inner),
    around(from, ring.inner),
  ];
  return (
    `M${a.x} ${a.y}A${ring.outer} ${ring.outer} 0 ${isLarge} 1 ${b.x} ${b.y}` +
    `L${c.x} ${c.y}A${ring.inner} ${ring.inner} 0 ${isLarge} 0 ${d.x} ${d.y}Z`
  );
}

function around(part: number, radius: number): { x: number; y: number } {
  const angle = part * 2 * Math.PI;
  return { x: rounded(radius * Math.sin(angle)), y: rounded(-radius * Math.cos(angle)) };
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000 + 0;
