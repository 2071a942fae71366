/** From what a client asks for to what it will pay. Prices are the catalog's, never the client's. */
import type { Money, OrderLine, PlaceOrder, PricedLine } from '@ballast/contracts';

export type Pricing =
  | { ok: true; lines: PricedLine[]; total: Money }
  | { ok: false; code: 'invalid-input' | 'unknown-product'; detail: string; field: string };

type Quote = { name: string; price: Money };

/** Prices the lines of an order; says which line is to blame where that cannot be done. */
export function priceOrder(lines: readonly OrderLine[], quotes: ReadonlyMap<string, Quote>): Pricing {
  const priced: PricedLine[] = [];
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const quote = quotes.get(line.productId.toLowerCase());
    const field = `lines.${index}.productId`;
    if (seen.has(line.productId.toLowerCase())) {
      return { ok: false, code: 'invalid-input', detail: `${field} stands in an earlier line too.`, field };
    }
    if (quote === undefined)
      return { ok: false, code: 'unknown-product', detail: `There is no product ${line.productId}.`, field };
    if (priced[0] !== undefined && priced[0].unitPrice.currency !== quote.price.currency) {
      return {
        ok: false,
        code: 'invalid-input',
        detail: `${field} is sold in another currency than the first line.`,
        field,
      };
    }
    seen.add(line.productId.toLowerCase());
    priced.push({
      productId: line.productId.toLowerCase(),
      name: quote.name,
      quantity: line.quantity,
      unitPrice: quote.price,
    });
  }
  const amount = priced.reduce((sum, line) => sum + line.unitPrice.amount * line.quantity, 0);
  return { ok: true, lines: priced, total: { amount, currency: priced[0]!.unitPrice.currency } };
}

/** What must be the same for two requests under one idempotency key to be the same request. */
export function canonicalRequest(request: PlaceOrder): string {
  const lines = request.lines.map((line) => [line.productId.toLowerCase(), line.quantity]);
  return JSON.stringify([lines, request.payment.provider, request.payment.method]);
}
