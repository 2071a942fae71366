/** Operators who correct stock: each names the version it has seen, and now and then two name the same. */
import type { Product } from '@ballast/contracts';
import type { Shopper } from '../../shopper.ts';
import { replicaOf, versionOf, type Sighting } from './browsing.ts';
import { attempt, rest, type Acting } from './customer.ts';

/** A correction that was answered 200: `version` came of `base`. */
export interface Edit {
  productId: string;
  base: string;
  version: string;
  /** ms since 1970 */
  answeredAt: number;
}

const restMs = [300, 1_200] as const;
/** Corrections that two make at once, of one version. */
const racedShare = 0.3;
const mostAdded = 5;

export class StockEditors {
  readonly #operator: Shopper;
  readonly #products: readonly Product[];
  readonly #acting: Acting;
  readonly edits: Edit[] = [];
  /** What the editors were shown, for the judge of versions. */
  readonly sightings: Sighting[] = [];

  constructor(operator: Shopper, products: readonly Product[], acting: Acting) {
    this.#operator = operator;
    this.#products = products;
    this.#acting = acting;
  }

  async run(): Promise<void> {
    const { signal, chance } = this.#acting;
    while (!signal.aborted) {
      await rest(chance.between(...restMs), signal);
      if (!signal.aborted) await this.#edit(chance.pick(this.#products).productId, chance.hit(racedShare) ? 2 : 1);
    }
  }

  async #edit(productId: string, writers: number): Promise<void> {
    const { chance, tally } = this.#acting;
    const askedAt = Date.now();
    const seen = await attempt(this.#operator, tally, 'GET', `/api/products/${productId}`);
    if (seen?.status !== 200) return;
    const base = versionOf(seen);
    if (base === null) return;
    this.sightings.push({
      reader: 'editor',
      productId,
      replica: replicaOf(seen),
      version: base,
      askedAt,
      answeredAt: Date.now(),
    });
    const { onHand } = seen.body as Product;
    await Promise.all(
      Array.from({ length: writers }, async () => {
        const answer = await attempt(this.#operator, tally, 'PUT', `/api/products/${productId}/stock`, {
          body: { onHand: onHand + 1 + chance.below(mostAdded) },
          headers: { 'if-match': `"${base}"` },
        });
        if (answer?.status === 412) tally.count('stale');
        if (answer?.status !== 200) return;
        const version = versionOf(answer);
        tally.count('written');
        if (version !== null) this.edits.push({ productId, base, version, answeredAt: Date.now() });
      }),
    );
  }
}
