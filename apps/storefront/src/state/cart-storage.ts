/** A cart as text in the browser's storage, and back. What is read is checked: anyone may have written it. */
import { emptyCart, mostLines, mostPiecesPerLine } from './cart-rules.ts';
import type { Cart, CartLine } from './cart-rules.ts';

/** Grows when an old page could no longer read what a new one writes. */
const formatVersion = 1;

export function serializeCart(cart: Cart): string {
  return JSON.stringify({ version: formatVersion, lines: cart.lines });
}

/** The cart in a stored text; empty where there is none or it cannot be read. Broken lines are left out. */
export function parseCart(text: string | null): Cart {
  if (text === null) return emptyCart;
  const stored = parseJson(text);
  if (!isRecord(stored) || stored['version'] !== formatVersion || !Array.isArray(stored['lines'])) return emptyCart;
  const seen = new Set<string>();
  const lines: CartLine[] = [];
  for (const candidate of stored['lines']) {
    const line = readLine(candidate);
    if (line === null || seen.has(line.productId) || lines.length >= mostLines) continue;
    seen.add(line.productId);
    lines.push(line);
  }
  return { lines };
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readLine(value: unknown): CartLine | null {
  if (!isRecord(value) || !isRecord(value['price'])) return null;
  const { productId, name, image, quantity, onHand } = value;
  const { amount, currency } = value['price'];
  if (typeof productId !== 'string' || !uuid.test(productId)) return null;
  if (typeof name !== 'string' || typeof image !== 'string' || !image.startsWith('/')) return null;
  if (!isCount(quantity) || quantity < 1 || quantity > mostPiecesPerLine) return null;
  if (!isCount(onHand) || !isCount(amount)) return null;
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) return null;
  return { productId, name, image, quantity, onHand, price: { amount, currency } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Not ours, or cut off: the same as no cart at all.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
