/** The product list: pages that were loaded stay, so that going back shows them at once and at the same place. */
import { signal } from '@preact/signals';
import type { Product } from '@ballast/contracts';
import { getProducts } from '../api/calls.ts';
import { isAbort } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';
import { expectRecovery, noteLoaded } from './reachability.ts';

export type ProductList = {
  query: string;
  items: readonly Product[];
  nextCursor: string | null;
  status: 'loading' | 'ready' | 'loading-more' | 'failed';
  error: unknown;
  /** Milliseconds since the epoch, of the last first page. */
  loadedAt: number;
};

/** Milliseconds after which a list is loaded anew when it is shown again. */
const freshFor = 60_000;

const nothing: Omit<ProductList, 'query'> = {
  items: [],
  nextCursor: null,
  status: 'loading',
  error: null,
  loadedAt: 0,
};

export const productList = signal<ProductList>({ query: '', ...nothing });

let running: AbortController | null = null;

/** Shows the products for these words: from memory where it is fresh, else from the shop. */
export function showProducts(query: string): void {
  const known = productList.value;
  const isFresh = Date.now() - known.loadedAt < freshFor;
  if (known.query === query && (known.status === 'loading-more' || (known.status === 'ready' && isFresh))) return;
  void load(query, null);
}

/** Loads the first page again, for instance after a failure. */
export function reloadProducts(): void {
  void load(productList.value.query, null);
}

/** Does so by itself: until it works the failure stays in sight. */
export function recoverProducts(): void {
  if (productList.value.status === 'failed') void load(productList.value.query, null, true);
}

/** Adds the next page. */
export function loadMoreProducts(): Promise<void> {
  const { query, nextCursor, status } = productList.value;
  if (nextCursor === null || status !== 'ready') return Promise.resolve();
  return load(query, nextCursor);
}

async function load(query: string, cursor: string | null, quietly = false): Promise<void> {
  running?.abort();
  const abort = new AbortController();
  running = abort;
  const before = productList.value;
  // While other words are searched, what was found before stays in sight: less flicker, no jump.
  if (!quietly)
    productList.value = {
      ...(cursor === null ? { ...nothing, items: before.items } : before),
      query,
      status: cursor === null ? 'loading' : 'loading-more',
    };
  try {
    const page = await getProducts(query, cursor, abort.signal);
    const earlier = cursor === null ? [] : before.items;
    const seen = new Set(earlier.map((product) => product.productId));
    noteLoaded();
    productList.value = {
      query,
      items: [...earlier, ...page.items.filter((product) => !seen.has(product.productId))],
      nextCursor: page.nextCursor,
      status: 'ready',
      error: null,
      loadedAt: cursor === null ? Date.now() : before.loadedAt,
    };
  } catch (error) {
    if (isAbort(error)) return;
    productList.value = { ...before, query, items: cursor === null ? [] : before.items, status: 'failed', error };
    if (error instanceof ApiError && error.willPass) expectRecovery();
  }
}
