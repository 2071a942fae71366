/** What the load can order: products with stock, topped up when they run low, and means of payment. */
import { PaymentMethods, ProductPage, type PaymentChoice, type Product } from '@ballast/contracts';
import type { Report } from '@ballast/service';
import { Compile } from 'typebox/compile';
import { bodyOf, reasonOf, type Asker } from '../clients/http.ts';
import type { Session } from '../clients/operator.ts';

export interface Shelf {
  /** Looks at the shop and tops up; called now and then while there is load. */
  look(): Promise<void>;
  /** Any product in stock; null while none is known. */
  product(random: () => number): Product | null;
  payment(declined: boolean, random: () => number): PaymentChoice | null;
}

const pageCheck = Compile(ProductPage);
const methodsCheck = Compile(PaymentMethods);
const timeoutMs = 4_000;
/** What had fewer pieces when it was first seen is scarce on purpose, and left alone. */
const scarceBelow = 50;
const topUpBelow = 300;
const topUpTo = 5_000;
/** Others change the row all the time. */
const topUpTries = 6;
const topUpsPerLook = 5;

export function createShelf(parts: { asker: Asker; bffUrl: string; operator: Session | null; report: Report }): Shelf {
  const { asker, bffUrl, operator, report } = parts;
  const plentiful = new Set<string>();
  const seen = new Set<string>();
  let products: Product[] = [];
  let accepted: PaymentChoice[] = [];
  let refused: PaymentChoice[] = [];

  const readProducts = async (): Promise<void> => {
    const found: Product[] = [];
    let cursor: string | null = null;
    // A shop of more than five pages has enough on them.
    for (let page = 0; page < 5; page += 1) {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await asker.ask({ url: `${bffUrl}/api/products?limit=100${query}`, timeoutMs });
      if (answer.status !== 200) throw new Error(`products were answered ${reasonOf(answer)}`);
      const { items, nextCursor } = bodyOf('the bff', answer, pageCheck);
      found.push(...items);
      cursor = nextCursor;
      if (cursor === null) break;
    }
    for (const { productId, onHand } of found) {
      if (!seen.has(productId) && onHand >= scarceBelow) plentiful.add(productId);
      seen.add(productId);
    }
    products = found.filter(({ productId }) => plentiful.has(productId));
  };
  const readMethods = async (): Promise<void> => {
    const answer = await asker.ask({ url: `${bffUrl}/api/payment-methods`, timeoutMs });
    if (answer.status !== 200) throw new Error(`payment methods were answered ${reasonOf(answer)}`);
    const methods = bodyOf('the bff', answer, methodsCheck);
    const choices = (outcome: string): PaymentChoice[] =>
      methods.filter((each) => each.outcome === outcome).map(({ provider, method }) => ({ provider, method }));
    accepted = choices('accepted');
    refused = choices('declined');
  };
  const topUp = async (productId: string): Promise<void> => {
    const url = `${bffUrl}/api/products/${productId}`;
    let answer = await asker.ask({ url, timeoutMs });
    for (let tries = 0; tries < topUpTries; tries += 1) {
      const { etag } = answer.headers;
      const authorization = operator?.authorization() ?? null;
      if (typeof etag !== 'string' || authorization === null) return;
      answer = await asker.ask({
        method: 'PUT',
        url: `${url}/stock`,
        headers: { 'if-match': etag, authorization },
        body: { onHand: topUpTo },
        timeoutMs,
      });
      // 412 says what the version is now.
      if (answer.status !== 412) break;
    }
    if (answer.status !== 200) throw new Error(`topping up was answered ${reasonOf(answer)}`);
  };

  return {
    look: async () => {
      try {
        if (accepted.length === 0) await readMethods();
        await readProducts();
        const low = products.filter(({ onHand }) => onHand < topUpBelow).slice(0, topUpsPerLook);
        for (const { productId } of low) await topUp(productId);
      } catch (error) {
        // While the mesh is being broken: what is known is good enough.
        report('the load cannot look at the shop', error);
      }
    },
    product: (random) => {
      const inStock = products.filter(({ onHand }) => onHand > 0);
      return inStock[Math.floor(random() * inStock.length)] ?? null;
    },
    payment: (declined, random) => {
      const choices = declined && refused.length > 0 ? refused : accepted;
      return choices[Math.floor(random() * choices.length)] ?? null;
    },
  };
}
