/** Readers with a memory: they note which version of a product they were shown, by whom, and when. */
import type { Product } from '@ballast/contracts';
import type { Answer, Shopper } from '../../shopper.ts';
import { attempt, rest, type Acting } from './customer.ts';

/** One version of a product as one reader was shown it. Times are ms since 1970. */
export interface Sighting {
  reader: string;
  productId: string;
  /** The replica that answered, by its name. */
  replica: string;
  /** PostgreSQL's xmin of the row, from the ETag. */
  version: string;
  askedAt: number;
  answeredAt: number;
}

/** Between two reads of one reader, in ms. */
const restMs = [60, 300] as const;
/** Reads that ask whether what is known is still so. */
const conditionalShare = 0.5;
/** Few, so that the same ones are seen again and again. */
const productsRead = 8;

/** Which version an answer about a product is about; null where it names none. */
export function versionOf(answer: Answer): string | null {
  const { etag } = answer.headers;
  return typeof etag === 'string' ? (/^"(\d+)"$/.exec(etag)?.[1] ?? null) : null;
}

/** The replica behind the bff that answered; empty where the answer does not say. */
export function replicaOf(answer: Answer): string {
  const servedBy = answer.headers['x-served-by'];
  return typeof servedBy === 'string' ? (servedBy.split(',')[0]?.trim() ?? '') : '';
}

export class Readers {
  readonly #shopper: Shopper;
  readonly #products: readonly Product[];
  readonly #acting: Acting;
  readonly sightings: Sighting[] = [];

  constructor(shopper: Shopper, products: readonly Product[], acting: Acting) {
    this.#shopper = shopper;
    this.#products = products.slice(0, productsRead);
    this.#acting = acting;
  }

  async run(readers: number): Promise<void> {
    await Promise.all(Array.from({ length: readers }, (_, index) => this.#read(`reader ${index + 1}`)));
  }

  async #read(reader: string): Promise<void> {
    const { signal, chance, tally } = this.#acting;
    const known = new Map<string, string>();
    while (!signal.aborted) {
      await rest(chance.between(...restMs), signal);
      const { productId } = chance.pick(this.#products);
      const etag = known.get(productId);
      const headers: Record<string, string> =
        etag !== undefined && chance.hit(conditionalShare) ? { 'if-none-match': etag } : {};
      const askedAt = Date.now();
      const answer = await attempt(this.#shopper, tally, 'GET', `/api/products/${productId}`, { headers });
      if (answer === null || (answer.status !== 200 && answer.status !== 304)) continue;
      const version = versionOf(answer);
      if (version === null) continue;
      known.set(productId, `"${version}"`);
      if (answer.status === 304) tally.count('unchanged');
      this.sightings.push({ reader, productId, replica: replicaOf(answer), version, askedAt, answeredAt: Date.now() });
    }
  }
}
