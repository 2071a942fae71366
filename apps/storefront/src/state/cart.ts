/** The cart: kept in the browser, the same in all its tabs, and independent of who is signed in. */
import { computed, signal } from '@preact/signals';
import type { Product } from '@ballast/contracts';
import * as rules from './cart-rules.ts';
import type { Cart, CartChange } from './cart-rules.ts';
import { parseCart, serializeCart } from './cart-storage.ts';
import { getProduct } from '../api/calls.ts';
import { ApiError } from '../api/errors.ts';
import { showNote } from './announcements.ts';

const storageKey = 'ballast.cart';

/** Null while the browser keeps the cart; a sentence when it refuses to. */
export const storageWarning = signal<string | null>(null);

export const cart = signal<Cart>(rules.emptyCart);

export const pieces = computed(() => rules.countPieces(cart.value));

function store<Answer>(action: () => Answer): Answer | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    storageWarning.value = 'Your browser does not keep the cart: it will be gone when you close this page.';
    return undefined;
  }
}

function read(): Cart {
  const text = store(() => localStorage.getItem(storageKey));
  // Storage that cannot be used must not empty what this page still knows.
  return text === undefined || storageWarning.value !== null ? cart.value : parseCart(text);
}

function write(next: Cart): void {
  cart.value = next;
  store(() => localStorage.setItem(storageKey, serializeCart(next)));
}

/** Always starts from what is stored, so that a change made in another tab a moment ago is not undone. */
function change(action: (current: Cart) => CartChange): string | null {
  const result = action(read());
  write(result.cart);
  return result.message;
}

/** Adds pieces of a product. Answers with a sentence when fewer were added than asked for. */
export function addToCart(product: Product, quantity: number): string | null {
  return change((current) => rules.addProduct(current, product, quantity));
}

/** Sets the pieces of a product. Answers with a sentence when it is not the number asked for. */
export function setCartQuantity(productId: string, quantity: number): string | null {
  return change((current) => rules.setQuantity(current, productId, quantity));
}

export function removeFromCart(productId: string): void {
  change((current) => ({ cart: rules.removeProduct(current, productId), message: null }));
}

/** Takes out what has been ordered. */
export function removeOrderedFromCart(lines: readonly { productId: string; quantity: number }[]): void {
  change((current) => ({ cart: rules.removeOrdered(current, lines), message: null }));
}

/** Asks the shop for the present price and stock of everything in the cart. Throws `ApiError`. */
export async function refreshCart(signal: AbortSignal): Promise<void> {
  const products: Product[] = [];
  const gone: string[] = [];
  const waiting = cart.value.lines.map((line) => line.productId);
  const worker = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        products.push(await getProduct(id, signal));
      } catch (error) {
        if (!(error instanceof ApiError) || error.details.status !== 404) throw error;
        gone.push(id);
      }
    }
  };
  // A few at a time: a full cart must not use up the visitor's rate limit at one blow.
  await Promise.all([worker(), worker(), worker(), worker()]);
  const names = cart.value.lines.filter((line) => gone.includes(line.productId)).map((line) => line.name);
  if (names.length > 0)
    showNote(`No longer sold, and taken out of your cart: ${names.join(', ')}.`, { tone: 'problem' });
  change((current) => {
    const kept = gone.reduce((rest, id) => rules.removeProduct(rest, id), current);
    return { cart: rules.refreshLines(kept, products), message: null };
  });
}

/** Reads the cart and begins to follow the other tabs. Call once. */
export function startCart(): void {
  cart.value = read();
  window.addEventListener('storage', (event) => {
    // A null key means that everything was cleared.
    if (event.key === storageKey || event.key === null) cart.value = read();
  });
}
