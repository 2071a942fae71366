/** What may be in a cart. Pure: a cart goes in, a cart comes out. */
import type { Money, Product } from '@ballast/contracts';

/** The most pieces of one product in an order, and the most lines: the API takes no more. */
export const mostPiecesPerLine = 100;
export const mostLines = 50;

/** One product in the cart, with what is needed to show it before the shop has answered. */
export type CartLine = {
  productId: string;
  name: string;
  image: string;
  price: Money;
  quantity: number;
  /** Pieces on hand when the shop was last asked. */
  onHand: number;
};

export type Cart = { readonly lines: readonly CartLine[] };

export const emptyCart: Cart = { lines: [] };

/** A changed cart, and a sentence where it is not what was asked for; null where it is. */
export type CartChange = { cart: Cart; message: string | null };

/** The most pieces of a product that can be in the cart. */
export function quantityLimit(onHand: number): number {
  return Math.max(0, Math.min(onHand, mostPiecesPerLine));
}

/** Why no more pieces than `limit` can be had. */
export function limitMessage(name: string, onHand: number): string {
  if (onHand <= 0) return `${name} is sold out.`;
  if (onHand > mostPiecesPerLine) return `At most ${mostPiecesPerLine} of ${name} fit in one order.`;
  return onHand === 1 ? `Only 1 of ${name} is left.` : `Only ${onHand} of ${name} are left.`;
}

/** Pieces in the cart, all products together. */
export function countPieces(cart: Cart): number {
  return cart.lines.reduce((pieces, line) => pieces + line.quantity, 0);
}

/** Adds pieces of a product, as many as there are. */
export function addProduct(cart: Cart, product: Product, quantity: number): CartChange {
  const present = cart.lines.find((line) => line.productId === product.productId);
  if (present === undefined && cart.lines.length >= mostLines)
    return { cart, message: `An order holds at most ${mostLines} different products.` };
  const wanted = (present?.quantity ?? 0) + quantity;
  const allowed = Math.min(wanted, quantityLimit(product.onHand));
  const message = allowed < wanted ? limitMessage(product.name, product.onHand) : null;
  if (allowed <= 0) return { cart, message };
  const line: CartLine = { ...snapshotOf(product), quantity: allowed };
  const lines =
    present === undefined ? [...cart.lines, line] : cart.lines.map((other) => (other === present ? line : other));
  return { cart: { lines }, message };
}

/** Sets how many pieces of a product the cart holds; less than one removes it. */
export function setQuantity(cart: Cart, productId: string, quantity: number): CartChange {
  const present = cart.lines.find((line) => line.productId === productId);
  if (present === undefined) return { cart, message: null };
  if (quantity < 1) return { cart: removeProduct(cart, productId), message: null };
  // A line that is sold out stays as it is, for the person to decide about.
  const limit = Math.max(1, quantityLimit(present.onHand));
  const allowed = Math.min(Math.floor(quantity), limit);
  const lines = cart.lines.map((line) => (line === present ? { ...line, quantity: allowed } : line));
  return {
    cart: { lines },
    message: allowed < quantity ? limitMessage(present.name, present.onHand) : null,
  };
}

export function removeProduct(cart: Cart, productId: string): Cart {
  return { lines: cart.lines.filter((line) => line.productId !== productId) };
}

/** Takes out what was ordered; pieces added meanwhile in another tab stay. */
export function removeOrdered(cart: Cart, ordered: readonly { productId: string; quantity: number }[]): Cart {
  const pieces = new Map(ordered.map((line) => [line.productId, line.quantity]));
  const lines = cart.lines
    .map((line) => ({ ...line, quantity: line.quantity - (pieces.get(line.productId) ?? 0) }))
    .filter((line) => line.quantity > 0);
  return { lines };
}

/**
 * Brings the lines up to date with what the shop says now. Quantities are left as the person chose them, even where
 * the stock has fallen below: that is shown, not decided silently.
 */
export function refreshLines(cart: Cart, products: readonly Product[]): Cart {
  const byId = new Map(products.map((product) => [product.productId, product]));
  const lines = cart.lines.map((line) => {
    const product = byId.get(line.productId);
    return product === undefined ? line : { ...snapshotOf(product), quantity: line.quantity };
  });
  return { lines };
}

/** What stands in the way of ordering this line; null where nothing does. */
export function lineProblem(line: CartLine): string | null {
  return line.quantity > quantityLimit(line.onHand) ? limitMessage(line.name, line.onHand) : null;
}

function snapshotOf(product: Product): Omit<CartLine, 'quantity'> {
  const { productId, name, image, price, onHand } = product;
  return { productId, name, image, price, onHand };
}
