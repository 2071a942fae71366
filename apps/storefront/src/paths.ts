/** The addresses of the shop: reading them and making them. Pure. */
import { readRange } from './metrics/ranges.ts';
import type { MetricsRange } from './metrics/ranges.ts';

/** A page and what its address says about it. */
export type Place = (
  | { page: 'products'; query: string }
  | { page: 'product'; productId: string }
  | { page: 'cart' }
  | { page: 'sign-in' | 'register'; returnTo: string }
  | { page: 'checkout' }
  | { page: 'orders' }
  | { page: 'order'; orderId: string }
  | { page: 'lab' }
  | { page: 'chaos' }
  | { page: 'metrics'; minutes: MetricsRange }
  | { page: 'not-found' }
) & {
  /** Path and search, as they stand in the address bar. */
  address: string;
};

const uuid = '([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})';
const productPath = new RegExp(`^/products/${uuid}/?$`);
const orderPath = new RegExp(`^/orders/${uuid}/?$`);

/** The place an address leads to. */
export function matchPath(path: string, search: string): Place {
  const address = path + search;
  const parameters = new URLSearchParams(search);
  const productId = productPath.exec(path)?.[1];
  if (productId !== undefined) return { page: 'product', productId, address };
  const orderId = orderPath.exec(path)?.[1];
  if (orderId !== undefined) return { page: 'order', orderId, address };
  switch (path.length > 1 ? path.replace(/\/$/, '') : path) {
    case '/':
      return { page: 'products', query: (parameters.get('query') ?? '').slice(0, 100), address };
    case '/cart':
      return { page: 'cart', address };
    case '/checkout':
      return { page: 'checkout', address };
    case '/orders':
      return { page: 'orders', address };
    case '/lab':
      return { page: 'lab', address };
    case '/chaos':
      return { page: 'chaos', address };
    case '/metrics-view':
      return { page: 'metrics', minutes: readRange(parameters.get('minutes')), address };
    case '/sign-in':
      return { page: 'sign-in', returnTo: safeReturn(parameters.get('return')), address };
    case '/register':
      return { page: 'register', returnTo: safeReturn(parameters.get('return')), address };
    default:
      return { page: 'not-found', address };
  }
}

/** The product list, searched for these words. */
export function productsAddress(query: string): string {
  const words = query.trim();
  return words === '' ? '/' : `/?${new URLSearchParams({ query: words })}`;
}

/** Signing in (or registering), to come back to an address afterwards. */
export function signInAddress(returnTo: string, page: 'sign-in' | 'register' = 'sign-in'): string {
  const back = safeReturn(returnTo);
  return back === '/' ? `/${page}` : `/${page}?${new URLSearchParams({ return: back })}`;
}

/**
 * An address that surely stays in the shop. Anything else, such as another site's that somebody put into a link,
 * becomes the shop's first page.
 */
export function safeReturn(address: string | null): string {
  if (address === null || !/^\/(?![/\\])/.test(address)) return '/';
  const base = 'http://shop.invalid';
  const url = URL.canParse(address, base) ? new URL(address, base) : null;
  if (url === null || url.origin !== base) return '/';
  if (/^\/(?:sign-in|register)\/?$/.test(url.pathname)) return '/';
  return url.pathname + url.search;
}
