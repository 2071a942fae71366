/** Judges what clients were shown of products, and what they changed, by the order in which the rows' versions came. */
import type { Sighting } from './traffic/browsing.ts';
import type { Edit } from './traffic/stock.ts';

/** A version of a product's row that was committed. */
export interface RowVersion {
  productId: string;
  /** xmin */
  version: string;
  /** Of two versions of one product the later one has the greater. */
  revision: number;
}

/** A process ended: what it had in memory is gone. ms since 1970. */
export interface Exit {
  instance: string;
  at: number;
}

/** For how long a replica that was not told may serve what is old (libs/cache), and what a busy machine adds. In ms. */
const lifetimeMs = 5_000;
const slackMs = 1_500;
/** Violations of one kind that are told. */
const mostTold = 5;

/**
 * - One replica, in one life, never shows a reader an older version after a newer one.
 * - Nobody is shown what was replaced longer ago than a copy lives.
 * - Of all who change one version one wins, and what comes of it follows directly: the chain has no fork and no gap.
 */
export function judgeVersions(parts: {
  rows: readonly RowVersion[];
  sightings: readonly Sighting[];
  edits: readonly Edit[];
  exits: readonly Exit[];
}): string[] {
  const { sightings, edits, exits } = parts;
  const places = placesOf(parts.rows);
  const place = (productId: string, version: string): number | undefined => places.get(`${productId} ${version}`);
  const unknown = [...sightings, ...edits]
    .filter(({ productId, version }) => place(productId, version) === undefined)
    .map(
      ({ productId, version }) => `what is shown was committed: version ${version} of product ${productId} never was`,
    );

  const fallen: string[] = [];
  const stale: string[] = [];
  for (const [productId, ofProduct] of Map.groupBy(sightings, (sighting) => sighting.productId)) {
    const shown = ofProduct
      .flatMap((sighting) => {
        const at = place(productId, sighting.version);
        return at === undefined ? [] : [{ ...sighting, place: at }];
      })
      .toSorted((one, other) => one.askedAt - other.askedAt);
    const known = [
      ...shown.map((sighting) => ({ at: sighting.answeredAt, place: sighting.place })),
      ...edits
        .filter((edit) => edit.productId === productId)
        .map((edit) => ({ at: edit.answeredAt, place: place(productId, edit.version) ?? -1 })),
    ].toSorted((one, other) => one.at - other.at);

    const newest = new Map<string, { place: number; at: number }>();
    let next = 0;
    let required = -1;
    for (const sighting of shown) {
      for (; next < known.length && known[next]!.at + lifetimeMs + slackMs < sighting.askedAt; next += 1) {
        required = Math.max(required, known[next]!.place);
      }
      if (sighting.place < required) {
        stale.push(
          `nothing old is shown for long: ${wordsOf(sighting)} ${required - sighting.place} versions after the newer one was known`,
        );
      }
      const who = `${sighting.reader} ${sighting.replica}`;
      const before = newest.get(who);
      const reborn =
        before !== undefined &&
        exits.some(({ instance, at }) => instance === sighting.replica && at >= before.at && at <= sighting.answeredAt);
      if (before !== undefined && !reborn && sighting.replica !== '' && sighting.place < before.place) {
        fallen.push(`versions never fall: ${wordsOf(sighting)}, ${before.place - sighting.place} versions back`);
      }
      if (before === undefined || reborn || sighting.place >= before.place) {
        newest.set(who, { place: sighting.place, at: sighting.askedAt });
      }
    }
  }

  const twice: string[] = [];
  for (const [base, winners] of Map.groupBy(edits, ({ productId, base: from }) => `${productId} ${from}`)) {
    if (winners.length > 1) twice.push(`one winner per version: ${base} was changed by ${winners.length}`);
  }
  const forked = edits.flatMap(({ productId, base, version }) => {
    const [from, to] = [place(productId, base), place(productId, version)];
    if (from === undefined || to === undefined || to === from + 1) return [];
    return [`an unforked chain: ${version} of product ${productId} came of ${base} and is ${to - from} versions on`];
  });
  return [unknown, fallen, stale, twice, forked].flatMap((kind) => [
    ...kind.slice(0, mostTold),
    ...(kind.length > mostTold ? [`and ${kind.length - mostTold} more like the last`] : []),
  ]);
}

const wordsOf = ({ reader, replica, version, productId }: Sighting): string =>
  `${reader} was shown version ${version} of product ${productId} by ${replica}`;

/** By product and version, where in the product's history it stands. */
function placesOf(rows: readonly RowVersion[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [productId, history] of Map.groupBy(rows, (row) => row.productId)) {
    const ordered = history.toSorted((one, other) => one.revision - other.revision);
    for (const [index, { version }] of ordered.entries()) places.set(`${productId} ${version}`, index);
  }
  return places;
}
