/** Which product and which means of payment lead a demonstration where it is to go. Pure. */
import type { PaymentMethod, PaymentProviderName, PlaceOrder, Product } from '@ballast/contracts';

/** Where an order is to fail; `none` for an order that completes. */
export type FailAt = 'none' | 'stock' | 'authorisation' | 'capture';

/** Most pieces in one line of an order (contracts, `OrderLine`). */
const mostPieces = 100;

/** The provider's method with the outcome that is asked for, or null where this provider offers none. */
export function methodFor(
  methods: readonly PaymentMethod[],
  provider: PaymentProviderName,
  failAt: FailAt,
): PaymentMethod | null {
  const offered = methods.filter((method) => method.provider === provider);
  const refusesCapture = ({ method, label }: PaymentMethod): boolean =>
    /capture[_-]?(?:declined|refused)/i.test(`${method} ${label}`);
  if (failAt === 'authorisation') {
    return offered.find((method) => method.outcome === 'declined' && !refusesCapture(method)) ?? null;
  }
  if (failAt === 'capture') return offered.find(refusesCapture) ?? null;
  return offered.find(({ outcome }) => outcome === 'accepted') ?? null;
}

/** The steps an order can be failed at with one of these methods. */
export function possibleFailures(methods: readonly PaymentMethod[], provider: PaymentProviderName): FailAt[] {
  const all: FailAt[] = ['none', 'stock', 'authorisation', 'capture'];
  return all.filter((failAt) => methodFor(methods, provider, failAt) !== null);
}

/** A product of which there is plenty; null where there is none. */
export function plentiful(products: readonly Product[], pieces = 1): Product | null {
  return products.toSorted((one, other) => other.onHand - one.onHand).find(({ onHand }) => onHand >= pieces) ?? null;
}

/** A product and a quantity of it that an order surely cannot get: one more than there is. */
function tooMany(products: readonly Product[]): { product: Product; quantity: number } | null {
  const scarce = products.filter(({ onHand }) => onHand < mostPieces);
  // Of the scarcest something should be there, so that asking for one more says what it is about.
  const [product] = scarce.toSorted((one, other) => other.onHand - one.onHand);
  return product === undefined ? null : { product, quantity: product.onHand + 1 };
}

/** The order that goes where it is to go; null where the shop has no product or method for it. */
export function orderFailingAt(
  failAt: FailAt,
  provider: PaymentProviderName,
  methods: readonly PaymentMethod[],
  products: readonly Product[],
): { order: PlaceOrder; product: Product } | null {
  const method = methodFor(methods, provider, failAt);
  const scarce = failAt === 'stock' ? tooMany(products) : null;
  const product = failAt === 'stock' ? (scarce?.product ?? null) : plentiful(products);
  if (method === null || product === null) return null;
  const line = { productId: product.productId, quantity: scarce?.quantity ?? 1 };
  return { order: { lines: [line], payment: { provider, method: method.method } }, product };
}
