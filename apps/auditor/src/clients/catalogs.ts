/** Whether catalog's replicas hear of each other's changes: what excuses one that shows an older version for a few seconds. */
import { sumOf } from '../domain/exposition.ts';
import type { Metrics } from './instances.ts';

export interface CatalogTrouble {
  /** When a catalog was last seen not to hear of changes, not to answer, or to have just begun; in ms since the epoch. */
  at: number;
  /** When each began that answers, by name. */
  startedAt: ReadonlyMap<string, number>;
}

/** Returns what asks them now. Metrics that say nothing of it count as hearing. */
export function createCatalogWatch(metrics: Metrics, now: () => number): () => Promise<CatalogTrouble> {
  let at = Number.NEGATIVE_INFINITY;
  return async () => {
    const { pages, silent } = await metrics.read('catalog');
    const deaf = pages.some(({ samples }) => sumOf(samples, 'catalog_copies_subscribed') === 0);
    if (deaf || silent.length > 0) at = now();
    const startedAt = new Map(pages.map((page) => [page.instance.name, page.startedAt]));
    return { at: Math.max(at, ...startedAt.values()), startedAt };
  };
}
